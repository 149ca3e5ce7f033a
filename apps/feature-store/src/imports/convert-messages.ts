import { type openDuck } from '../offline/duckdb.ts'
import { type ConvertJob } from './convert.ts'
import { type Converted } from './take-rows.ts'

export type ToWorker =
  | { readonly is: 'job'; readonly job: ConvertJob; readonly sha256: string; readonly engine: Parameters<typeof openDuck>[0] }
  /** What came of the last rows was recorded. */
  | { readonly is: 'recorded' }

export type FromWorker =
  | { readonly is: 'converted'; readonly converted: Converted }
  | { readonly is: 'done' }
  | { readonly is: 'refused'; readonly problem: string }
  | { readonly is: 'failed'; readonly message: string }
