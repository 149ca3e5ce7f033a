import { type DataOf, type routeChanged, type versionRegistered } from '@cascata/events'
import { done, type Handler } from '@cascata/messaging'
import { keepTraining } from '../erasure/flagged.ts'
import { keepService } from './feature-services.store.ts'
import { featuresOfInputs } from './validate-service.ts'

/** A version pins what it reads, and names what it was trained on. */
export const onVersionRegistered: Handler<DataOf<typeof versionRegistered>> = async ({ data }, tx) => {
  await keepService(tx, data, data.inputs && featuresOfInputs(data.inputs.schema.map(({ name }) => name)))
  await keepTraining(tx, data)
  return done
}

/** Nothing to do: the newest route of each model is kept by messaging, and says which version serves. */
export const onRouteChanged: Handler<DataOf<typeof routeChanged>> = () => Promise.resolve(done)
