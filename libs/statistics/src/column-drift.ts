import { commonBins, countDistinct, finite } from './bins.ts'
import { jensenShannon, normedWasserstein } from './distances.ts'
import { chiSquare, twoProportions } from './frequency-tests.ts'
import { kolmogorovSmirnov } from './kolmogorov-smirnov.ts'

export type DriftMethod = 'kolmogorov-smirnov' | 'chi-square' | 'z' | 'wasserstein-normed' | 'jensen-shannon'

export interface ColumnDrift {
  readonly method: DriftMethod
  /** A p-value for the tests, a distance for the others. */
  readonly score: number
  readonly threshold: number
  readonly drifted: boolean
}

/**
 * The measure that Evidently 0.7 takes by default.
 *
 * @param rows reference rows @param distinct distinct values of reference and current together
 */
export const driftMethod = (kind: 'numeric' | 'categorical', rows: number, distinct: number): DriftMethod => {
  if (kind === 'numeric' && distinct > 5) return rows <= 1000 ? 'kolmogorov-smirnov' : 'wasserstein-normed'
  if (rows > 1000) return 'jensen-shannon'
  return distinct > 2 ? 'chi-square' : 'z'
}

const verdict = (method: DriftMethod, score: number): ColumnDrift => {
  const isDistance = method === 'wasserstein-normed' || method === 'jensen-shannon'
  const threshold = isDistance ? 0.1 : 0.05
  const drifted = isDistance ? score >= threshold : method === 'kolmogorov-smirnov' ? score <= threshold : score < threshold
  return { method, score, threshold, drifted }
}

const byFrequency = (method: DriftMethod, reference: Float64Array, current: Float64Array): number => {
  if (method === 'jensen-shannon') return jensenShannon(reference, current)
  if (method === 'chi-square') return chiSquare(reference, current).pValue
  const sum = (counts: Float64Array) => counts.reduce((total, count) => total + count, 0)
  return twoProportions(reference[0] ?? 0, sum(reference), current[0] ?? 0, sum(current)).pValue
}

/** Drift of a numeric column by Evidently's default measure; null, NaN and ±∞ are dropped first. Integers of few values are for `categoricalDrift`. */
export const numericDrift = (reference: ArrayLike<number | null>, current: ArrayLike<number | null>): ColumnDrift => {
  const r = finite(reference)
  const c = finite(current)
  const distinct = new Set(r)
  for (const value of c) distinct.add(value)
  const method = driftMethod('numeric', r.length, distinct.size)
  if (method === 'kolmogorov-smirnov') return verdict(method, kolmogorovSmirnov(r, c).pValue)
  if (method === 'wasserstein-normed') return verdict(method, normedWasserstein(r, c))
  const counts = method === 'jensen-shannon' ? commonBins(r, c) : countDistinct(r, c)
  return verdict(method, byFrequency(method, counts.reference, counts.current))
}

/** Drift of a column of categories (texts, or integers of at most 10 distinct values) by Evidently's default measure; nulls are dropped first. */
export const categoricalDrift = <T extends number | string>(
  reference: readonly (T | null)[],
  current: readonly (T | null)[],
): ColumnDrift => {
  const present = (values: readonly (T | null)[]) => values.filter((value) => value !== null && !Number.isNaN(value)) as T[]
  const r = present(reference)
  const counts = countDistinct(r, present(current))
  const method = driftMethod('categorical', r.length, counts.values.length)
  return verdict(method, byFrequency(method, counts.reference, counts.current))
}

/** Whether the data set drifts as Evidently says it: at least half of its columns do. */
export const datasetDrift = (columns: readonly ColumnDrift[]): { share: number; drifted: boolean } => {
  const share = columns.length === 0 ? 0 : columns.filter((column) => column.drifted).length / columns.length
  return { share, drifted: share >= 0.5 }
}
