import {
  datasetBuilt,
  datasetFailed,
  findingClosed,
  findingOpened,
  labelsRipened,
  resourceApplied,
  resourceDeleted,
  rolloutBaking,
  rolloutCompleted,
  rolloutRolledBack,
  versionApproved,
  versionRegistered,
  versionRejected,
} from '@cascata/events'
import { consumersOf, on } from '@cascata/messaging'
import { type Clock } from '@cascata/service'
import { onVersionRegistered } from './client-versions/on-version-registered.ts'
import { onResourceApplied, onResourceDeleted } from './models/on-resource.ts'
import { onDatasetBuilt, onDatasetFailed } from './runs/on-dataset.ts'
import { onVerdict } from './runs/on-verdict.ts'
import { type Weigh } from './triggers/apply-decision.ts'
import { onBaking, onFindingClosed, onFindingOpened, onLabelsRipened, onPromoted, onRolledBack } from './triggers/on-facts.ts'

/** What the dispatcher listens to. */
export const consumers = (parts: { weigh: Weigh; clock: Clock }) =>
  consumersOf('dispatcher', [
    on(resourceApplied, onResourceApplied(parts)),
    on(resourceDeleted, onResourceDeleted),
    on(labelsRipened, onLabelsRipened(parts)),
    on(findingOpened, onFindingOpened(parts)),
    on(findingClosed, onFindingClosed(parts)),
    on(datasetBuilt, onDatasetBuilt(parts)),
    on(datasetFailed, onDatasetFailed(parts)),
    on(versionRegistered, onVersionRegistered),
    on(versionApproved, onVerdict(parts)),
    on(versionRejected, onVerdict(parts)),
    on(rolloutBaking, onBaking(parts)),
    on(rolloutCompleted, onPromoted(parts)),
    on(rolloutRolledBack, onRolledBack(parts)),
  ])
