import { type JudgedWindow, type Judgement, unknown } from './judgement.ts'

/** What the labels of a window say about a version. */
export interface RealisedWindow extends JudgedWindow {
  readonly metric: string
  readonly higherIsBetter: boolean
  readonly value: number
  /** 95 % bootstrap interval of the value. */
  readonly interval: readonly [number, number]
  readonly labelled: number
}

export interface PerformancePolicy {
  /** Relative to the baseline, 0.05 for 5 %. */
  readonly drop: number
  readonly minLabels: number
}

/** How much worse than the baseline a value is, relative to it; below 0 when it is better. */
export const relativeDrop = (value: number, baseline: number, higherIsBetter: boolean): number =>
  (higherIsBetter ? baseline - value : value - baseline) / Math.max(Math.abs(baseline), 1e-9)

/**
 * Whether a version answers worse than on its holdout: its realised metric fell by the policy's share, and the whole interval is on the worse
 * side of the baseline, so that a small window doesn't fall by chance.
 *
 * @param windows windows whose labels are ripe, oldest first; the newest with enough labels decides
 * @param baseline the metric on the holdout, or of the first window with enough labels; null: nobody knows
 */
export const decidePerformance = (
  windows: readonly RealisedWindow[],
  baseline: number | null,
  { drop, minLabels }: PerformancePolicy,
): Judgement => {
  const counted = windows.filter(({ labelled, value }) => labelled >= minLabels && Number.isFinite(value))
  const newest = counted.at(-1)
  if (!newest || baseline === null) return unknown
  const { metric, higherIsBetter, value, interval, from, to, rows } = newest
  const size = relativeDrop(value, baseline, higherIsBetter)
  const isNoChance = higherIsBetter ? interval[1] < baseline : interval[0] > baseline
  if (size < drop || !isNoChance) return { is: 'good', measure: metric, size, threshold: drop }
  return {
    is: 'bad',
    measure: metric,
    size,
    threshold: drop,
    windows: [{ from, to, rows }],
    features: [],
    evidence: { value, interval, baseline, labelled: newest.labelled },
  }
}
