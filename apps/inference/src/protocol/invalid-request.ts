/** Why a request is refused before it reaches a model. */
export type InvalidCode =
  | 'INF_NOT_JSON'
  | 'INF_TOO_DEEP'
  | 'INF_INVALID_REQUEST'
  | 'INF_INVALID_TENSOR'
  | 'INF_INVALID_BINARY'
  | 'INF_INPUTS_MISMATCH'
  | 'INF_MISSING_VALUE'
  | 'INF_UNKNOWN_OUTPUT'
  | 'INF_INVALID_ENTITIES'
  | 'INF_REQUEST_VALUE_MISSING'
  | 'INF_REQUEST_VALUE_INVALID'
  | 'INF_CLOCK_IS_WALL'
  | 'INF_CLOCK_INVALID'
  | 'INF_FEATURES_MISSING'

/** A caller's fault. Thrown by pure validation; the HTTP shell gives it status and hint by its code. */
export class InvalidRequest extends Error {
  readonly code: InvalidCode
  readonly details: Record<string, unknown>
  constructor(code: InvalidCode, message: string, details: Record<string, unknown> = {}) {
    super(message)
    this.name = 'InvalidRequest'
    this.code = code
    this.details = details
  }
}
