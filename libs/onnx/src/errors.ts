/** Why a model file is refused. */
export type RefusalCode =
  | 'NOT_ONNX'
  | 'TOO_LARGE'
  | 'TOO_COMPLEX'
  | 'EXTERNAL_DATA'
  | 'FOREIGN_DOMAIN'
  | 'UNBOUNDED_GRAPH'
  | 'UNSUPPORTED_TYPE'
  | 'CORRUPT_TENSOR'

/** A model file that must not be loaded, with the code of the reason and its place in the file. */
export class UnsafeModel extends Error {
  readonly code: RefusalCode
  readonly details: Record<string, unknown>

  constructor(code: RefusalCode, message: string, details: Record<string, unknown> = {}) {
    super(message)
    this.name = 'UnsafeModel'
    this.code = code
    this.details = details
  }
}
