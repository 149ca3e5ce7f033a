import { collectDefaultMetrics, Histogram, Registry } from 'prom-client'

export type { Registry } from 'prom-client'

/** A registry of an app's own, with the process's metrics and the label `app` on everything. */
export const createRegistry = (app: string): Registry => {
  const registry = new Registry()
  registry.setDefaultLabels({ app })
  collectDefaultMetrics({ register: registry })
  return registry
}

/** Seconds until an answer was sent, by method, route template and status: bounded, whatever paths callers invent. */
export const httpHistogram = (registry: Registry) =>
  new Histogram({
    name: 'cascata_http_request_seconds',
    help: 'Time until an HTTP request was answered, by route template.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  })
