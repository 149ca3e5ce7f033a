import {
  datasetBuilt,
  datasetFailed,
  entityErased,
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
import { onEntityErased } from './audit/on-entity-erased.ts'
import { onDatasetBuilt, onRollout, onRoute, onRunEnded, onTrainingRequested } from './lineage/on-facts.ts'
import { type Origin } from './lineage/openlineage.ts'
import { tellingOpenLineage } from './lineage/tell-openlineage.ts'
import { onVerdict } from './versions/on-verdict.ts'

/**
 * What the registry listens to: enough to say where a version comes from and what became of it, and who had what erased.
 * Runs are also told in OpenLineage's events where `lineageTo` says from whom; null: they are not.
 */
export const consumers = (lineageTo: Origin | null) => {
  const told = tellingOpenLineage(lineageTo)
  return consumersOf('registry', [
    on(trainingRequested, told(onTrainingRequested)),
    on(trainingRefused, told(onRunEnded)),
    on(trainingFailed, told(onRunEnded)),
    on(datasetBuilt, told(onDatasetBuilt)),
    on(datasetFailed, told(onRunEnded)),
    on(versionApproved, told(onVerdict)),
    on(versionRejected, told(onVerdict)),
    on(rolloutStarted, onRollout),
    on(rolloutStepped, onRollout),
    on(rolloutHeld, onRollout),
    on(rolloutPaused, onRollout),
    on(rolloutBaking, onRollout),
    on(rolloutCompleted, onRollout),
    on(rolloutRolledBack, onRollout),
    on(routeChanged, onRoute),
    on(entityErased, onEntityErased),
  ])
}
