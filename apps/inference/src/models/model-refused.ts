export type ModelRefusedCode =
  | 'INF_MODEL_UNSAFE'
  | 'INF_MODEL_CORRUPT'
  | 'INF_MODEL_LOAD_FAILED'
  | 'INF_MODEL_RUN_FAILED'
  | 'INF_MODEL_TIMEOUT'
  | 'INF_MODEL_CRASHED'
  | 'INF_GOLDEN_MISMATCH'
  | 'INF_VERSION_NOT_FOUND'
  | 'INF_SIGNATURE_INVALID'

/** Why a version cannot serve. Final for that version: `version.failed` bears the code. */
export class ModelRefused extends Error {
  readonly code: ModelRefusedCode
  readonly details: Record<string, unknown>
  constructor(code: ModelRefusedCode, message: string, details: Record<string, unknown> = {}) {
    super(message)
    this.name = 'ModelRefused'
    this.code = code
    this.details = details
  }
}
