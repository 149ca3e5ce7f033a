import { type DataOf, type versionRegistered } from '@cascata/events'
import { done, drop, type Handler, ringAfter } from '@cascata/messaging'
import { lockModel } from '../models/models.store.ts'
import { causeOf } from '../triggers/on-facts.ts'

/** A version that somebody registered through an MLflow client passes the same gates; it waits here for a run of its own. */
export const onVersionRegistered: Handler<DataOf<typeof versionRegistered>> = async (event, tx) => {
  const { namespace, model, version, origin, modelSha256 } = event.data
  if (origin !== 'client') return drop('the version is of a run of ours')
  if (modelSha256 === null) return drop('the version has no ONNX file to be scored')
  if (!(await lockModel(tx, { namespace, model }))) return drop('the model is not applied here')
  const cause = causeOf(event, 'manual', `version ${version} was registered by a client`)
  await tx.query('insert into client_version (namespace, model, version, cause) values ($1, $2, $3, $4) on conflict do nothing', [
    namespace,
    model,
    version,
    JSON.stringify(cause),
  ])
  await ringAfter(tx, 'conductor')
  return done
}
