import { binOf } from './bins.ts'
import { jensenShannon } from './distances.ts'

/**
 * Counts of a numeric column on fixed edges; merges exactly with any other on the same edges.
 *
 * For k + 1 edges there are k + 2 slots: below the first edge, the k bins [e, next) with the last closed, above the last edge.
 */
export interface NumericHistogram {
  readonly kind: 'numeric'
  readonly edges: readonly number[]
  readonly counts: number[]
  /** The sum of the values in each slot: it places the slot's mass at its mean. */
  readonly sums: number[]
  nulls: number
  /** NaN and ±∞. */
  nans: number
}

/** Counts of a column of texts (or booleans as texts) on a fixed list of categories. */
export interface CategoricalHistogram {
  readonly kind: 'categorical'
  readonly categories: readonly string[]
  readonly counts: number[]
  /** Values outside of the list. */
  other: number
  nulls: number
}

export type Histogram = NumericHistogram | CategoricalHistogram

/** What one cell of a column may hold. */
export type Cell = number | string | boolean | bigint | null | undefined

export const emptyNumeric = (edges: readonly number[]): NumericHistogram => ({
  kind: 'numeric',
  edges,
  counts: new Array<number>(edges.length + 1).fill(0),
  sums: new Array<number>(edges.length + 1).fill(0),
  nulls: 0,
  nans: 0,
})

export const emptyCategorical = (categories: readonly string[]): CategoricalHistogram => ({
  kind: 'categorical',
  categories,
  counts: new Array<number>(categories.length).fill(0),
  other: 0,
  nulls: 0,
})

/** A histogram without rows on the edges or categories of another. */
export const emptyLike = (of: Histogram): Histogram =>
  of.kind === 'numeric' ? emptyNumeric(of.edges) : emptyCategorical(of.categories)

/** A sum stays below infinity, which JSON has not. */
const HUGE = 1e300

/** Counts cells into a histogram; the function that comes back keeps what it needs to be fast. */
export const counter = (into: Histogram): ((cell: Cell) => void) => {
  if (into.kind === 'categorical') {
    const slots = new Map(into.categories.map((category, slot) => [category, slot]))
    return (cell) => {
      if (cell === null || cell === undefined || cell === '') return void into.nulls++
      const slot = slots.get(String(cell))
      if (slot === undefined) into.other++
      else into.counts[slot]!++
    }
  }
  return (cell) => {
    if (cell === null || cell === undefined) return void into.nulls++
    const value = Number(cell)
    if (!Number.isFinite(value)) return void into.nans++
    const slot = binOf(into.edges, value) + 1
    into.counts[slot]!++
    into.sums[slot] = Math.min(HUGE, Math.max(-HUGE, into.sums[slot]! + value))
  }
}

const same = (a: readonly unknown[], b: readonly unknown[]) => a.length === b.length && a.every((value, i) => value === b[i])
const plus = (a: readonly number[], b: readonly number[]) => a.map((value, i) => value + b[i]!)

/** The histogram of both sets of rows. Throws a RangeError when they don't stand on the same edges or categories. */
export const mergeHistograms = <H extends Histogram>(a: H, b: H): H => {
  if (a.kind === 'numeric' && b.kind === 'numeric' && same(a.edges, b.edges)) {
    const merged = {
      counts: plus(a.counts, b.counts),
      sums: plus(a.sums, b.sums),
      nulls: a.nulls + b.nulls,
      nans: a.nans + b.nans,
    }
    return { ...a, ...merged }
  }
  if (a.kind === 'categorical' && b.kind === 'categorical' && same(a.categories, b.categories))
    return { ...a, counts: plus(a.counts, b.counts), other: a.other + b.other, nulls: a.nulls + b.nulls }
  throw new RangeError('Histograms merge only on the same edges or categories.')
}

/** The values counted, without nulls and NaN. */
export const presentIn = (h: Histogram): number =>
  h.counts.reduce((sum, count) => sum + count, 0) + (h.kind === 'categorical' ? h.other : 0)

/** All rows: present, null and NaN. */
export const rowsIn = (h: Histogram): number => presentIn(h) + h.nulls + (h.kind === 'numeric' ? h.nans : 0)

/** The share of rows that are null or NaN; 0 without rows. */
export const nullRate = (h: Histogram): number => (h.nulls + (h.kind === 'numeric' ? h.nans : 0)) / (rowsIn(h) || 1)

/** The share of present values outside of the edges or the list of categories; 0 without any. */
export const outsideShare = (h: Histogram): number => {
  const outside = h.kind === 'categorical' ? h.other : h.counts[0]! + h.counts[h.counts.length - 1]!
  return outside / (presentIn(h) || 1)
}

/** Jensen–Shannon distance (natural logarithm) of two histograms on the same edges or categories; what lies outside is a bin of its own. */
export const histogramJensenShannon = (reference: Histogram, current: Histogram): number => {
  const bins = (h: Histogram) => (h.kind === 'categorical' ? [...h.counts, h.other] : h.counts)
  return jensenShannon(bins(reference), bins(current))
}

/** The mass of a histogram as atoms (value, share) at the mean of each slot, ascending. */
const atoms = (h: NumericHistogram): { at: number; share: number }[] => {
  const rows = presentIn(h)
  return h.counts.flatMap((count, slot) => (count > 0 ? [{ at: h.sums[slot]! / count, share: count / rows }] : []))
}

/**
 * First Wasserstein distance of two histograms, each slot's mass at its mean: ∫|F−G|. Exact where a slot holds one value and for what moves
 * out of the edges; otherwise off by at most the spread inside a slot. NaN when a side has no rows.
 */
export const histogramWasserstein = (reference: NumericHistogram, current: NumericHistogram): number => {
  const steps = [...atoms(reference), ...atoms(current).map(({ at, share }) => ({ at, share: -share }))].sort(
    (a, b) => a.at - b.at,
  )
  if (presentIn(reference) === 0 || presentIn(current) === 0) return NaN
  let gap = 0
  let distance = 0
  for (const [i, step] of steps.entries()) {
    if (i > 0) distance += Math.abs(gap) * (step.at - steps[i - 1]!.at)
    gap += step.share
  }
  return distance
}

/**
 * The Jensen–Shannon distance that chance alone gives between a reference and `rows` rows drawn from the same distribution: the root of the
 * expected divergence Σ (1−p)/8·(1/n + 1/m), each term at most p·ln 2 (a category too rare to be drawn).
 */
export const jensenShannonNoise = (reference: Histogram, rows: number): number => {
  const bins = reference.kind === 'categorical' ? [...reference.counts, reference.other] : reference.counts
  const known = presentIn(reference)
  const spread = 1 / rows + 1 / known
  return Math.sqrt(bins.reduce((sum, count) => sum + Math.min(((1 - count / known) / 8) * spread, (count / known) * Math.LN2), 0))
}

/**
 * The Wasserstein distance that chance alone gives between a reference and `rows` rows drawn from the same distribution, in the unit of the
 * values: ∫ √(2F(1−F)/π · (1/n + 1/m)), the mean of |F−G| under the normal approximation.
 */
export const wassersteinNoise = (reference: NumericHistogram, rows: number): number => {
  const spread = (2 / Math.PI) * (1 / rows + 1 / presentIn(reference))
  let below = 0
  let noise = 0
  const steps = atoms(reference)
  for (const [i, { at, share }] of steps.entries()) {
    if (i > 0) noise += Math.sqrt(Math.max(0, below * (1 - below)) * spread) * (at - steps[i - 1]!.at)
    below += share
  }
  return noise
}
