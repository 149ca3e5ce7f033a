import { type Handler } from '@cascata/messaging'
import { enqueue, openLineageTarget } from '../deliveries/deliveries.store.ts'
import { versionOfRun } from '../versions/versions.store.ts'
import { datasetsOfRun, findTraining } from './lineage.store.ts'
import { eventsOf, type Origin } from './openlineage.ts'

/**
 * Wraps handlers of facts about runs: where OpenLineage is configured, the newest event of the run goes out with their effect, in the same
 * transaction. Null: handlers as they are.
 */
export const tellingOpenLineage =
  (origin: Origin | null) =>
  <Data extends { run: string | null }>(handle: Handler<Data>): Handler<Data> =>
    origin === null
      ? handle
      : async (event, tx) => {
          const outcome = await handle(event, tx)
          if (outcome.is !== 'done' || event.data.run === null) return outcome
          const run = await findTraining(tx, event.data.run)
          if (!run) return outcome
          const [dataset] = await datasetsOfRun(tx, run.run)
          const version = await versionOfRun(tx, run, run.run)
          await enqueue(tx, openLineageTarget, eventsOf({ run, dataset, version }, origin).at(-1)!)
          return outcome
        }
