import { seededRandom } from '@cascata/statistics'
import { type Frame } from '../../frames/frame.ts'
import { type Fitted, type FitTask, type Learner } from '../learner.ts'
import { sample } from '../random.ts'
import { interceptShift, lossesOf, mean, sigmoid, softmax, type Target } from '../target.ts'
import { binsOf, fitEncoders, type Encoder } from './encode.ts'
import { treesGraph } from './export.ts'
import { addTree, growTree, workspaceFor, type Tree } from './grow.ts'
import { gbdtParams, type GbdtParams } from './params.ts'

/** Histogram gradient boosting: at most 255 bins a feature, trees grown by leaf, Newton steps, stopped early by the validation loss. */
export const gbdt: Learner = {
  name: 'gbdt',
  // Fewer and bolder trees tell windows apart as well.
  trial: (params) => ({
    ...params,
    trees: Math.min(gbdtParams.parse(params).trees, 40),
    learningRate: Math.max(gbdtParams.parse(params).learningRate, 0.25),
  }),
  fit(task) {
    const params = gbdtParams.parse(task.params)
    const trees = task.recorded?.trees
    return boost(task, typeof trees === 'number' ? { ...params, trees, patience: 0 } : params)
  },
}

/** An ensemble: `trees[i]` adds to output `i mod outputs`; a regression's sum is in standard deviations around `centre`. */
export interface Ensemble {
  encoders: Encoder[]
  trees: Tree[]
  outputs: number
  /** Raw score before the first tree, by output (float32). */
  base: number[]
  centre: number
  scale: number
}

function boost(task: FitTask, params: GbdtParams): Fitted {
  const { frame, target, validation } = task
  const standard = standardOf(target)
  const y = target.y.map((value) => (value - standard.centre) / standard.scale)
  const encoders = fitEncoders(frame, task.features, orderOf(target), params.minCategoryRows)
  const base = baseOf(target)
  const ensemble: Ensemble = { encoders, trees: [], outputs: target.outputs, base, ...standard }
  const watch = validation && validation.frame.rows > 0 ? watcher(ensemble, validation, params) : undefined
  const grower = growerOf(task, params, encoders, scoresFrom(base, frame.rows), y)
  for (let round = 0; round < params.trees; round++) {
    const grown = grower()
    if (!grown) break
    ensemble.trees.push(...grown)
    const seen = watch?.(grown)
    if (round % 5 === 4)
      task.progress((round + 1) / params.trees, { trees: round + 1, ...(seen && { validationLoss: seen.loss }) })
    if (seen?.stop) break
  }
  if (watch) ensemble.trees.length = watch.best() * target.outputs
  return fittedOf(ensemble, task)
}

function fittedOf(ensemble: Ensemble, task: FitTask): Fitted {
  return {
    raw: (frame) => rawOf(ensemble, frame),
    graph: () => treesGraph(ensemble),
    importance: importanceOf(ensemble, task),
    recorded: { trees: ensemble.trees.length / ensemble.outputs },
  }
}

function rawOf({ encoders, trees, outputs, base, centre, scale }: Ensemble, frame: Frame): Float64Array {
  const bins = binsOf(frame, encoders)
  const scores = scoresFrom(base, frame.rows)
  trees.forEach((tree, at) => addTree(tree, bins, scores, outputs, at % outputs))
  return scale === 1 && centre === 0 ? scores : scores.map((score) => score * scale + centre)
}

const scoresFrom = (base: number[], rows: number): Float64Array =>
  Float64Array.from({ length: rows * base.length }, (_, at) => base[at % base.length] as number)

/** Makes the function that grows a round's trees (one an output) and moves the training scores on; undefined when nothing can be split. */
function growerOf(task: FitTask, params: GbdtParams, encoders: Encoder[], scores: Float64Array, y: Float64Array) {
  const { frame, target, seed } = task
  const k = target.outputs
  const bins = binsOf(frame, encoders)
  const random = seededRandom(seed).next
  const everyRow = Int32Array.from({ length: frame.rows }, (_, row) => row)
  const gradient = new Float64Array(frame.rows)
  const hessian = new Float64Array(frame.rows)
  const input = {
    bins,
    cuts: encoders.map(({ cuts }) => cuts.length),
    gradient,
    hessian,
    params,
    workspace: workspaceFor(frame.rows),
  }
  return (): Tree[] | undefined => {
    const rows = Math.max(1, Math.round(frame.rows * params.rowShare))
    const features = sample(bins.length, Math.max(1, Math.round(bins.length * params.featureShare)), random)
    const drawn = rows < frame.rows ? sample(frame.rows, rows, random) : everyRow
    const probabilities = target.task === 'multiclass' ? softmaxed(scores, k) : scores
    const grown = Array.from({ length: k }, (_, output) => {
      gradients(target.task, probabilities, y, k, output, gradient, hessian)
      const order = Int32Array.from(drawn)
      return { ...growTree(input, order, features), order }
    })
    if (grown.every(({ tree }) => tree.feature.length === 1)) return undefined
    grown.forEach(({ tree, leaves, order }, output) => {
      if (rows < frame.rows) addTree(tree, bins, scores, k, output)
      else
        for (const { from, to, node } of leaves)
          for (let at = from; at < to; at++) scores[order[at]! * k + output]! += tree.value[node]!
    })
    return grown.map(({ tree }) => tree)
  }
}

function softmaxed(scores: Float64Array, k: number): Float64Array {
  const probabilities = Float64Array.from(scores)
  for (let from = 0; from < scores.length; from += k) softmax(probabilities, from, k)
  return probabilities
}

/** First and second derivatives of the loss by the raw score: squared error, log loss, cross entropy. */
function gradients(
  task: Target['task'],
  scores: Float64Array,
  y: Float64Array,
  k: number,
  output: number,
  g: Float64Array,
  h: Float64Array,
): void {
  for (let row = 0; row < y.length; row++) {
    if (task === 'regression') {
      g[row] = scores[row]! - y[row]!
      h[row] = 1
      continue
    }
    const p = task === 'binary' ? sigmoid(scores[row]!) : scores[row * k + output]!
    g[row] = p - (task === 'binary' ? y[row]! : y[row] === output ? 1 : 0)
    h[row] = Math.max(p * (1 - p), 1e-9)
  }
}

/**
 * Follows the validation loss round by round. The share of positives drifts from week to week, which would stop the trees of a
 * good ranking after the first ones; so a binary loss is taken at the intercept that fits the validation rows best.
 */
function watcher(ensemble: Ensemble, { frame, target }: { frame: Frame; target: Target }, { patience }: GbdtParams) {
  const bins = binsOf(frame, ensemble.encoders)
  const scores = scoresFrom(ensemble.base, frame.rows)
  const { scale, centre, outputs } = ensemble
  let shift = centre
  const lossNow = (): number => {
    if (target.task === 'binary') shift = interceptShift(scores, target.y, shift)
    return mean(lossesOf(scale === 1 && shift === 0 ? scores : scores.map((score) => score * scale + shift), target))
  }
  let round = 0
  let best = { round: 0, loss: lossNow() }
  const watch = (grown: Tree[]): { loss: number; stop: boolean } => {
    grown.forEach((tree, output) => addTree(tree, bins, scores, outputs, output))
    round++
    const loss = lossNow()
    if (loss < best.loss - 1e-9) best = { round, loss }
    return { loss, stop: patience > 0 && round - best.round >= patience }
  }
  return Object.assign(watch, { best: () => best.round })
}

const standardOf = (target: Target): { centre: number; scale: number } => {
  if (target.task !== 'regression') return { centre: 0, scale: 1 }
  const centre = mean(target.y)
  const spread = Math.sqrt(mean(target.y.map((value) => (value - centre) ** 2)))
  return { centre: Math.fround(centre), scale: Math.fround(spread) || 1 }
}

/** What the categories of a text are ordered by: the target; with many classes, whether it is the most frequent one. */
function orderOf(target: Target): Float64Array {
  if (target.task !== 'multiclass') return target.y
  const counts = target.classes.values.map((_, index) => target.y.reduce((sum, label) => sum + (label === index ? 1 : 0), 0))
  const top = counts.indexOf(Math.max(...counts))
  return target.y.map((label) => (label === top ? 1 : 0))
}

/** Log odds (binary) or log shares of the classes; 0 for a standardised number. */
function baseOf(target: Target): number[] {
  if (target.task === 'regression') return [0]
  const n = target.y.length
  const share = (index: number): number => (target.y.reduce((sum, label) => sum + (label === index ? 1 : 0), 0) + 0.5) / (n + 1)
  if (target.task === 'binary') return [Math.fround(Math.log(share(1) / (1 - share(1))))]
  return target.classes.values.map((_, index) => Math.fround(Math.log(share(index))))
}

function importanceOf({ trees }: Ensemble, { features }: FitTask): Record<string, number> {
  const gains = features.map(() => 0)
  for (const { feature, gain } of trees)
    feature.forEach((index, node) => index >= 0 && (gains[index] = (gains[index] ?? 0) + (gain[node] ?? 0)))
  const sum = gains.reduce((total, gain) => total + gain, 0) || 1
  return Object.fromEntries(features.map(({ name }, index) => [name, (gains[index] ?? 0) / sum]))
}
