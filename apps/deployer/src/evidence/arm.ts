/** Counts by bin; bins without a count are not there. */
export type Sparse = Record<string, number>

/** What one version did in one step of a rollout. */
export interface Arm {
  /** Answers and shadow scores, errors included. */
  requests: number
  errors: number
  /** Distinct units it scored or answered; exact up to `unitsKept`, then it stands still. */
  units: number
  /** Distinct units that the split gave to it; exact up to `unitsKept`. */
  assigned: number
  /** Milliseconds, by `latencyBin`. */
  latency: Sparse
  /** Scores, by `scoreBin`. */
  scores: Sparse
}

/** The same requests scored by both versions. */
export interface Pairs {
  n: number
  onlyCandidateFailed: number
  onlyChampionFailed: number
  /** Both answered, with different outputs. */
  differ: number
  /** Sum of |difference of the scores|, where both are numbers. */
  distance: number
}

export interface StepStatistics {
  champion: Arm
  candidate: Arm
  pairs: Pairs
}

export const emptyArm = (): Arm => ({ requests: 0, errors: 0, units: 0, assigned: 0, latency: {}, scores: {} })
export const emptyPairs = (): Pairs => ({ n: 0, onlyCandidateFailed: 0, onlyChampionFailed: 0, differ: 0, distance: 0 })

/** Units of an arm that are told apart; far more than a step asks for. */
export const unitsKept = 20_000

const growth = 1.1

/** The bin of a latency: geometric, 10 % wide, from 0.01 ms. */
export const latencyBin = (ms: number): string =>
  String(Math.max(0, Math.ceil(Math.log(Math.max(ms, 0.01) / 0.01) / Math.log(growth))))

/** The upper edge of a latency bin, in ms. */
export const latencyEdge = (bin: string): number => 0.01 * growth ** Number(bin)

const mostCategories = 50

/**
 * The bin of a score, the same for every version: probabilities in 20 equal parts of [0, 1]; other numbers by their asinh in steps of 0.25
 * (about 28 % of the value), which needs no range known beforehand; classes by name.
 */
export const scoreBin = (output: unknown, probability: unknown): string => {
  if (typeof probability === 'number') return `p${Math.min(19, Math.max(0, Math.floor(probability * 20)))}`
  if (typeof output === 'number' && probability === undefined) return `v${Math.round(Math.asinh(output) * 4)}`
  return `c${String(output).slice(0, 60)}`
}

export const add = (into: Sparse, bin: string, by = 1): void => {
  const known = Object.hasOwn(into, bin) || !bin.startsWith('c') || Object.keys(into).length < mostCategories
  const key = known ? bin : 'c*'
  into[key] = (Object.hasOwn(into, key) ? into[key]! : 0) + by
}

export const addAll = (into: Sparse, from: Sparse): Sparse => {
  for (const [bin, by] of Object.entries(from)) add(into, bin, by)
  return into
}

export const totalOf = (counts: Sparse): number => Object.values(counts).reduce((sum, count) => sum + count, 0)
