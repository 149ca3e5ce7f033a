import { type Confusion } from './metrics.ts'

/** Rates of one group; a rate without rows to stand on is NaN. */
export interface GroupRates {
  readonly rows: number
  /** P(ŷ = 1). */
  readonly selection: number
  readonly truePositive: number
  readonly falsePositive: number
}

export interface Fairness {
  readonly groups: Readonly<Record<string, GroupRates>>
  /** max − min of the selection rates. */
  readonly demographicParity: number
  /** min ÷ max of the selection rates; 1 when nobody is selected. */
  readonly demographicParityRatio: number
  /** max − min of the true positive rates. */
  readonly equalOpportunity: number
  /** The larger of the ranges of true and of false positive rates. */
  readonly equalizedOdds: number
}

export type FairnessMeasure = 'demographicParity' | 'demographicParityRatio' | 'equalOpportunity' | 'equalizedOdds'

/** Confusion counts by group. */
export const confusionByGroup = (
  groups: ArrayLike<string>,
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  threshold = 0.5,
): Record<string, Confusion> => {
  const counts: Record<string, { tp: number; fp: number; fn: number; tn: number }> = {}
  for (let i = 0; i < groups.length; i++) {
    const group = (counts[groups[i]!] ??= { tp: 0, fp: 0, fn: 0, tn: 0 })
    const said = scores[i]! >= threshold
    if (labels[i] === 1) group[said ? 'tp' : 'fn']++
    else group[said ? 'fp' : 'tn']++
  }
  return counts
}

const rates = ({ tp, fp, fn, tn }: Confusion): GroupRates => {
  const rows = tp + fp + fn + tn
  return { rows, selection: (tp + fp) / rows, truePositive: tp / (tp + fn), falsePositive: fp / (fp + tn) }
}

const range = (values: readonly number[]): { min: number; max: number; spread: number } => {
  const known = values.filter((value) => !Number.isNaN(value))
  if (known.length === 0) return { min: NaN, max: NaN, spread: 0 }
  const [min, max] = [Math.min(...known), Math.max(...known)]
  return { min, max, spread: max - min }
}

/**
 * Fairness between groups by Fairlearn's definitions, of groups with at least `minGroup` rows (1 unless given). Rates that a group cannot
 * have (no positives, no negatives) don't take part.
 */
export const fairness = (counts: Readonly<Record<string, Confusion>>, minGroup = 1): Fairness => {
  const entries = Object.entries(counts).map(([group, count]) => [group, rates(count)] as const)
  const compared = entries.map(([, group]) => group).filter((group) => group.rows >= minGroup)
  const selection = range(compared.map((group) => group.selection))
  const truePositive = range(compared.map((group) => group.truePositive)).spread
  const falsePositive = range(compared.map((group) => group.falsePositive)).spread
  return {
    groups: Object.fromEntries(entries),
    demographicParity: selection.spread,
    demographicParityRatio: compared.length === 0 || selection.max === 0 ? 1 : selection.min / selection.max,
    equalOpportunity: truePositive,
    equalizedOdds: Math.max(truePositive, falsePositive),
  }
}

/** AIF360's disparate impact: P(ŷ = 1 | unprivileged) ÷ P(ŷ = 1 | privileged), with a direction. */
export const disparateImpact = (unprivileged: Confusion, privileged: Confusion): number =>
  rates(unprivileged).selection / rates(privileged).selection

/** Confusion counts of both sets of rows, group by group. */
export const mergeConfusions = (
  a: Readonly<Record<string, Confusion>>,
  b: Readonly<Record<string, Confusion>>,
): Record<string, Confusion> => {
  const merged: Record<string, Confusion> = { ...a }
  for (const [group, { tp, fp, fn, tn }] of Object.entries(b)) {
    const old = merged[group] ?? { tp: 0, fp: 0, fn: 0, tn: 0 }
    merged[group] = { tp: old.tp + tp, fp: old.fp + fp, fn: old.fn + fn, tn: old.tn + tn }
  }
  return merged
}
