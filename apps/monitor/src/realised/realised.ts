import { type Database } from '@cascata/messaging'
import { allMetrics, bootstrapDifference, type Metric, metricsOf, type Scored, seededRandom } from '@cascata/statistics'
import { scoredOf } from '../labels/scored.ts'
import { findModel, wantLabels } from '../models/models.store.ts'
import { type AppliedModel } from '../models/spec-of.ts'
import { randomisedIn } from '../predictions/predictions.store.ts'

/** So many randomised answers of a version are compared, at most. */
const COMPARED = 100_000
const RESAMPLES = 300

export interface Question {
  readonly versions: readonly string[]
  /** Data time: from inclusive, to exclusive. */
  readonly from: Date
  readonly to: Date
}

export interface Realised {
  /** Up to where predictions have their labels; null: none has yet. */
  readonly cutoff: string | null
  readonly metric: string
  readonly versions: Record<string, { rows: number; labelled: number; metrics: Partial<Record<Metric, number>> }>
  /** How much better the last of the versions is than the first: positive is better, whatever the metric's direction. */
  readonly difference: {
    metric: string
    value: number
    interval: readonly [number, number]
    versions: readonly [string, string]
  } | null
}

interface Side {
  readonly version: string
  readonly rows: number
  readonly scored: Scored
}

const differenceOf = (metric: Metric, sides: readonly Side[], confidence: number): Realised['difference'] => {
  const [control, treatment] = [sides[0], sides.at(-1)]
  if (!control || !treatment || control === treatment) return null
  if (control.scored.labels.length === 0 || treatment.scored.labels.length === 0) return null
  const random = seededRandom(`${control.version} ${treatment.version}`)
  const { value, interval } = bootstrapDifference(metric, treatment.scored, control.scored, {
    random,
    resamples: RESAMPLES,
    confidence,
  })
  return Number.isFinite(value) ? { metric, value, interval, versions: [control.version, treatment.version] } : null
}

/**
 * What labels say about versions, of the answers that a split gave them by chance (propensity below 1). Labels that have ripened and are not
 * here yet are fetched soon: ask again until `cutoff` has passed `to`.
 */
export const realised = async (
  db: Database,
  { model: { metadata, spec } }: AppliedModel,
  { versions, from, to }: Question,
): Promise<Realised> => {
  const model = `${metadata.namespace}/${metadata.name}`
  const watched = await findModel(db, model)
  const joinedUpTo = watched?.joinedUpTo ?? null
  if (!joinedUpTo || joinedUpTo < to) await wantLabels(db, model, to)
  const known: readonly string[] = metricsOf[spec.task]
  const metric = (known.includes(spec.gates.metric) ? spec.gates.metric : known[0]!) as Metric
  const sides = await Promise.all(
    versions.map(async (version): Promise<Side> => {
      const answers = await randomisedIn(db, model, version, from, to, COMPARED)
      return { version, rows: answers.length, scored: scoredOf(spec.task, answers) }
    }),
  )
  return {
    cutoff: joinedUpTo?.toISOString() ?? null,
    metric,
    versions: Object.fromEntries(
      sides.map(({ version, rows, scored }) => [version, { rows, labelled: scored.labels.length, metrics: allMetrics(scored) }]),
    ),
    difference: differenceOf(metric, sides, spec.gates.champion?.confidence ?? 0.95),
  }
}
