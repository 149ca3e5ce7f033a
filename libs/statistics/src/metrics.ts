/** Predictions of a model beside their labels. All metrics of the library are computed from this and weights by row. */
export type Scored =
  | {
      readonly task: 'binary'
      /** 0 or 1. */
      readonly labels: ArrayLike<number>
      /** Probability of the positive class. */
      readonly scores: ArrayLike<number>
      /** From which score on a row counts as positive; 0.5 unless given. */
      readonly threshold?: number
    }
  | {
      readonly task: 'multiclass'
      /** Index of the class. */
      readonly labels: ArrayLike<number>
      /** rows × classes, row-major. */
      readonly scores: ArrayLike<number>
      readonly classes: number
    }
  | { readonly task: 'regression'; readonly labels: ArrayLike<number>; readonly scores: ArrayLike<number> }

export type BinaryMetric = 'auc' | 'logLoss' | 'accuracy' | 'brier' | 'precision' | 'recall' | 'f1' | 'baseRate'
export type MulticlassMetric = 'accuracy' | 'logLoss' | 'macroF1'
export type RegressionMetric = 'rmse' | 'mae' | 'r2'
export type Metric = BinaryMetric | MulticlassMetric | RegressionMetric

/** The metrics of each task, the usual one first. */
export const metricsOf = {
  binary: ['auc', 'logLoss', 'accuracy', 'brier', 'precision', 'recall', 'f1', 'baseRate'],
  multiclass: ['logLoss', 'accuracy', 'macroF1'],
  regression: ['rmse', 'mae', 'r2'],
} as const satisfies Record<Scored['task'], readonly Metric[]>

/** Whether more is better; the base rate has no direction and counts as such. */
export const higherIsBetter = (metric: Metric): boolean => !['logLoss', 'brier', 'rmse', 'mae'].includes(metric)

/** How often each row counts: in a bootstrap, how often it was drawn. */
export type Weights = ArrayLike<number>
type WeightedMetric = (weights: Weights) => number

const EPSILON = Number.EPSILON
const logLoss = (probability: number): number => -Math.log(Math.min(1 - EPSILON, Math.max(EPSILON, probability)))

/** The weighted mean of a figure by row: computed once by row, then summed for each set of weights. */
const meanOf = (rows: number, figure: (row: number) => number): WeightedMetric => {
  const figures = Float64Array.from({ length: rows }, (_, row) => figure(row))
  return (weights) => {
    let sum = 0
    let total = 0
    for (let i = 0; i < rows; i++) {
      sum += weights[i]! * figures[i]!
      total += weights[i]!
    }
    return sum / total
  }
}

/** Area under the ROC curve with ties at half: rows are sorted by score once, every set of weights takes one pass. NaN with one class only. */
const auc = (labels: ArrayLike<number>, scores: ArrayLike<number>): WeightedMetric => {
  const rows = labels.length
  const order = Uint32Array.from({ length: rows }, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!)
  const isPositive = Uint8Array.from(order, (row) => labels[row]!)
  const endsTie = Uint8Array.from(order, (row, i) => (i === rows - 1 || scores[order[i + 1]!] !== scores[row] ? 1 : 0))
  return (weights) => {
    let [negativesBelow, wins, negatives, positives, allPositives] = [0, 0, 0, 0, 0]
    for (let i = 0; i < rows; i++) {
      const weight = weights[order[i]!]!
      if (isPositive[i] === 1) positives += weight
      else negatives += weight
      if (endsTie[i] === 1) {
        wins += positives * (negativesBelow + negatives / 2)
        negativesBelow += negatives
        allPositives += positives
        negatives = 0
        positives = 0
      }
    }
    return wins / (allPositives * negativesBelow)
  }
}

/** Weighted confusion counts of a binary classifier. */
export interface Confusion {
  readonly tp: number
  readonly fp: number
  readonly fn: number
  readonly tn: number
}

/** Counts true and false positives and negatives of scores at a threshold (score ≥ threshold is positive). */
export const confusion = (
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  threshold = 0.5,
  weights?: Weights,
): Confusion => {
  const counts = [0, 0, 0, 0]
  for (let i = 0; i < labels.length; i++)
    counts[(labels[i] === 1 ? 2 : 0) + (scores[i]! >= threshold ? 1 : 0)]! += weights ? weights[i]! : 1
  return { tn: counts[0]!, fp: counts[1]!, fn: counts[2]!, tp: counts[3]! }
}

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

/** The metrics that follow from confusion counts; nothing predicted or nothing there gives 0, as scikit-learn's zero_division. */
export const fromConfusion = (metric: 'accuracy' | 'precision' | 'recall' | 'f1', { tp, fp, fn, tn }: Confusion): number => {
  switch (metric) {
    case 'accuracy':
      return ratio(tp + tn, tp + tn + fp + fn)
    case 'precision':
      return ratio(tp, tp + fp)
    case 'recall':
      return ratio(tp, tp + fn)
    case 'f1':
      return ratio(2 * tp, 2 * tp + fp + fn)
  }
}

type Binary = Extract<Scored, { task: 'binary' }>

const binaryMetric = (metric: BinaryMetric, { labels, scores, threshold = 0.5 }: Binary): WeightedMetric => {
  switch (metric) {
    case 'auc':
      return auc(labels, scores)
    case 'logLoss':
      return meanOf(labels.length, (i) => logLoss(labels[i] === 1 ? scores[i]! : 1 - scores[i]!))
    case 'brier':
      return meanOf(labels.length, (i) => (scores[i]! - labels[i]!) ** 2)
    case 'baseRate':
      return meanOf(labels.length, (i) => labels[i]!)
    case 'accuracy':
      return meanOf(labels.length, (i) => (scores[i]! >= threshold === (labels[i] === 1) ? 1 : 0))
    case 'precision':
    case 'recall':
    case 'f1':
      return (weights) => fromConfusion(metric, confusion(labels, scores, threshold, weights))
  }
}

const likeliest = (scores: ArrayLike<number>, from: number, classes: number): number => {
  let best = 0
  for (let c = 1; c < classes; c++) if (scores[from + c]! > scores[from + best]!) best = c
  return best
}

type Multiclass = Extract<Scored, { task: 'multiclass' }>

/** Mean of the F1 of each class that is there or is predicted, every class counting alike. */
const macroF1 = ({ labels, scores, classes }: Multiclass): WeightedMetric => {
  const said = Uint32Array.from({ length: labels.length }, (_, i) => likeliest(scores, i * classes, classes))
  return (weights) => {
    const [hits, predicted, there] = [new Float64Array(classes), new Float64Array(classes), new Float64Array(classes)]
    for (let i = 0; i < labels.length; i++) {
      predicted[said[i]!]! += weights[i]!
      there[labels[i]!]! += weights[i]!
      if (said[i] === labels[i]) hits[labels[i]!]! += weights[i]!
    }
    const known = Array.from({ length: classes }, (_, c) => c).filter((c) => predicted[c]! + there[c]! > 0)
    return known.reduce((sum, c) => sum + (2 * hits[c]!) / (predicted[c]! + there[c]!), 0) / known.length
  }
}

const multiclassMetric = (metric: MulticlassMetric, scored: Multiclass): WeightedMetric => {
  const { labels, scores, classes } = scored
  switch (metric) {
    case 'accuracy':
      return meanOf(labels.length, (i) => (likeliest(scores, i * classes, classes) === labels[i] ? 1 : 0))
    case 'logLoss':
      return meanOf(labels.length, (i) => logLoss(scores[i * classes + labels[i]!]!))
    case 'macroF1':
      return macroF1(scored)
  }
}

const regressionMetric = (metric: RegressionMetric, labels: ArrayLike<number>, scores: ArrayLike<number>): WeightedMetric => {
  const squared = meanOf(labels.length, (i) => (labels[i]! - scores[i]!) ** 2)
  if (metric === 'rmse') return (weights) => Math.sqrt(squared(weights))
  if (metric === 'mae') return meanOf(labels.length, (i) => Math.abs(labels[i]! - scores[i]!))
  const label = meanOf(labels.length, (i) => labels[i]!)
  return (weights) => {
    const mean = label(weights)
    return 1 - squared(weights) / meanOf(labels.length, (i) => (labels[i]! - mean) ** 2)(weights)
  }
}

/** Prepares a metric for many sets of weights. Throws a RangeError for a metric that the task does not have. */
export const weightedMetric = (metric: Metric, scored: Scored): WeightedMetric => {
  if (!(metricsOf[scored.task] as readonly string[]).includes(metric))
    throw new RangeError(`A ${scored.task} model has no ${metric}.`)
  switch (scored.task) {
    case 'binary':
      return binaryMetric(metric as BinaryMetric, scored)
    case 'multiclass':
      return multiclassMetric(metric as MulticlassMetric, scored)
    case 'regression':
      return regressionMetric(metric as RegressionMetric, scored.labels, scored.scores)
  }
}

/** One metric over all rows. NaN where it is not defined (no rows; AUC with one class only). */
export const metricOf = (metric: Metric, scored: Scored): number =>
  weightedMetric(metric, scored)(new Uint8Array(scored.labels.length).fill(1))

/** All metrics of the task, by name; what is not defined on these rows is left out. */
export const allMetrics = (scored: Scored): Partial<Record<Metric, number>> =>
  Object.fromEntries(
    metricsOf[scored.task]
      .map((metric) => [metric, metricOf(metric, scored)] as const)
      .filter(([, value]) => Number.isFinite(value)),
  )
