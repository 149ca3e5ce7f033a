import { higherIsBetter, type Metric, type Scored, weightedMetric } from './metrics.ts'
import { type Random } from './random.ts'

/** A figure with its percentile interval. */
export interface Interval {
  readonly value: number
  readonly interval: readonly [low: number, high: number]
  readonly resamples: number
}

export interface Bootstrap {
  readonly random: Random
  /** 500 unless given. */
  readonly resamples?: number
  /** Of the two-sided interval; 0.95 unless given. */
  readonly confidence?: number
}

/** Draws rows with replacement into `weights`: how often each was drawn. */
const resample = (weights: Uint16Array, random: Random): Uint16Array => {
  weights.fill(0)
  for (let i = 0; i < weights.length; i++) weights[random.int(weights.length)]!++
  return weights
}

/** The q-quantile of ascending values with linear interpolation (type 7, numpy's default). */
export const quantile = (sorted: ArrayLike<number>, q: number): number => {
  const at = (sorted.length - 1) * q
  const below = sorted[Math.floor(at)]!
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at))
}

const percentiles = (value: number, draw: () => number, { resamples = 500, confidence = 0.95 }: Bootstrap): Interval => {
  const drawn = Float64Array.from({ length: resamples }, draw)
    .filter((figure) => Number.isFinite(figure))
    .sort()
  const tail = (1 - confidence) / 2
  const ends = drawn.length === 0 ? ([NaN, NaN] as const) : ([quantile(drawn, tail), quantile(drawn, 1 - tail)] as const)
  return { value, interval: ends, resamples: drawn.length }
}

const once = (rows: number) => new Uint8Array(rows).fill(1)

const interval = (rows: number, figure: (weights: ArrayLike<number>) => number, options: Bootstrap): Interval => {
  const weights = new Uint16Array(rows)
  return percentiles(figure(once(rows)), () => figure(resample(weights, options.random)), options)
}

/** Percentile bootstrap interval of one metric over rows. Resamples where it is not defined are left out. */
export const bootstrapMetric = (metric: Metric, scored: Scored, options: Bootstrap): Interval =>
  interval(scored.labels.length, weightedMetric(metric, scored), options)

/**
 * Paired bootstrap of how much better `candidate` is than `champion` on the same rows: every resample draws rows for both.
 *
 * Positive is better whatever the metric's direction: candidate − champion for AUC, champion − candidate for losses. The candidate is
 * non-inferior when the interval's lower bound > −margin.
 */
export const bootstrapImprovement = (metric: Metric, candidate: Scored, champion: Scored, options: Bootstrap): Interval => {
  if (candidate.labels.length !== champion.labels.length)
    throw new RangeError('A paired comparison needs the same rows on both sides.')
  const ours = weightedMetric(metric, candidate)
  const theirs = weightedMetric(metric, champion)
  const sign = higherIsBetter(metric) ? 1 : -1
  return interval(candidate.labels.length, (weights) => sign * (ours(weights) - theirs(weights)), options)
}

/**
 * Bootstrap of how much better `treatment` is than `control` when each scored other rows, as in a randomised split: rows of each side are
 * drawn by themselves. Positive is better, as in `bootstrapImprovement`.
 */
export const bootstrapDifference = (metric: Metric, treatment: Scored, control: Scored, options: Bootstrap): Interval => {
  const sides = [treatment, control].map((side) => ({
    figure: weightedMetric(metric, side),
    weights: new Uint16Array(side.labels.length),
    rows: side.labels.length,
  }))
  const sign = higherIsBetter(metric) ? 1 : -1
  const difference = (weightsOf: (side: (typeof sides)[number]) => ArrayLike<number>) => {
    const [ours, theirs] = sides.map((side) => side.figure(weightsOf(side)))
    return sign * (ours! - theirs!)
  }
  return percentiles(
    difference(({ rows }) => once(rows)),
    () => difference(({ weights }) => resample(weights, options.random)),
    options,
  )
}
