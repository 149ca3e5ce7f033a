import { countInBins, equalWidthEdges, fillZeros, shares, sturges } from './bins.ts'

type Counts = ArrayLike<number>

/** Population stability index Σ (r−c)·ln(r/c) of two histograms on the same bins; zeros are filled (`fillZeros`). */
export const psi = (reference: Counts, current: Counts): number => {
  const r = fillZeros(shares(reference))
  const c = fillZeros(shares(current))
  return r.reduce((sum, share, i) => sum + (share - c[i]!) * Math.log(share / c[i]!), 0)
}

const relativeEntropy = (p: Float64Array, q: Float64Array): number =>
  p.reduce((sum, share, i) => (share > 0 ? sum + share * Math.log(share / q[i]!) : sum), 0)

/** Kullback–Leibler divergence Σ r·ln(r/c) in nats; zeros are filled, then both sides are normalised again. */
export const klDivergence = (reference: Counts, current: Counts): number =>
  relativeEntropy(shares(fillZeros(shares(reference))), shares(fillZeros(shares(current))))

/** Jensen–Shannon distance √(½KL(r‖m) + ½KL(c‖m)), natural logarithm, no fill: 0 … √ln 2. */
export const jensenShannon = (reference: Counts, current: Counts): number => {
  const r = shares(reference)
  const c = shares(current)
  const m = r.map((share, i) => (share + c[i]!) / 2)
  return Math.sqrt(Math.max(0, (relativeEntropy(r, m) + relativeEntropy(c, m)) / 2))
}

/** Mean and population standard deviation (ddof 0) of values, in two passes; NaN of nothing. */
export const moments = (values: ArrayLike<number>): { mean: number; std: number } => {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  const mean = sum / values.length
  let squares = 0
  for (let i = 0; i < values.length; i++) squares += (values[i]! - mean) ** 2
  return { mean, std: Math.sqrt(squares / values.length) }
}

/** ∫|F−G| of two empirical distributions: the first Wasserstein distance, in the unit of the values. */
export const wasserstein = (a: Float64Array, b: Float64Array): number => {
  const x = a.toSorted()
  const y = b.toSorted()
  let i = 0
  let j = 0
  let distance = 0
  let before = Math.min(x[0]!, y[0]!)
  while (i < x.length || j < y.length) {
    const here = j >= y.length || (i < x.length && x[i]! <= y[j]!) ? x[i]! : y[j]!
    distance += Math.abs(i / x.length - j / y.length) * (here - before)
    while (i < x.length && x[i]! === here) i++
    while (j < y.length && y[j]! === here) j++
    before = here
  }
  return distance
}

/** Evidently's "Wasserstein distance (normed)": divided by max(standard deviation of the reference with ddof 0, 1e-3). */
export const normedWasserstein = (reference: Float64Array, current: Float64Array): number =>
  wasserstein(reference, current) / Math.max(moments(reference).std, 1e-3)

/** Hellinger distance √(1 − Σ √(r·c)) of two histograms on the same categories. */
export const hellinger = (reference: Counts, current: Counts): number => {
  const c = shares(current)
  const overlap = shares(reference).reduce((sum, share, i) => sum + Math.sqrt(share * c[i]!), 0)
  return Math.sqrt(Math.max(0, 1 - overlap))
}

/**
 * Hellinger distance of two numeric columns as Evidently has it: k = ceil(log2 u + 1) equal-width bins over both, where u counts the distinct
 * values of both together; densities h, √(1 − Σ √(h1·h2)·width).
 */
export const hellingerNumeric = (reference: Float64Array, current: Float64Array): number => {
  const distinct = Float64Array.from(new Set([...reference, ...current])).sort()
  const edges = equalWidthEdges(distinct[0]!, distinct[distinct.length - 1]!, sturges(distinct.length))
  return hellinger(countInBins(reference, edges), countInBins(current, edges))
}
