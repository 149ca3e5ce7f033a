import { CodedError, defineError, isCodedError } from './errors.ts'
import { showBytes, showDuration } from './setting.ts'

export const malformedJson = defineError<{ reason?: string }>({
  code: 'HTTP_JSON_MALFORMED',
  status: 400,
  retry: false,
  message: ({ reason }) => `The body is not JSON${reason ? `: ${reason}` : ''}.`,
  hint: 'Send one JSON document in UTF-8.',
})
export const jsonTooDeep = defineError<{ limit: number }>({
  code: 'HTTP_JSON_TOO_DEEP',
  status: 400,
  retry: false,
  message: ({ limit }) => `The JSON body nests deeper than ${limit} levels.`,
  hint: 'Flatten the body; the limit is CASCATA_JSON_DEPTH.',
})
export const forbiddenKey = defineError<{ key: string }>({
  code: 'HTTP_JSON_FORBIDDEN_KEY',
  status: 400,
  retry: false,
  message: ({ key }) => `The JSON body holds the key ${key}, which is never legal.`,
  hint: 'Remove the key.',
})
export const bodyTooLarge = defineError<{ limitBytes: number }>({
  code: 'HTTP_BODY_TOO_LARGE',
  status: 413,
  retry: false,
  message: ({ limitBytes }) => `The body is larger than ${typeof limitBytes === 'number' ? showBytes(limitBytes) : limitBytes}.`,
  hint: 'Send less at once. The limit is CASCATA_BODY_LIMIT, or the limit of this route that `cascata config` lists for the app.',
})
export const wrongContentType = defineError<{ contentType: string }>({
  code: 'HTTP_CONTENT_TYPE',
  status: 415,
  retry: false,
  message: ({ contentType }) => `A body of type ${contentType || '(none)'} is not taken here.`,
  hint: 'Send `Content-Type: application/json`, or the type that /openapi.json names for the route.',
})
const firstOf = ([first = 'unknown problem', ...others]: string[]) =>
  others.length > 0 ? `${first} (and ${others.length} more)` : first

export const invalidRequest = defineError<{ problems: string[] }>({
  code: 'HTTP_REQUEST_INVALID',
  status: 400,
  retry: false,
  message: ({ problems }) =>
    `The request is not as the route expects: ${Array.isArray(problems) ? firstOf(problems) : problems}.`,
  hint: 'Each problem in `details` names its field; /openapi.json has the schema.',
})
export const badRequest = defineError<{ reason?: string }>({
  code: 'HTTP_BAD_REQUEST',
  status: 400,
  retry: false,
  message: ({ reason }) => `The request can't be understood${reason ? `: ${reason}` : ''}.`,
  hint: 'Look at the URL, the headers and the length of the body.',
})
export const notFound = defineError<{ method: string; path: string }>({
  code: 'HTTP_NOT_FOUND',
  status: 404,
  retry: false,
  message: ({ method, path }) => `There is nothing at ${method} ${path}.`,
  hint: 'All routes are in /openapi.json.',
})
export const methodNotAllowed = defineError<{ method: string; path: string; allowed: string[] }>({
  code: 'HTTP_METHOD_NOT_ALLOWED',
  status: 405,
  retry: false,
  message: ({ method, path }) => `${path} does not take ${method}.`,
  hint: ({ allowed }) => `It takes ${Array.isArray(allowed) ? allowed.join(', ') : allowed}.`,
})
export const uriTooLong = defineError({
  code: 'HTTP_URI_TOO_LONG',
  status: 414,
  retry: false,
  message: 'A part of the path is too long.',
  hint: 'Names have at most 128 characters.',
})
export const headersTooLarge = defineError({
  code: 'HTTP_HEADERS_TOO_LARGE',
  status: 431,
  retry: false,
  message: 'The headers are larger than 16 KiB.',
  hint: 'Send fewer or shorter headers.',
})
export const requestTooSlow = defineError({
  code: 'HTTP_REQUEST_TIMEOUT',
  status: 408,
  retry: true,
  message: 'The request did not arrive in time.',
  hint: 'Send the headers within 20 s, and something of the body at least every 30 s.',
})
export const answerTimeout = defineError<{ limitMs: number }>({
  code: 'HTTP_ANSWER_TIMEOUT',
  status: 503,
  retry: true,
  message: ({ limitMs }) => `There was no answer within ${typeof limitMs === 'number' ? showDuration(limitMs) : limitMs}.`,
  hint: 'Try again; if it stays, look at /readyz and the log. The limit is CASCATA_REQUEST_TIMEOUT.',
})
export const internalError = defineError<{ correlationId?: string }>({
  code: 'HTTP_INTERNAL',
  status: 500,
  retry: true,
  message: 'Something went wrong here, not with your request.',
  hint: ({ correlationId }) =>
    `The log has it under correlation id ${correlationId ?? 'of the answer’s header'}: ./cascata logs <app>.`,
})
export const httpError = defineError<{ status: number }>({
  code: 'HTTP_ERROR',
  status: 500,
  retry: false,
  message: ({ status }) => `The request was refused with status ${status}.`,
  hint: 'Look at the route in /openapi.json.',
})

interface FrameworkError extends Error {
  code?: string
  statusCode?: number
  status?: number
  getStatus?: () => number
}

/** What the mapping has to know of the request. */
export interface RequestLimits {
  bodyLimit: number
  timeoutMs: number
  contentType: string
  correlationId: string
}

const byFrameworkCode: Record<string, (error: FrameworkError, limits: RequestLimits) => CodedError> = {
  FST_ERR_CTP_BODY_TOO_LARGE: (_, { bodyLimit }) => bodyTooLarge({ limitBytes: bodyLimit }),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: (_, { contentType }) => wrongContentType({ contentType }),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => badRequest({ reason: 'Content-Length is not the length of the body' }),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => malformedJson({ reason: 'it is empty' }),
  FST_ERR_CTP_INVALID_JSON_BODY: () => malformedJson({}),
  FST_ERR_BAD_URL: () => badRequest({ reason: 'the URL is malformed' }),
  FST_ERR_MAX_PARAM_LENGTH: () => uriTooLong(),
  FST_ERR_HANDLER_TIMEOUT: (_, { timeoutMs }) => answerTimeout({ limitMs: timeoutMs }),
}

/** Any error as a coded one. What is not known becomes `HTTP_INTERNAL`, whose body tells nothing of the cause. */
export const toCodedError = (error: unknown, limits: RequestLimits): CodedError => {
  if (isCodedError(error)) return error
  const raised = (typeof error === 'object' && error !== null ? error : {}) as FrameworkError
  const mapped =
    typeof raised.code === 'string' && Object.hasOwn(byFrameworkCode, raised.code) ? byFrameworkCode[raised.code] : undefined
  if (mapped) return mapped(raised, limits)
  const status = raised.getStatus?.() ?? raised.statusCode ?? raised.status
  if (typeof status === 'number' && status >= 400 && status < 500) {
    if (status === 400) return badRequest({}, { cause: error })
    const { code, message, hint, details } = httpError({ status })
    return new CodedError({ code, status, retry: false, message, hint, details, cause: error })
  }
  return internalError({ correlationId: limits.correlationId }, { cause: error })
}
