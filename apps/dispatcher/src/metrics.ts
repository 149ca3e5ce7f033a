import { type Registry } from '@cascata/service'
import { Counter, Gauge, Histogram } from 'prom-client'

/** Everything the dispatcher measures. */
export function dispatcherMetrics(registry: Registry) {
  const registers = [registry]
  return {
    requests: new Counter({
      name: 'cascata_trainings_requested_total',
      help: 'Trainings that were asked for, by trigger.',
      labelNames: ['trigger'],
      registers,
    }),
    refusals: new Counter({
      name: 'cascata_trainings_refused_total',
      help: 'Trainings that were refused, by reason.',
      labelNames: ['reason'],
      registers,
    }),
    runs: new Counter({
      name: 'cascata_runs_ended_total',
      help: 'Runs that ended, by outcome.',
      labelNames: ['outcome'],
      registers,
    }),
    failures: new Counter({
      name: 'cascata_run_failures_total',
      help: 'Runs that failed, by code.',
      labelNames: ['code'],
      registers,
    }),
    gates: new Counter({
      name: 'cascata_gates_total',
      help: 'Gates that were decided, by gate and verdict.',
      labelNames: ['gate', 'verdict'],
      registers,
    }),
    stage: new Histogram({
      name: 'cascata_run_stage_seconds',
      help: 'Time that a run spent in a state.',
      labelNames: ['state'],
      buckets: [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600],
      registers,
    }),
    working: new Gauge({ name: 'cascata_runs', help: 'Runs that have not ended, by state.', labelNames: ['state'], registers }),
    stopped: new Gauge({
      name: 'cascata_models_stopped',
      help: 'Models that are not trained, by why: paused, frozen, suspended.',
      labelNames: ['why'],
      registers,
    }),
  }
}

export type DispatcherMetrics = ReturnType<typeof dispatcherMetrics>
