import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** Every metric of this app; `model` is `namespace/name`, `role` champion, candidate, shadow or fallback. */
export const createMetrics = (registry: Registry) => {
  const registers = [registry]
  const byVersion = ['model', 'version', 'role'] as const
  return {
    rows: new Counter({
      name: 'cascata_inference_rows_total',
      help: 'Rows scored, by the version that scored them.',
      labelNames: byVersion,
      registers,
    }),
    errors: new Counter({
      name: 'cascata_inference_errors_total',
      help: 'Rows that a version could not score, by error code.',
      labelNames: [...byVersion, 'code'] as const,
      registers,
    }),
    refused: new Counter({
      name: 'cascata_inference_refused_total',
      help: 'Requests refused for what the caller sent, by error code.',
      labelNames: ['code'] as const,
      registers,
    }),
    latency: new Histogram({
      name: 'cascata_inference_seconds',
      help: 'Time from the request until a version had its answer.',
      labelNames: byVersion,
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
    lookups: new Histogram({
      name: 'cascata_inference_lookup_seconds',
      help: 'Time of one look-up at the feature store, which concurrent predictions share.',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
    missing: new Counter({
      name: 'cascata_inference_missing_total',
      help: 'Feature values that were not there, by model.',
      labelNames: ['model'] as const,
      registers,
    }),
    logged: new Counter({
      name: 'cascata_inference_log_written_total',
      help: 'Predictions that Kafka has acknowledged.',
      registers,
    }),
    dropped: new Counter({
      name: 'cascata_inference_log_dropped_total',
      help: 'Predictions that were not logged, by reason.',
      labelNames: ['reason'] as const,
      registers,
    }),
    logQueue: new Gauge({ name: 'cascata_inference_log_queue', help: 'Predictions that wait for Kafka.', registers }),
    shadowQueue: new Gauge({
      name: 'cascata_inference_shadow_queue',
      help: 'Rows that wait for a candidate in shadow.',
      registers,
    }),
    shadowDropped: new Counter({
      name: 'cascata_inference_shadow_dropped_total',
      help: 'Rows that a candidate did not score in shadow as its queue was full.',
      labelNames: ['model'] as const,
      registers,
    }),
    loaded: new Gauge({ name: 'cascata_inference_models_loaded', help: 'Model versions that are loaded.', registers }),
    loadSeconds: new Histogram({
      name: 'cascata_inference_load_seconds',
      help: 'Time from a route to a version that can answer.',
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
      registers,
    }),
    loadFailures: new Counter({
      name: 'cascata_inference_load_failures_total',
      help: 'Versions that could not be loaded, by code.',
      labelNames: ['model', 'code'] as const,
      registers,
    }),
    generation: new Gauge({
      name: 'cascata_inference_route_generation',
      help: 'Generation of the route that answers.',
      labelNames: ['model'] as const,
      registers,
    }),
    hostExits: new Counter({
      name: 'cascata_inference_host_exits_total',
      help: 'Deaths of the processes that try models and run large batches.',
      labelNames: ['host'] as const,
      registers,
    }),
  }
}

export type Metrics = ReturnType<typeof createMetrics>
