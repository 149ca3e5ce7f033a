import { applyIsotonic, fitIsotonic, type Isotonic } from './isotonic.ts'
import { moments } from './distances.ts'
import { type Confusion, fromConfusion } from './metrics.ts'

/** Turns scores into calibrated probabilities; `none` when the scores were calibrated better as they are. */
export type Calibrator = { readonly kind: 'none' } | ({ readonly kind: 'isotonic' } & Isotonic)

/** Expected calibration error over `bins` bins of equal count by score: Σ share·|mean score − mean label|. */
export const calibrationError = (scores: ArrayLike<number>, labels: ArrayLike<number>, bins = 10): number => {
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!)
  let error = 0
  for (let bin = 0; bin < bins; bin++) {
    const rows = order.subarray(Math.round((bin * order.length) / bins), Math.round(((bin + 1) * order.length) / bins))
    let gap = 0
    for (const row of rows) gap += scores[row]! - labels[row]!
    error += Math.abs(gap) / order.length
  }
  return error
}

const FOLDS = 3

/**
 * Fits the calibration of CBPE on the reference: isotonic, kept only if the expected calibration error, pooled over rows that the
 * calibrator of their fold has not seen, falls.
 */
export const fitCalibrator = (scores: ArrayLike<number>, labels: ArrayLike<number>): Calibrator => {
  const rows = Array.from({ length: scores.length }, (_, i) => i)
  const calibrated = new Float64Array(scores.length)
  for (let fold = 0; fold < FOLDS; fold++) {
    const training = rows.filter((i) => i % FOLDS !== fold)
    const fitted = fitIsotonic(
      training.map((i) => scores[i]!),
      training.map((i) => labels[i]!),
    )
    for (const i of rows) if (i % FOLDS === fold) calibrated[i] = applyIsotonic(fitted, scores[i]!)
  }
  if (!(calibrationError(calibrated, labels) < calibrationError(scores, labels))) return { kind: 'none' }
  return { kind: 'isotonic', ...fitIsotonic(scores, labels) }
}

export const calibrate = (calibrator: Calibrator, score: number): number =>
  calibrator.kind === 'none' ? score : applyIsotonic(calibrator, score)

/** What CBPE expects of a classifier whose labels are not there yet. */
export interface Estimate extends Record<'auc' | 'accuracy' | 'precision' | 'recall' | 'f1', number> {
  readonly confusion: Confusion
}

/** Expected AUC: rows by score ascending, each c positives and 1 − c negatives; ties at half. */
const expectedAuc = (scores: ArrayLike<number>, probabilities: ArrayLike<number>): number => {
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!)
  let [wins, negativesBelow, allPositives] = [0, 0, 0]
  for (let i = 0; i < order.length;) {
    const score = scores[order[i]!]!
    let [positives, negatives] = [0, 0]
    for (; i < order.length && scores[order[i]!] === score; i++) {
      positives += probabilities[order[i]!]!
      negatives += 1 - probabilities[order[i]!]!
    }
    wins += positives * (negativesBelow + negatives / 2)
    negativesBelow += negatives
    allPositives += positives
  }
  return wins / (allPositives * negativesBelow)
}

/**
 * NannyML's confidence-based performance estimation (binary): with calibrated c, TP = Σ_{ŷ=1} c, FP = Σ_{ŷ=1} 1 − c, FN = Σ_{ŷ=0} c,
 * TN = Σ_{ŷ=0} 1 − c. It cannot see concept drift.
 */
export const estimatePerformance = (scores: ArrayLike<number>, calibrator: Calibrator, threshold = 0.5): Estimate => {
  const probabilities = Float64Array.from(scores, (score) => calibrate(calibrator, score))
  let [tp, fp, fn, tn] = [0, 0, 0, 0]
  for (let i = 0; i < scores.length; i++) {
    const c = probabilities[i]!
    if (scores[i]! >= threshold) [tp, fp] = [tp + c, fp + 1 - c]
    else [fn, tn] = [fn + c, tn + 1 - c]
  }
  const counts = { tp, fp, fn, tn }
  const [accuracy, precision, recall, f1] = (['accuracy', 'precision', 'recall', 'f1'] as const).map((metric) =>
    fromConfusion(metric, counts),
  )
  return {
    auc: expectedAuc(scores, probabilities),
    accuracy: accuracy!,
    precision: precision!,
    recall: recall!,
    f1: f1!,
    confusion: counts,
  }
}

/** The alert band of an estimate: mean ± 3 standard deviations (ddof 0) of the metric over the chunks of the reference. */
export const alertBand = (referenceChunks: readonly number[]): readonly [low: number, high: number] => {
  const { mean, std } = moments(referenceChunks)
  return [mean - 3 * std, mean + 3 * std]
}
