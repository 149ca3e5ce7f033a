import { type TestResult } from './kolmogorov-smirnov.ts'
import { chiSquareTail, normalTail } from './special.ts'

const total = (counts: ArrayLike<number>): number => Array.from(counts).reduce((sum, count) => sum + count, 0)

/**
 * Chi-square test of current counts against the reference's: expected = reference × n_cur/n_ref, k − 1 degrees of freedom.
 * A category that the reference never had makes the statistic infinite, as scipy's `chisquare` does.
 */
export const chiSquare = (reference: ArrayLike<number>, current: ArrayLike<number>): TestResult => {
  const scale = total(current) / total(reference)
  let statistic = 0
  for (let i = 0; i < reference.length; i++) {
    const expected = reference[i]! * scale
    if (expected > 0 || current[i]! > 0) statistic += (current[i]! - expected) ** 2 / expected
  }
  return { statistic, pValue: statistic === Infinity ? 0 : chiSquareTail(statistic, reference.length - 1) }
}

/** Two-sided z test of two proportions with the pooled variance; z = 0 when there is no variance. */
export const twoProportions = (successes1: number, n1: number, successes2: number, n2: number): TestResult => {
  const pooled = (successes1 + successes2) / (n1 + n2)
  const spread = Math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
  const statistic = spread === 0 ? 0 : (successes1 / n1 - successes2 / n2) / spread
  return { statistic, pValue: Math.min(1, 2 * normalTail(Math.abs(statistic))) }
}
