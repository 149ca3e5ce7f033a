import { type DatasetProfile } from '@cascata/statistics'
import { type DataFigures } from '../data-checks/decide-data-checks.ts'
import { type ColumnSpec } from '../frames/frame.ts'
import { type Task } from '../trainers/target.ts'
import { type RefitFigures } from './decide-refit.ts'
import { type Figures } from './figures.ts'

/** The dataset of a run, as local Parquet files by part. */
export interface DatasetFiles {
  hash: string
  task: Task
  label: string
  columns: ColumnSpec[]
  train: string[]
  validation: string[]
  holdout: string[]
}

/** A model's files in a folder: model.onnx, signature.json, golden.json. */
export type ModelFolder = string

/** What a measuring process is asked; the answer is in `result.json` of its output folder. */
export type Measurement = CheckRequest | GateRequest | RefitRequest | CompareRequest

export interface CheckRequest {
  kind: 'check'
  output: string
  data: DatasetFiles
  reference: DatasetProfile | null
}
export type CheckResult = Pick<DataFigures, 'rows' | 'present' | 'classes' | 'columns'>

export interface GateRequest {
  kind: 'gate'
  output: string
  data: DatasetFiles
  seed: number
  metric: string
  confidence: number
  fairness: { by: string; column: string; minGroup: number }[]
  candidate: ModelFolder
  champion: {
    version: string
    folder: ModelFolder
    /** Only rows later than this, ms since 1970: both cutoffs and the embargo. */
    after: number
    /** Columns that only the champion reads, row by row those of the holdout; null: it has none. */
    extra: { paths: string[]; columns: ColumnSpec[] } | null
  } | null
}
export type GateResult = Figures

export interface RefitRequest {
  kind: 'refit'
  output: string
  data: DatasetFiles
  metric: string
  candidate: ModelFolder
  refit: ModelFolder
  importance: { feature: string; drop: number }[]
}
export interface RefitResult {
  figures: RefitFigures
  /** Of the rows it was fitted on, with the scores of the candidate on rows it had not seen, and the features' weights. */
  profile: DatasetProfile & { importance: Record<string, number>; scores: unknown }
}

/** Two models side by side, row by row, on the holdout. */
export interface CompareRequest {
  kind: 'compare'
  output: string
  data: DatasetFiles
  recorded: ModelFolder
  again: ModelFolder
}
/** Distances of answers, relative to max(1, |recorded|). */
export interface CompareResult {
  rows: number
  worst: number
  mean: number
}
