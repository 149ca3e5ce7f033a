import { type Metrics } from '../metrics.ts'
import { type Scalar, type Spec } from '../predict/columns.ts'
import { type Outcome } from '../routing/answer.ts'
import { type Route } from '../routing/decide-route.ts'
import { type Prediction, type PredictionLog } from './prediction-log.ts'

/** One row that was scored, whoever scored it. */
export interface ScoredRow {
  id: string
  /** ISO 8601. */
  at: string
  /** Absent: drawn at random. */
  unit: string | undefined
  entities: Record<string, Scalar>
}

/** What the version saw and said of a row. */
export interface Seen {
  features: Record<string, Scalar>
  missing: string[]
  output: Scalar | Scalar[]
  probability?: number | Record<string, number> | undefined
}

/** Counts and logs how versions did. */
export interface Recorder {
  /** @param see builds what is logged; called only for rows that are kept */
  record(route: Route, spec: Spec | undefined, row: ScoredRow, outcome: Outcome<unknown>, see: () => Seen): void
  /** Counts rows without logging each. */
  count(route: Route, outcome: Outcome<unknown>, rows: number): void
  readonly log: PredictionLog
}

export function recorder({ log, metrics }: { log: PredictionLog; metrics: Metrics }): Recorder {
  const count = ({ namespace, model }: Route, { version, role, ms, error }: Outcome<unknown>, rows: number) => {
    const labels = { model: `${namespace}/${model}`, version, role }
    metrics.latency.observe(labels, ms / 1000)
    if (error === undefined) metrics.rows.inc(labels, rows)
    else metrics.errors.inc({ ...labels, code: error }, rows)
  }
  return {
    log,
    count,
    record(route, spec, row, outcome, see) {
      count(route, outcome, 1)
      if (!log.wants(row.id, spec?.model.spec.monitor.log.sample ?? 1, outcome.error !== undefined)) return
      const { features, missing, output, probability } = see()
      log.add({
        id: row.id,
        namespace: route.namespace,
        model: route.model,
        revision: route.revision,
        version: outcome.version,
        role: outcome.role,
        at: row.at,
        unit: row.unit ?? row.id,
        bucket: outcome.bucket,
        propensity: outcome.propensity,
        entities: row.entities,
        features,
        missing,
        output: outcome.error === undefined ? output : null,
        ...(probability === undefined || outcome.error !== undefined ? {} : { probability }),
        latencyMs: outcome.ms,
        ...(outcome.error === undefined ? {} : { error: outcome.error }),
        ...(route.rollout === undefined ? {} : { rollout: route.rollout }),
        ...(route.step === undefined ? {} : { step: route.step }),
      } satisfies Prediction)
    },
  }
}
