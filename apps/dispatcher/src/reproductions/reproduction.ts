import { type Failure } from '../runs/run.ts'

/** What is not as it was. */
export interface Difference {
  /** `code`, `environment.node`, `lockFiles.uv.lock`, `fitted.trees`, `dataset`, … */
  what: string
  recorded: unknown
  now: unknown
}

/** How the model that came out stands to the recorded one. */
export interface Outcome {
  /** `bits`: the same file; `predictions`: another file with the same answers; `different`: other answers. */
  same: 'bits' | 'predictions' | 'different'
  modelSha256: { recorded: string; now: string }
  /** Over the rows of the dataset's holdout; null when the files are the same. */
  predictions: { rows: number; worst: number; mean: number; tolerance: number } | null
  differences: Difference[]
  /** Words for people. */
  why: string
}

export interface Reproduction {
  id: string
  namespace: string
  model: string
  version: string
  state: 'waiting' | 'working' | 'done' | 'failed'
  askedBy: string
  requestedAt: Date
  endedAt: Date | null
  result: Outcome | null
  failure: Failure | null
}
