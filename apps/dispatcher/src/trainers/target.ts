import { columnOf, type Frame } from '../frames/frame.ts'

export type Task = 'binary' | 'multiclass' | 'regression'

/** What a model learns to tell: `y` is the class's index, or the number itself. */
export type Target = { task: 'regression'; y: Float64Array; outputs: 1 } | ClassTarget
export interface ClassTarget {
  task: 'binary' | 'multiclass'
  y: Float64Array
  /** Raw scores a row: 1 for binary, k for k classes. */
  outputs: number
  /** In the order of the model's `probabilities`; binary: the second is the positive one. */
  classes: Classes
}

/** Numbers (int64 labels; booleans are 0 and 1) or texts. */
export type Classes = { of: 'number'; values: number[] } | { of: 'text'; values: string[] }

/** Labels that no model can be made from. */
export class BadLabels extends Error {
  readonly code = 'TRAINER_BAD_LABELS'
}

/**
 * The label column as a target.
 *
 * @param known Classes found before (a validation part, a refit); without it they are those of `frame`, sorted.
 * @throws BadLabels when a label is missing, or a classifier has fewer than two classes (binary: not exactly two).
 */
export function targetOf(frame: Frame, label: string, task: Task, known?: Classes): Target {
  const column = columnOf(frame, label)
  if (task === 'regression') {
    if (column.kind !== 'number') throw new BadLabels('A regression needs a number as its label.')
    if (column.values.some((value) => !Number.isFinite(value))) throw new BadLabels('A row has no finite label.')
    return { task, y: Float64Array.from(column.values), outputs: 1 }
  }
  const classes = known ?? (column.kind === 'text' ? textClasses(column.codes, column.words) : numberClasses(column.values))
  const count = classes.values.length
  if (count < 2) throw new BadLabels(`Every row has the same label${count === 1 ? ` (${classes.values[0]})` : ''}.`)
  if (task === 'binary' && count !== 2) throw new BadLabels(`A binary label has two values; this one has ${count}.`)
  const index = new Map<unknown, number>((classes.values as unknown[]).map((value, at) => [value, at]))
  const y =
    column.kind === 'text'
      ? Float64Array.from(column.codes, (code) => index.get(column.words[code]) ?? NaN)
      : Float64Array.from(column.values, (value) => index.get(value) ?? NaN)
  if (!known && y.some(Number.isNaN)) throw new BadLabels('A row has no label.')
  return { task, y, classes, outputs: task === 'binary' ? 1 : count }
}

const textClasses = (codes: Int32Array, words: string[]): Classes => ({
  of: 'text',
  values: [...new Set(codes)].flatMap((code) => (code < 0 ? [] : [words[code] as string])).sort(),
})

const numberClasses = (values: Float32Array): Classes => ({
  of: 'number',
  values: [...new Set(values)].filter((value) => Number.isInteger(value)).sort((a, b) => a - b),
})

/** Raw scores (n × outputs) → probabilities by class (n × k), or the numbers themselves (n × 1). */
export function answersOf(
  raw: Float64Array,
  target: Pick<ClassTarget, 'task' | 'outputs'> | { task: 'regression'; outputs: 1 },
): Float64Array {
  if (target.task === 'regression') return raw
  if (target.task === 'binary') {
    const both = new Float64Array(raw.length * 2)
    raw.forEach((score, row) => {
      const positive = sigmoid(score)
      both[row * 2] = 1 - positive
      both[row * 2 + 1] = positive
    })
    return both
  }
  const probabilities = Float64Array.from(raw)
  for (let from = 0; from < raw.length; from += target.outputs) softmax(probabilities, from, target.outputs)
  return probabilities
}

export const sigmoid = (score: number): number => 1 / (1 + Math.exp(-score))

/** In place over `values[from … from + k)`. */
export function softmax(values: Float64Array, from: number, k: number): void {
  let top = -Infinity
  for (let at = from; at < from + k; at++) top = Math.max(top, values[at] as number)
  let sum = 0
  for (let at = from; at < from + k; at++) sum += values[at] = Math.exp((values[at] as number) - top)
  for (let at = from; at < from + k; at++) values[at] = (values[at] as number) / sum
}

const least = 1e-15

/** Loss of each row: −ln of the label's probability, or the squared error. Rows of a class never seen get the worst. */
export function lossesOf(raw: Float64Array, target: Target): Float64Array {
  const answers = answersOf(raw, target)
  if (target.task === 'regression') return answers.map((value, row) => (value - (target.y[row] as number)) ** 2)
  const k = target.classes.values.length
  return target.y.map((label, row) => -Math.log(Math.max(Number.isNaN(label) ? 0 : (answers[row * k + label] as number), least)))
}

export const mean = (values: ArrayLike<number>): number => {
  let sum = 0
  for (let at = 0; at < values.length; at++) sum += values[at] as number
  return values.length === 0 ? NaN : sum / values.length
}

/** What to add to log odds so that their mean probability is the share of positives: Newton's method from the last one. */
export function interceptShift(scores: Float64Array, y: Float64Array, from = 0): number {
  const wanted = mean(y)
  if (wanted <= 0 || wanted >= 1) return 0
  let shift = from
  for (let step = 0; step < 5; step++) {
    let sum = 0
    let slope = 0
    for (const score of scores) {
      const p = sigmoid(score + shift)
      sum += p
      slope += p * (1 - p)
    }
    if (slope < 1e-9) break
    const move = Math.max(-2, Math.min(2, (wanted * scores.length - sum) / slope))
    shift += move
    if (Math.abs(move) < 1e-4) break
  }
  return shift
}

/**
 * Losses that tell how well scores separate, whatever their level: a binary loss at the intercept that fits the rows best. The share of
 * positives changes from week to week, and a window must not win because its share happens to be that of the validation rows.
 */
export const levelledLosses = (raw: Float64Array, target: Target): Float64Array => {
  if (target.task !== 'binary') return lossesOf(raw, target)
  const shift = interceptShift(raw, target.y)
  return lossesOf(
    raw.map((score) => score + shift),
    target,
  )
}
