import { datasetBuilt, datasetFailed } from './dataset.ts'
import { type EventDefinition } from './define-event.ts'
import { entityErased } from './entity-erased.ts'
import { findingClosed, findingOpened } from './finding.ts'
import { labelsRipened } from './labels-ripened.ts'
import { predictionMade } from './prediction-made.ts'
import { resourceApplied, resourceDeleted } from './resource.ts'
import {
  rolloutBaking,
  rolloutCompleted,
  rolloutHeld,
  rolloutPaused,
  rolloutRolledBack,
  rolloutStarted,
  rolloutStepped,
} from './rollout.ts'
import { routeChanged } from './route-changed.ts'
import { rowsIngested, rowsRejected } from './rows.ts'
import { modelPaused, modelResumed, modelSuspended, trainingFrozen, trainingUnfrozen } from './stop-levers.ts'
import { trainingFailed, trainingProgressed, trainingStarted, trainingSucceeded } from './training-progress.ts'
import { trainingCoalesced, trainingRefused, trainingRequested } from './training-request.ts'
import { versionApproved, versionFailed, versionLoaded, versionRegistered, versionRejected } from './version.ts'
import { viewHalted, viewResumed } from './view.ts'

/** Every event of the platform, in the order of a cascade. */
export const catalogue: readonly EventDefinition[] = [
  resourceApplied,
  resourceDeleted,
  rowsIngested,
  rowsRejected,
  viewHalted,
  viewResumed,
  entityErased,
  labelsRipened,
  trainingRequested,
  trainingCoalesced,
  trainingRefused,
  datasetBuilt,
  datasetFailed,
  trainingStarted,
  trainingProgressed,
  trainingSucceeded,
  trainingFailed,
  versionRegistered,
  versionApproved,
  versionRejected,
  rolloutStarted,
  rolloutStepped,
  rolloutHeld,
  rolloutPaused,
  rolloutBaking,
  rolloutCompleted,
  rolloutRolledBack,
  versionLoaded,
  versionFailed,
  findingOpened,
  findingClosed,
  trainingFrozen,
  trainingUnfrozen,
  modelSuspended,
  modelPaused,
  modelResumed,
  routeChanged,
  predictionMade,
]

const byType = new Map(catalogue.map((event) => [event.type, event]))

/** The definition of a CloudEvents type, undefined when nobody here knows it. */
export const eventOfType = (type: string): EventDefinition | undefined => byType.get(type)
