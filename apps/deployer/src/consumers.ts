import {
  findingClosed,
  findingOpened,
  labelsRipened,
  resourceApplied,
  resourceDeleted,
  versionApproved,
  versionFailed,
  versionLoaded,
  versionRejected,
} from '@cascata/events'
import { consumersOf, on } from '@cascata/messaging'
import { type FactHandlers } from './rollouts/on-facts.ts'

/** What the deployer listens to. Predictions are read as rows, by `evidence/on-predictions.ts`. */
export const consumers = ({
  onApplied,
  onDeleted,
  onApproved,
  onRejected,
  onLoaded,
  onFailed,
  onFindingOpened,
  onFindingClosed,
  onRipened,
}: FactHandlers) =>
  consumersOf('deployer', [
    on(resourceApplied, onApplied),
    on(resourceDeleted, onDeleted),
    on(versionApproved, onApproved),
    on(versionRejected, onRejected),
    on(versionLoaded, onLoaded),
    on(versionFailed, onFailed),
    on(findingOpened, onFindingOpened),
    on(findingClosed, onFindingClosed),
    on(labelsRipened, onRipened),
  ])
