import { fromKafka, predictionMade } from '@cascata/events'
import { type RawRow, type RowSink } from '@cascata/messaging'
import { type DeployerMetrics } from '../metrics.ts'
import { type ModelName } from '../rollouts/deployments.store.ts'
import { countPredictions, type Prediction, type StepCount } from './count-predictions.ts'
import { addCount, countedRollouts } from './statistics.store.ts'

/** A record that is no prediction is the monitor's to put aside; here it counts for nothing. */
const decode = (rows: readonly RawRow[], metrics: DeployerMetrics): Prediction[] =>
  rows.flatMap((row) => {
    try {
      const { type, data } = fromKafka(row)
      return type === predictionMade.type ? [data as Prediction] : []
    } catch {
      metrics.counted.inc({ outcome: 'undecodable' })
      return []
    }
  })

/**
 * Counts predictions for the rollouts under way, each once: the counts are written in the transaction that moves the cursor.
 *
 * @param onCounted called with the models whose evidence has grown, shortly before it is visible
 */
export const onPredictions = ({
  metrics,
  onCounted,
}: {
  metrics: DeployerMetrics
  onCounted: (model: ModelName) => void
}): RowSink<StepCount[]> => ({
  write: async (rows) => countPredictions(decode(rows, metrics)),
  async commit(tx, counts) {
    if (counts.length === 0) return
    const rollouts = await countedRollouts(tx, [...new Set(counts.map(({ rollout }) => rollout))])
    for (const count of counts) {
      const rollout = rollouts.get(count.rollout)
      const outcome = rollout ? 'counted' : 'beside'
      metrics.counted.inc(
        { outcome },
        [...count.arms.values()].reduce((sum, { arm }) => sum + arm.requests, 0),
      )
      if (!rollout) continue
      await addCount(tx, count, rollout)
      onCounted({ namespace: rollout.namespace, model: rollout.model })
    }
  },
  discard: async () => {},
})
