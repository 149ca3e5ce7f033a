import { chance, type JudgedWindow, type Judgement, unknown } from './judgement.ts'

/** How often the value that a version was served is not the one that a dataset has for the same entity and time. */
export interface SkewCount {
  readonly compared: number
  readonly different: number
}

export interface ComparedWindow extends JudgedWindow {
  readonly skew: Readonly<Record<string, SkewCount>>
}

/** Share of differing values from which training and serving don't agree. */
export const SKEW_SHARE = 0.01

/** Share of differing values by input, the largest first; of inputs with at least `minRows` compared rows. */
export const skewShares = (skew: ComparedWindow['skew'], minRows: number): { name: string; compared: number; size: number }[] =>
  Object.entries(skew)
    .filter(([, { compared }]) => compared >= minRows)
    .map(([name, { compared, different }]) => ({ name, compared, size: different / compared }))
    .sort((a, b) => b.size - a.size)

/**
 * Whether serving and training see different values: in more than 1 % of the rows of the newest ripe window, and not by chance.
 *
 * @param windows windows whose labels are ripe, oldest first
 */
export const decideSkew = (windows: readonly ComparedWindow[], minRows: number): Judgement => {
  const newest = windows.findLast(({ skew }) => skewShares(skew, minRows).length > 0)
  if (!newest) return unknown
  const shares = skewShares(newest.skew, minRows)
  const told = { measure: 'skew-share', size: shares[0]!.size, threshold: SKEW_SHARE }
  const skewed = shares.filter(({ size, compared }) => size > Math.max(SKEW_SHARE, chance(0, compared)))
  if (skewed.length === 0) return { is: 'good', ...told }
  const { from, to, rows } = newest
  return {
    is: 'bad',
    ...told,
    windows: [{ from, to, rows }],
    features: skewed.map(({ name, size }) => ({ name, size, measure: 'skew-share', anomaly: 'SCHEMA_TRAINING_SERVING_SKEW' })),
    evidence: { counts: newest.skew },
  }
}
