import {
  type datasetBuilt,
  type datasetFailed,
  type DataOf,
  type rolloutStarted,
  type routeChanged,
  type trainingFailed,
  type trainingRefused,
  type trainingRequested,
} from '@cascata/events'
import { done, drop, type Handler } from '@cascata/messaging'
import { noteChampion } from '../versions/champion.store.ts'
import { registeredName } from '../versions/model-name.ts'
import { type Said } from '../webhooks/webhook.ts'
import { sayToWebhooks } from '../webhooks/webhooks.store.ts'
import { saveDataset, saveOutcome, saveRoute, saveStep, saveTraining } from './lineage.store.ts'

export const onTrainingRequested: Handler<DataOf<typeof trainingRequested>> = async (event, tx) => {
  await saveTraining(tx, event)
  return done
}

export const onDatasetBuilt: Handler<DataOf<typeof datasetBuilt>> = async (event, tx) => {
  await saveDataset(tx, event)
  return done
}

type Ended = DataOf<typeof trainingRefused> | DataOf<typeof datasetFailed> | DataOf<typeof trainingFailed>

/** A run that ended without a version, and why. */
export const onRunEnded: Handler<Ended> = async ({ type, time, data }, tx) => {
  if (data.run === null) return drop('refused before a run existed')
  const why = 'reason' in data ? data.reason : `${data.code}: ${data.message}`
  return (await saveOutcome(tx, data.run, { type, at: time, why })) ? done : drop('the run is not known here')
}

export const onRollout: Handler<DataOf<typeof rolloutStarted>> = async (event, tx) => {
  const { version, rollout, champion, step, share, reason } = event.data
  await saveStep(tx, event, version, { rollout, champion, step, share, reason })
  return done
}

/** What serves, for whoever asks where predictions come from; webhooks hear of a new champion as MLflow tells of its alias. */
export const onRoute: Handler<DataOf<typeof routeChanged>> = async (event, tx) => {
  const before = await saveRoute(tx, event)
  const { champion } = event.data
  if (before && champion !== null) await noteChampion(tx, event.data, champion)
  if (!before || champion === before.said.champion) return done
  const name = registeredName(event.data)
  const said: Said =
    champion === null
      ? { entity: 'MODEL_VERSION_ALIAS', action: 'DELETED', data: { name, alias: 'champion' } }
      : { entity: 'MODEL_VERSION_ALIAS', action: 'CREATED', data: { name, alias: 'champion', version: champion } }
  await sayToWebhooks(tx, said, Date.parse(event.time))
  return done
}
