import {
  datasetBuilt,
  datasetFailed,
  rolloutBaking,
  rolloutCompleted,
  rolloutHeld,
  rolloutPaused,
  rolloutRolledBack,
  rolloutStarted,
  rolloutStepped,
  routeChanged,
  trainingFailed,
  trainingRefused,
  trainingRequested,
  versionApproved,
  versionRejected,
} from '@cascata/events'
import { consumersOf, on } from '@cascata/messaging'
import { onDatasetBuilt, onRollout, onRoute, onRunEnded, onTrainingRequested } from './lineage/on-facts.ts'
import { onVerdict } from './versions/on-verdict.ts'

/** What the registry listens to: enough to say where a version comes from and what became of it. */
export const consumers = consumersOf('registry', [
  on(trainingRequested, onTrainingRequested),
  on(trainingRefused, onRunEnded),
  on(trainingFailed, onRunEnded),
  on(datasetBuilt, onDatasetBuilt),
  on(datasetFailed, onRunEnded),
  on(versionApproved, onVerdict),
  on(versionRejected, onVerdict),
  on(rolloutStarted, onRollout),
  on(rolloutStepped, onRollout),
  on(rolloutHeld, onRollout),
  on(rolloutPaused, onRollout),
  on(rolloutBaking, onRollout),
  on(rolloutCompleted, onRollout),
  on(rolloutRolledBack, onRollout),
  on(routeChanged, onRoute),
])
