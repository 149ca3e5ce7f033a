import { type Frame } from '../../frames/frame.ts'
import { type Fitted, type FitTask, type Learner } from '../learner.ts'
import { mean, sigmoid, softmax, type Target } from '../target.ts'
import { designOf, matrixOf, type Design, type Matrix } from './design.ts'
import { linearGraph } from './export.ts'
import { minimise } from './lbfgs.ts'
import { linearParams } from './params.ts'

/** Linear, logistic and softmax regression with an L2 penalty, on standardised numbers and one weight a category. */
export const linear: Learner = {
  name: 'linear',
  trial: (params) => params,
  fit(task) {
    const params = linearParams.parse(task.params)
    const { frame, target } = task
    const design = designOf(frame, task.features, params)
    const matrix = matrixOf(frame, design)
    const standard = standardOf(target)
    const y = target.y.map((value) => (value - standard.centre) / standard.scale)
    const objective = (point: Float64Array, gradient: Float64Array) =>
      penalisedLoss(matrix, design, target, y, params.l2, point, gradient)
    const { point, iterations } = minimise(objective, new Float64Array(design.width * target.outputs), {
      iterations: params.iterations,
      tolerance: params.tolerance,
      onIteration: (done, value) =>
        done % 5 === 0 && task.progress(done / params.iterations, { iterations: done, trainingLoss: value / frame.rows }),
    })
    const model = { design, outputs: target.outputs, weights: Float32Array.from(point), ...standard }
    return fittedOf(model, matrix, task, iterations)
  },
}

/** `weights[output · width + weight]`; a regression's sum is in standard deviations around `centre`. */
export interface LinearModel {
  design: Design
  outputs: number
  weights: Float32Array
  centre: number
  scale: number
}

const fittedOf = (model: LinearModel, matrix: Matrix, task: FitTask, iterations: number): Fitted => ({
  raw: (frame) => rawOf(model, frame),
  graph: () => linearGraph(model),
  importance: importanceOf(model, matrix, task),
  recorded: { iterations },
})

function rawOf({ design, weights, outputs, centre, scale }: LinearModel, frame: Frame): Float64Array {
  const scores = new Float64Array(frame.rows * outputs)
  score(matrixOf(frame, design), design.width, outputs, Float64Array.from(weights), scores)
  return scale === 1 && centre === 0 ? scores : scores.map((value) => value * scale + centre)
}

function score(
  { rows, terms, indices, values }: Matrix,
  width: number,
  k: number,
  weights: Float64Array,
  scores: Float64Array,
): void {
  for (let row = 0; row < rows; row++)
    for (let output = 0; output < k; output++) {
      const first = output * width
      let sum = weights[first + width - 1]!
      for (let at = row * terms; at < (row + 1) * terms; at++) sum += weights[first + indices[at]!]! * values[at]!
      scores[row * k + output] = sum
    }
}

/** Loss summed over the rows plus ½·l2·|w|² (intercepts free), and its gradient. */
function penalisedLoss(
  matrix: Matrix,
  { width }: Design,
  target: Target,
  y: Float64Array,
  l2: number,
  point: Float64Array,
  gradient: Float64Array,
): number {
  const k = target.outputs
  const { rows, terms, indices, values } = matrix
  const errors = new Float64Array(rows * k)
  score(matrix, width, k, point, errors)
  let loss = toErrors(errors, target.task, y, k)
  for (let row = 0; row < rows; row++)
    for (let output = 0; output < k; output++) {
      const error = errors[row * k + output]!
      const first = output * width
      gradient[first + width - 1]! += error
      for (let at = row * terms; at < (row + 1) * terms; at++) gradient[first + indices[at]!]! += error * values[at]!
    }
  for (let at = 0; at < point.length; at++) {
    if (at % width === width - 1) continue
    loss += 0.5 * l2 * point[at]! ** 2
    gradient[at]! += l2 * point[at]!
  }
  return loss
}

/** Turns raw scores into the loss's derivative by them, in place; returns the loss. */
function toErrors(scores: Float64Array, task: Target['task'], y: Float64Array, k: number): number {
  let loss = 0
  for (let row = 0; row < y.length; row++) {
    if (task === 'regression') {
      const error = scores[row]! - y[row]!
      loss += 0.5 * error * error
      scores[row] = error
    } else if (task === 'binary') {
      const z = scores[row]!
      loss += Math.max(z, 0) - z * y[row]! + Math.log1p(Math.exp(-Math.abs(z)))
      scores[row] = sigmoid(z) - y[row]!
    } else {
      softmax(scores, row * k, k)
      loss -= Math.log(Math.max(scores[row * k + y[row]!]!, 1e-300))
      scores[row * k + y[row]!]! -= 1
    }
  }
  return loss
}

const standardOf = (target: Target): { centre: number; scale: number } => {
  if (target.task !== 'regression') return { centre: 0, scale: 1 }
  const centre = mean(target.y)
  const spread = Math.sqrt(mean(target.y.map((value) => (value - centre) ** 2)))
  return { centre: Math.fround(centre), scale: Math.fround(spread) || 1 }
}

/** Mean absolute contribution of each column to the raw scores, as shares. */
function importanceOf(
  { design, weights, outputs }: LinearModel,
  { rows, terms, indices, values }: Matrix,
  { features }: FitTask,
): Record<string, number> {
  const sums = new Float64Array(terms)
  for (let at = 0; at < rows * terms; at++)
    for (let output = 0; output < outputs; output++)
      sums[at % terms]! += Math.abs(weights[output * design.width + indices[at]!]! * values[at]!)
  const all = sums.reduce((total, each) => total + each, 0) || 1
  return Object.fromEntries(features.map(({ name }, index) => [name, sums[index]! / all]))
}
