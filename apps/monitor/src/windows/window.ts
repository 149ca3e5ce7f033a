import {
  type Cell,
  counter,
  type DatasetProfile,
  emptyCategorical,
  emptyLike,
  emptyNumeric,
  equalWidthEdges,
  type Histogram,
  mergeHistograms,
} from '@cascata/statistics'

/** What a version was trained on, as far as it is known. */
export interface Reference {
  readonly columns: DatasetProfile['columns']
  /** What each input contributes, their sum 1; empty when it is not known. */
  readonly importance: Readonly<Record<string, number>>
  /** What the version said on its training rows. */
  readonly scores: Histogram | null
}

export type Task = 'binary' | 'multiclass' | 'regression'

/** One prediction, as windows count it. */
export interface Seen {
  readonly features: Readonly<Record<string, Cell>>
  readonly output: unknown
  readonly probability?: number | Readonly<Record<string, number>> | undefined
  readonly error?: string | undefined
}

/** What one version saw and said in one window. JSON; two of the same window and reference merge exactly. */
export interface WindowSummary {
  /** Predictions that were answered. */
  readonly rows: number
  readonly errors: number
  /** By input, on the edges and categories of the training profile. */
  readonly features: Readonly<Record<string, Histogram>>
  /** Probability of the positive class, the class, or the value. */
  readonly score: Histogram | null
}

const scoreBins = [...equalWidthEdges(0, 1, 20)]

const emptyScore = (task: Task, { scores }: Reference): Histogram | null => {
  if (scores !== null) return emptyLike(scores)
  switch (task) {
    case 'binary':
      return emptyNumeric(scoreBins)
    case 'multiclass':
      return emptyCategorical([])
    case 'regression':
      return null
  }
}

const scoreOf = (task: Task, { output, probability }: Seen): Cell => {
  if (task === 'binary' && typeof probability === 'number') return probability
  if (task === 'binary' && typeof output === 'boolean') return output ? 1 : 0
  return Array.isArray(output) ? (output[0] as Cell) : (output as Cell)
}

const isFlag = (histogram: Histogram): boolean =>
  histogram.kind === 'categorical' && histogram.categories.every((category) => category === 'true' || category === 'false')

/** Reads cells as their histogram has them: times as Unix ms among numbers, 1 and 0 as true and false among flags. */
const asCounted = (histogram: Histogram): ((cell: Cell) => Cell) => {
  if (histogram.kind === 'numeric')
    return (cell) => (typeof cell === 'string' && Number.isNaN(Number(cell)) ? Date.parse(cell) : cell)
  return isFlag(histogram) ? (cell) => (typeof cell === 'number' ? cell !== 0 : cell) : (cell) => cell
}

/** Counts predictions of one version and window. */
export const summarise = (predictions: Iterable<Seen>, task: Task, reference: Reference): WindowSummary => {
  const features = Object.fromEntries(
    Object.entries(reference.columns).map(([name, { histogram }]) => [name, emptyLike(histogram)]),
  )
  const counters = Object.entries(features).map(([name, histogram]) => [name, asCounted(histogram), counter(histogram)] as const)
  const score = emptyScore(task, reference)
  const countScore = score && counter(score)
  let rows = 0
  let errors = 0
  for (const prediction of predictions) {
    if (prediction.error !== undefined) {
      errors++
      continue
    }
    rows++
    for (const [name, read, count] of counters) count(read(prediction.features[name]))
    countScore?.(scoreOf(task, prediction))
  }
  const inputs = Object.entries(features).filter(([name]) => name !== 'label' && name !== 'at')
  return { rows, errors, features: Object.fromEntries(inputs), score }
}

/** The summary of both; histograms that don't fit (the reference changed) give way to the newer ones. */
export const mergeSummaries = (old: WindowSummary, more: WindowSummary): WindowSummary => {
  const merged = (a: Histogram | null | undefined, b: Histogram | null): Histogram | null => {
    if (!a || !b) return b ?? a ?? null
    try {
      return mergeHistograms(a, b)
    } catch {
      return b
    }
  }
  const features = Object.fromEntries(
    Object.entries(more.features).map(([name, histogram]) => [name, merged(old.features[name], histogram) ?? histogram]),
  )
  return {
    rows: old.rows + more.rows,
    errors: old.errors + more.errors,
    features: { ...old.features, ...features },
    score: merged(old.score, more.score),
  }
}

/** The window that an instant falls in: windows of one size are laid end to end from the Unix epoch, in UTC. */
export const windowOf = (at: number, size: number): { from: number; to: number } => {
  const from = Math.floor(at / size) * size
  return { from, to: from + size }
}

/** A window is closed when predictions of a later time have been seen: a 24th of its size after its end, for those that come in late. */
export const isClosed = (to: number, size: number, seenUpTo: number): boolean => seenUpTo >= to + size / 24
