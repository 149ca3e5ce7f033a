import { type OnnxNode, type OnnxTensor } from '@cascata/onnx'
import { type ColumnSpec, type Frame } from '../frames/frame.ts'
import { type Target } from './target.ts'

/** What a fit is given. All randomness comes from `seed`. */
export interface FitTask {
  features: readonly ColumnSpec[]
  frame: Frame
  target: Target
  /** Rows later than those of `frame`, to stop by; absent in a refit. */
  validation?: { frame: Frame; target: Target }
  params: Record<string, unknown>
  seed: number
  /** A refit: what `Fitted.recorded` of the first fit said. */
  recorded?: Record<string, unknown>
  progress(share: number, metrics: Record<string, number>): void
}

/** A model in the forms that are needed of it. */
export interface Fitted {
  /** Raw scores, n × outputs, as the exported graph computes them. */
  raw(frame: Frame): Float64Array
  graph(): RawGraph
  /** Share of the gain (trees) or of the absolute weight (linear) by column; sums to 1. */
  importance: Record<string, number>
  /** Numbers that a refit repeats. */
  recorded: Record<string, unknown>
}

/** The part of an ONNX graph from the model's inputs to its raw scores `output` [n, outputs]. */
export interface RawGraph {
  nodes: OnnxNode[]
  initializers: OnnxTensor[]
  output: string
}

export interface Learner {
  name: 'gbdt' | 'linear'
  /** Parameters of a cheaper fit, good enough to compare windows of history by. */
  trial(params: Record<string, unknown>): Record<string, unknown>
  /** @throws ZodError for parameters it doesn't know. */
  fit(task: FitTask): Fitted
}
