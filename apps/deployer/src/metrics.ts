import { Counter, Gauge, Histogram } from 'prom-client'
import { type Registry } from '@cascata/service'

/** Every metric of the deployer's own. */
export const deployerMetrics = (registry: Registry) => ({
  rollouts: new Counter({
    name: 'cascata_rollouts_total',
    help: 'What rollouts came to, by fact.',
    labelNames: ['namespace', 'model', 'fact'] as const,
    registers: [registry],
  }),
  share: new Gauge({
    name: 'cascata_rollout_share',
    help: 'Share of the traffic that the version of the rollout under way answers.',
    labelNames: ['namespace', 'model'] as const,
    registers: [registry],
  }),
  generation: new Gauge({
    name: 'cascata_route_generation',
    help: 'Generation of the route that was said last.',
    labelNames: ['namespace', 'model'] as const,
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
