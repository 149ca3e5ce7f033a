import { type InferRequest, type Limits } from '../protocol/validate-request.ts'
import { type Tensor, type TensorSpec } from '../protocol/tensors.ts'
import { type Golden } from './decide-golden.ts'

/** Where a version's model lies on this replica's disk, and what it must hash to. */
export interface ModelFile {
  path: string
  sha256: string
}

/** What the trial of a model found. Times in ms, of this machine. */
export interface TrialReport {
  inputs: TensorSpec[]
  outputs: TensorSpec[]
  operators: string[]
  bytes: number
  /** CPU time, which a busy machine does not stretch. */
  loadMs: number
  /** Of a run: ms for one row, and per further row. */
  runMs: number
  rowMs: number
  goldenRows: number
}

export interface TrialOptions {
  golden: Golden | undefined
  tolerance: number
}

export type HostCommand =
  | { do: 'try'; file: ModelFile; options: TrialOptions }
  | { do: 'load'; key: string; file: ModelFile }
  | { do: 'run'; key: string; tensors: Tensor[] }
  | { do: 'unload'; key: string }
  | {
      do: 'parse'
      body: Uint8Array
      headerLength: string | undefined
      limits: Limits & { depth: number }
      inputs: readonly TensorSpec[] | undefined
    }

export type HostResult<C extends HostCommand> = C extends { do: 'try' }
  ? TrialReport
  : C extends { do: 'run' }
    ? Tensor[]
    : C extends { do: 'parse' }
      ? InferRequest
      : void

/** `code` says whose fault: an INF_ code, or nothing for a failure of the model's own run. */
export type HostReply =
  { id: number; value: unknown } | { id: number; error: { message: string; code?: string; details?: Record<string, unknown> } }
