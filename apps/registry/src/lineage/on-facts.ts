import {
  type datasetBuilt,
  type datasetFailed,
  type DataOf,
  type rolloutStarted,
  type trainingFailed,
  type trainingRefused,
  type trainingRequested,
} from '@cascata/events'
import { done, drop, type Handler } from '@cascata/messaging'
import { saveDataset, saveOutcome, saveStep, saveTraining } from './lineage.store.ts'

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
