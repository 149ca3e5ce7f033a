import { Counter, Gauge, Histogram } from 'prom-client'
import { type Registry } from '@cascata/service'

/** What serves for one model, as far as a metric tells. */
export interface ServingFigures {
  namespace: string
  model: string
  generation: number
  /** Of the rollout under way; 0 when there is none. */
  share: number
}

/** Gauges of what the tables say, read at each scrape: the same on every replica, and right after a restart. */
export const exportServing = (registry: Registry, read: () => Promise<ServingFigures[]>): void => {
  let reading: Promise<ServingFigures[]> | undefined
  const figures = () =>
    (reading ??= read()
      .catch(() => [])
      .finally(() => (reading = undefined)))

  const gauge = (name: string, help: string, of: (figures: ServingFigures) => number) => {
    const made: Gauge = new Gauge({
      name,
      help,
      labelNames: ['namespace', 'model'],
      registers: [registry],
      async collect() {
        const all = await figures()
        made.reset()
        for (const one of all) made.set({ namespace: one.namespace, model: one.model }, of(one))
      },
    })
  }
  gauge('cascata_route_generation', 'Generation of the route that was said last.', ({ generation }) => generation)
  gauge('cascata_rollout_share', 'Share of the traffic that the version of the rollout under way answers.', ({ share }) => share)
}

/** Every metric of the deployer that is counted where it happens. */
export const deployerMetrics = (registry: Registry) => ({
  rollouts: new Counter({
    name: 'cascata_rollouts_total',
    help: 'What rollouts came to, by fact.',
    labelNames: ['namespace', 'model', 'fact'] as const,
    registers: [registry],
  }),
  counted: new Counter({
    name: 'cascata_deployer_predictions_total',
    help: 'Predictions read, by what became of them: counted, beside a rollout, or undecodable.',
    labelNames: ['outcome'] as const,
    registers: [registry],
  }),
  look: new Histogram({
    name: 'cascata_deployer_look_seconds',
    help: 'Time of one look at a rollout.',
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers: [registry],
  }),
})

export type DeployerMetrics = ReturnType<typeof deployerMetrics>
