import { type FeatureMeasure } from '../windows/measure-window.ts'
import { type JudgedWindow, type Judgement, unknown } from './judgement.ts'

export interface DriftPolicy {
  /** Effect size from which an input drifts. */
  readonly size: number
  /** Share of the inputs, weighted by importance, that must drift. */
  readonly share: number
  readonly persist: { readonly hits: number; readonly of: number }
  /** Rows from which a window counts. */
  readonly minRows: number
}

export interface MeasuredWindow extends JudgedWindow {
  readonly features: readonly FeatureMeasure[]
}

/** The weighted share of a window's inputs that drift. */
export const driftShare = (features: readonly FeatureMeasure[], size: number): number =>
  features.reduce((sum, { effect, weight }) => (effect >= size ? sum + weight : sum), 0)

/**
 * Whether the inputs of a version have drifted from its training profile: by effect size, never by p-value, in `hits` of the last `of`
 * windows that have enough rows.
 *
 * It is over when the newest window doesn't drift and fewer than `hits` of the last do; until `of` windows were there to see it in, less than
 * `hits` says nothing.
 *
 * @param windows closed windows of one version, oldest first
 */
export const decideDrift = (windows: readonly MeasuredWindow[], policy: DriftPolicy): Judgement => {
  const { size, share: threshold, persist, minRows } = policy
  const counted = windows.filter(({ rows, features }) => rows >= minRows && features.length > 0).slice(-persist.of)
  const shares = counted.map(({ features }) => driftShare(features, size))
  const hits = shares.filter((share) => share >= threshold).length
  const newest = shares.at(-1)
  if (newest === undefined) return unknown

  const measure = 'drift-share'
  if (hits < persist.hits) return newest < threshold ? { is: 'good', measure, size: newest, threshold } : unknown
  const drifting = counted.at(-1)!.features.filter(({ effect }) => effect >= size)
  const last =
    drifting.length > 0
      ? drifting
      : counted[shares.lastIndexOf(Math.max(...shares))]!.features.filter(({ effect }) => effect >= size)
  return {
    is: 'bad',
    measure,
    size: newest,
    threshold,
    windows: counted.map(({ from, to, rows }) => ({ from, to, rows })),
    features: last.map(({ name, size, measure, weight }) => ({ name, size, measure, importance: weight })),
    evidence: { shares, hits, of: persist.of, effectFrom: size },
  }
}
