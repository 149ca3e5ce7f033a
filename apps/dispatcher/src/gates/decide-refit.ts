import { atMost } from './decide-gates.ts'
import { type Gate } from './figures.ts'

/** The refitted model beside the candidate that passed, on the holdout's rows, which the refit has seen. */
export interface RefitFigures {
  rows: number
  rowsHash: string
  candidate: number
  refit: number
  higherIsBetter: boolean
  /** Wasserstein distance of the two models' scores: of probabilities, or in standard deviations of the labels. */
  shift: number
  golden: { rows: number; worst: number; tolerance: number }
  unusable: number
}

/** How much worse than the candidate, relative to it, on rows that it has seen and the candidate has not. */
const worstLoss = 0.05
const widestShift = 0.1

/** Whether the refitted model is sane: it has no holdout of its own, so it must be close to the candidate that passed. */
export function decideRefit(figures: RefitFigures): { sane: boolean; gates: Gate[] } {
  const { rows, rowsHash, candidate, refit, higherIsBetter, shift, golden, unusable } = figures
  const bound = candidate + (higherIsBetter ? -1 : 1) * worstLoss * Math.abs(candidate)
  const gates: Gate[] = [
    {
      gate: 'refit metric',
      passed: Number.isFinite(refit) && (higherIsBetter ? refit >= bound : refit <= bound),
      value: refit,
      bound,
      rows,
      rowsHash,
      note: 'on rows it has seen',
    },
    {
      gate: 'refit scores',
      passed: atMost(shift, widestShift),
      value: shift,
      bound: widestShift,
      rows,
      rowsHash,
      note: 'Wasserstein distance to the candidate',
    },
    {
      gate: 'refit golden rows',
      passed: atMost(golden.worst, golden.tolerance),
      value: golden.worst,
      bound: golden.tolerance,
      rows: golden.rows,
      rowsHash,
    },
    { gate: 'refit finite answers', passed: unusable === 0, value: unusable, bound: 0, rows, rowsHash },
  ]
  return { sane: gates.every(({ passed }) => passed), gates }
}
