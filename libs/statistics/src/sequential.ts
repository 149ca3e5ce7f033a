import { lnGamma } from './special.ts'

export interface SequentialOptions {
  /** Level over all looks together; 0.05 unless given. */
  readonly alpha?: number
  /** Standard deviation of the mixture over effects, in the unit of the difference; 0.01 unless given. */
  readonly tau?: number
}

/** The state of a mixture sequential probability ratio test after a look. */
export interface SequentialResult {
  /** treatment − control. */
  readonly difference: number
  /** Always-valid p-value of "no difference": the smallest so far. */
  readonly pValue: number
  /** Always-valid interval of the difference: it covers the truth at all looks together with probability 1 − α. */
  readonly interval: readonly [low: number, high: number]
}

export interface Proportion {
  readonly successes: number
  readonly n: number
}

export interface Sample {
  readonly n: number
  readonly mean: number
  /** Of one observation (ddof 1). */
  readonly variance: number
}

/** ln Λ of a normal mixture N(0, τ²) over effects against no effect, for an estimate with variance V: ½ln(V/(V+τ²)) + τ²θ²/(2V(V+τ²)). */
const logMixture = (difference: number, variance: number, tau: number): number => {
  const spread = variance + tau * tau
  return 0.5 * Math.log(variance / spread) + (tau * tau * difference * difference) / (2 * variance * spread)
}

/** Where ln Λ of the shifted hypothesis reaches ln(1/α): half the width of the confidence sequence. */
const halfWidth = (variance: number, tau: number, alpha: number): number => {
  const spread = variance + tau * tau
  return Math.sqrt(((2 * variance * spread) / (tau * tau)) * (Math.log(1 / alpha) + 0.5 * Math.log(spread / variance)))
}

const result = (
  difference: number,
  nullVariance: number,
  variance: number,
  previous: number,
  { alpha = 0.05, tau = 0.01 }: SequentialOptions,
) => {
  const half = halfWidth(variance, tau, alpha)
  const pValue = Math.min(previous, 1, Math.exp(-logMixture(difference, nullVariance, tau)))
  return { difference, pValue, interval: [difference - half, difference + half] as const }
}

const nothing = (previous: number): SequentialResult => ({ difference: 0, pValue: previous, interval: [-Infinity, Infinity] })

/**
 * mSPRT of two proportions (Johari, Pekelis and Walsh 2015), to be looked at as often as one likes.
 *
 * @param previous the p-value of the look before, 1 at first
 *
 * The p-value takes the pooled variance, the interval each arm's own; half a success and half a failure are added to each, so that an arm
 * without errors is not certain of it.
 */
export const sequentialProportions = (
  control: Proportion,
  treatment: Proportion,
  previous = 1,
  options: SequentialOptions = {},
): SequentialResult => {
  if (control.n === 0 || treatment.n === 0) return nothing(previous)
  const pooled = (control.successes + treatment.successes + 1) / (control.n + treatment.n + 2)
  const own = ({ successes, n }: Proportion) => {
    const p = (successes + 0.5) / (n + 1)
    return (p * (1 - p)) / n
  }
  const difference = treatment.successes / treatment.n - control.successes / control.n
  const nullVariance = pooled * (1 - pooled) * (1 / control.n + 1 / treatment.n)
  return result(difference, nullVariance, own(control) + own(treatment), previous, options)
}

/** mSPRT of two means; `tau` is in the unit of the values. Arms of fewer than two observations say nothing. */
export const sequentialMeans = (
  control: Sample,
  treatment: Sample,
  previous = 1,
  options: SequentialOptions = {},
): SequentialResult => {
  if (control.n < 2 || treatment.n < 2) return nothing(previous)
  const variance = control.variance / control.n + treatment.variance / treatment.n
  const difference = treatment.mean - control.mean
  if (variance === 0) return { difference, pValue: difference === 0 ? previous : 0, interval: [difference, difference] }
  return result(difference, variance, variance, previous, options)
}

/**
 * Sequential check that units fell into the arms in the ratio that was asked for (Lindon and Malek 2020): the Bayes factor of a uniform
 * Dirichlet prior over the ratio against the intended one. Always valid: alarm when pValue < α (0.001 is usual), at any look.
 *
 * @param counts units by arm @param intended shares by arm, their sum 1, all above 0
 */
export const sampleRatio = (counts: readonly number[], intended: readonly number[], previous = 1): { pValue: number } => {
  const n = counts.reduce((sum, count) => sum + count, 0)
  const arms = counts.length
  let logBayes = lnGamma(arms) - lnGamma(arms + n)
  for (let i = 0; i < arms; i++) logBayes += lnGamma(1 + counts[i]!) - counts[i]! * Math.log(intended[i]!)
  return { pValue: Math.min(previous, 1, Math.exp(-logBayes)) }
}
