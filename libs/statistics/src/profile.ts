import { finite } from './bins.ts'
import { moments } from './distances.ts'
import {
  type Cell,
  type CategoricalHistogram,
  counter,
  emptyCategorical,
  emptyNumeric,
  mergeHistograms,
  type NumericHistogram,
} from './histogram.ts'

/** What a numeric column looked like. Its histogram stands on quantile edges from min to max. */
export interface NumericProfile {
  readonly kind: 'numeric'
  readonly rows: number
  readonly min: number | null
  readonly max: number | null
  readonly mean: number | null
  /** Population standard deviation (ddof 0). */
  readonly std: number | null
  readonly histogram: NumericHistogram
}

/** What a column of categories looked like: the most frequent ones with their counts, the rest as `other`. */
export interface CategoricalProfile {
  readonly kind: 'categorical'
  readonly rows: number
  readonly histogram: CategoricalHistogram
}

/** JSON-serialisable; merges with another on the same edges or categories. */
export type ColumnProfile = NumericProfile | CategoricalProfile

/** The profile of a data set or of a version's training rows: by column name. */
export interface DatasetProfile {
  readonly rows: number
  readonly columns: Readonly<Record<string, ColumnProfile>>
}

/** A quantile histogram has at most so many bins; a column of fewer distinct values has a bin for each. */
export const PROFILE_BINS = 50
/** So many categories are counted by name (TFDV infers string domains up to this many). */
export const PROFILE_CATEGORIES = 400

/** Ascending distinct edges from min to max: the distinct values themselves while they are few, otherwise quantiles (type 1) of the sorted values. */
export const quantileEdges = (sorted: Float64Array, bins: number): number[] => {
  if (sorted.length === 0) return [0, 1]
  const distinct: number[] = []
  for (const value of sorted) {
    if (value !== distinct[distinct.length - 1]) distinct.push(value)
    if (distinct.length > bins) break
  }
  if (distinct.length === 1) return [distinct[0]!, distinct[0]!]
  const last = distinct.length - 1
  if (distinct.length <= bins) return [...distinct.slice(0, last), (distinct[last - 1]! + distinct[last]!) / 2, distinct[last]!]
  const edges: number[] = []
  for (let i = 0; i <= bins; i++) {
    const value = sorted[Math.round((i * (sorted.length - 1)) / bins)]!
    if (value !== edges[edges.length - 1]) edges.push(value)
  }
  return edges
}

/** Profile of a numeric column; `edges` are given when it has to merge with or compare to an earlier one. */
export const profileNumeric = (cells: ArrayLike<Cell>, edges?: readonly number[]): NumericProfile => {
  const values = finite(
    Array.isArray(cells)
      ? cells.map((cell) => (cell === null || cell === undefined ? null : Number(cell)))
      : (cells as ArrayLike<number>),
  )
  const sorted = values.toSorted()
  const histogram = emptyNumeric(edges ?? quantileEdges(sorted, PROFILE_BINS))
  const count = counter(histogram)
  for (let i = 0; i < cells.length; i++) count(cells[i])
  const { mean, std } = moments(values)
  const some = values.length > 0
  return {
    kind: 'numeric',
    rows: cells.length,
    min: some ? sorted[0]! : null,
    max: some ? sorted[sorted.length - 1]! : null,
    mean: some ? mean : null,
    std: some ? std : null,
    histogram,
  }
}

/** Profile of a column of texts or booleans; `categories` are given when it has to merge with or compare to an earlier one. */
export const profileCategorical = (cells: ArrayLike<Cell>, categories?: readonly string[]): CategoricalProfile => {
  const frequencies = new Map<string, number>()
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i]
    if (cell !== null && cell !== undefined && cell !== '')
      frequencies.set(String(cell), (frequencies.get(String(cell)) ?? 0) + 1)
  }
  const byFrequency = () =>
    [...frequencies]
      .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
      .slice(0, PROFILE_CATEGORIES)
      .map(([category]) => category)
  const histogram = emptyCategorical(categories ?? byFrequency())
  const count = counter(histogram)
  for (let i = 0; i < cells.length; i++) count(cells[i])
  return { kind: 'categorical', rows: cells.length, histogram }
}

/**
 * Profile of a column by what it holds: numbers → numeric; texts and booleans → categorical. All null → categorical without categories.
 * `like` takes the edges or categories of an earlier profile.
 */
export const profileColumn = (cells: ArrayLike<Cell>, like?: ColumnProfile): ColumnProfile => {
  if (like?.kind === 'numeric') return profileNumeric(cells, like.histogram.edges)
  if (like?.kind === 'categorical') return profileCategorical(cells, like.histogram.categories)
  const isNumeric = (cell: Cell) => typeof cell === 'number' || typeof cell === 'bigint'
  for (let i = 0; i < cells.length; i++) {
    if (cells[i] !== null && cells[i] !== undefined)
      return isNumeric(cells[i]) ? profileNumeric(cells) : profileCategorical(cells)
  }
  return profileCategorical(cells)
}

const extreme = (of: (a: number, b: number) => number, a: number | null, b: number | null) =>
  a === null ? b : b === null ? a : of(a, b)

const mergeNumeric = (a: NumericProfile, b: NumericProfile): NumericProfile => {
  const values = (p: NumericProfile) => p.rows - p.histogram.nulls - p.histogram.nans
  const [n, m] = [values(a), values(b)]
  const histogram = mergeHistograms(a.histogram, b.histogram)
  const range = { min: extreme(Math.min, a.min, b.min), max: extreme(Math.max, a.max, b.max) }
  const rows = a.rows + b.rows
  if (n === 0 || m === 0) return { ...(n === 0 ? b : a), rows, ...range, histogram }
  const mean = (a.mean! * n + b.mean! * m) / (n + m)
  const squares = n * a.std! ** 2 + m * b.std! ** 2 + ((a.mean! - b.mean!) ** 2 * n * m) / (n + m)
  return { kind: 'numeric', rows, ...range, mean, std: Math.sqrt(squares / (n + m)), histogram }
}

/** The profile of both sets of rows, moments after Chan et al. Throws a RangeError when they don't stand on the same edges or categories. */
export const mergeProfiles = (a: ColumnProfile, b: ColumnProfile): ColumnProfile => {
  if (a.kind === 'numeric' && b.kind === 'numeric') return mergeNumeric(a, b)
  if (a.kind === 'categorical' && b.kind === 'categorical')
    return { kind: 'categorical', rows: a.rows + b.rows, histogram: mergeHistograms(a.histogram, b.histogram) }
  throw new RangeError('A numeric and a categorical profile do not merge.')
}
