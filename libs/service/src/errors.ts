export type ErrorDetails = Record<string, unknown>

/** What there is to know about an error before it happens. */
export interface ErrorDefinition<D extends ErrorDetails = ErrorDetails> {
  code: string
  /** HTTP status it is answered with. */
  status: number
  /** Whether the same request may succeed later. */
  retry: boolean
  message: string | ((details: D) => string)
  /** What the reader can do next. */
  hint: string | ((details: D) => string)
}

/** Makes the error; called with its details, and optionally the error that led to it. */
export interface ErrorFactory<D extends ErrorDetails = ErrorDetails> {
  (details: D, options?: { cause?: unknown }): CodedError
  (...none: [] | [details: D, options?: { cause?: unknown }]): CodedError
  readonly definition: ErrorDefinition<D>
  readonly code: string
}

/** The body of an error's answer. */
export interface ErrorBody {
  code: string
  message: string
  hint: string
  details: ErrorDetails
}

interface CodedErrorParts extends ErrorBody {
  status: number
  retry: boolean
  cause?: unknown
}

/** An error with a stable code, a status and a hint; the only kind whose words reach a caller. */
export class CodedError extends Error {
  readonly code: string
  readonly status: number
  readonly retry: boolean
  readonly hint: string
  readonly details: ErrorDetails

  constructor({ code, status, retry, message, hint, details, cause }: CodedErrorParts) {
    super(message, { cause })
    this.name = 'CodedError'
    this.code = code
    this.status = status
    this.retry = retry
    this.hint = hint
    this.details = details
  }

  body(): ErrorBody {
    return { code: this.code, message: this.message, hint: this.hint, details: this.details }
  }
}

export const isCodedError = (error: unknown): error is CodedError => error instanceof CodedError

/**
 * A coded error: `const viewNotFound = defineError({ code: 'FS_VIEW_NOT_FOUND', status: 404, retry: false, message: ({ view }: { view: string }) => …, hint: … })`,
 * thrown as `throw viewNotFound({ view })`. `details` is part of the answer, so nothing secret belongs there.
 */
export const defineError = <D extends ErrorDetails = ErrorDetails>(definition: ErrorDefinition<D>): ErrorFactory<D> => {
  const { code, status, retry } = definition
  if (!/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/.test(code))
    throw new Error(`${code} is no error code: expected words like FS_VIEW_NOT_FOUND`)
  const words = (text: ErrorDefinition<D>['message'], details: D) => (typeof text === 'function' ? text(details) : text)
  const factory = (details = {} as D, { cause }: { cause?: unknown } = {}) =>
    new CodedError({
      code,
      status,
      retry,
      message: words(definition.message, details),
      hint: words(definition.hint, details),
      details,
      cause,
    })
  return Object.assign(factory, { definition, code }) as ErrorFactory<D>
}
