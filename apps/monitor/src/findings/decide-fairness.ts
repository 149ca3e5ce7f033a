import { type Confusion, fairness, mergeConfusions } from '@cascata/statistics'
import { type JudgedWindow, type Judgement, unknown } from './judgement.ts'

export interface FairnessRule {
  /** The column whose values are the groups. */
  readonly by: string
  /** Greatest difference of true positive rates that is accepted. */
  readonly equalOpportunity: number
  /** Rows from which a group counts. */
  readonly minGroup: number
}

export interface GroupedWindow extends JudgedWindow {
  /** By rule's column, then by group. */
  readonly groups: Readonly<Record<string, Readonly<Record<string, Confusion>>>>
}

/** Two standard errors of the difference of the extreme true positive rates. */
const doubt = (counts: Readonly<Record<string, Confusion>>, minGroup: number): number => {
  const compared = Object.values(counts).filter(({ tp, fp, fn, tn }) => tp + fp + fn + tn >= minGroup && tp + fn > 0)
  const rates = compared.map(({ tp, fn }) => ({ rate: tp / (tp + fn), n: tp + fn })).sort((a, b) => a.rate - b.rate)
  const variance = ({ rate, n }: { rate: number; n: number }) => Math.max(rate * (1 - rate), 1 / n) / n
  return rates.length < 2 ? Infinity : 2 * Math.sqrt(variance(rates[0]!) + variance(rates.at(-1)!))
}

/**
 * Whether a version treats groups unlike: Fairlearn's equal opportunity difference over the last windows together, above the rule's bound by
 * more than two standard errors.
 *
 * @param windows windows whose labels are ripe, oldest first
 */
export const decideFairness = (windows: readonly GroupedWindow[], rules: readonly FairnessRule[], of: number): Judgement => {
  const last = windows.slice(-of)
  const judged = rules.flatMap(({ by, equalOpportunity: bound, minGroup }) => {
    const counts = last.map(({ groups }) => groups[by] ?? {}).reduce(mergeConfusions, {})
    const slack = doubt(counts, minGroup)
    return slack === Infinity ? [] : [{ by, bound, slack, counts, size: fairness(counts, minGroup).equalOpportunity }]
  })
  if (judged.length === 0) return unknown
  const worst = judged.reduce((a, b) => (b.size - b.bound > a.size - a.bound ? b : a))
  const told = { measure: 'equal-opportunity', size: worst.size, threshold: worst.bound }
  const unfair = judged.filter(({ size, bound, slack }) => size - slack > bound)
  if (unfair.length === 0) return { is: 'good', ...told }
  return {
    is: 'bad',
    ...told,
    windows: last.map(({ from, to, rows }) => ({ from, to, rows })),
    features: unfair.map(({ by, size }) => ({ name: by, size, measure: 'equal-opportunity' })),
    evidence: { groups: Object.fromEntries(unfair.map(({ by, counts }) => [by, fairness(counts).groups])) },
  }
}
