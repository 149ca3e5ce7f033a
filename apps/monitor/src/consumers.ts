import {
  findingClosed,
  findingOpened,
  labelsRipened,
  resourceApplied,
  resourceDeleted,
  routeChanged,
  rowsIngested,
  rowsRejected,
  versionApproved,
  versionRegistered,
} from '@cascata/events'
import { consumersOf, on } from '@cascata/messaging'
import {
  onFindingClosed,
  onFindingOpened,
  onLabelsRipened,
  onResource,
  onRoute,
  onRowsIngested,
  onRowsRejected,
  onVersionApproved,
  onVersionRegistered,
} from './models/on-facts.ts'

/** What the monitor listens to, besides predictions, which it takes in as rows (`predictions/on-predictions.ts`). */
export const consumers = consumersOf('monitor', [
  on(resourceApplied, onResource),
  on(resourceDeleted, onResource),
  on(routeChanged, onRoute),
  on(versionRegistered, onVersionRegistered),
  on(versionApproved, onVersionApproved),
  on(labelsRipened, onLabelsRipened),
  on(rowsIngested, onRowsIngested),
  on(rowsRejected, onRowsRejected),
  on(findingOpened, onFindingOpened),
  on(findingClosed, onFindingClosed),
])
