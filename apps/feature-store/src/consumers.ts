import {
  resourceApplied,
  resourceDeleted,
  routeChanged,
  trainingRequested,
  versionRegistered,
  type DataOf,
} from '@cascata/events'
import { type Consumers, consumersOf, type Handler, on } from '@cascata/messaging'
import { onRouteChanged, onVersionRegistered } from './feature-services/on-version.ts'

export interface Handlers {
  readonly onResourceApplied: Handler<DataOf<typeof resourceApplied>>
  readonly onResourceDeleted: Handler<DataOf<typeof resourceDeleted>>
  readonly onTrainingRequested: Handler<DataOf<typeof trainingRequested>>
}

/** What the feature store listens to, besides the topics of its views. */
export const consumers = ({ onResourceApplied, onResourceDeleted, onTrainingRequested }: Handlers): Consumers =>
  consumersOf('feature-store', [
    on(resourceApplied, onResourceApplied),
    on(resourceDeleted, onResourceDeleted),
    on(trainingRequested, onTrainingRequested),
    on(versionRegistered, onVersionRegistered),
    on(routeChanged, onRouteChanged),
  ])
