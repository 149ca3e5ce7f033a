import { destination, pino, stdTimeFunctions, type Logger as PinoLogger } from 'pino'
import { currentContext } from './context.ts'

export type Logger = PinoLogger

const secretKey = /^(authorization|cookie|set-cookie|.*(password|passwd|secret|token|api-?key|credential)s?)$/i
const userInfo = /([a-z][a-z0-9+.-]*:\/\/)[^/\s:@]*(?::[^/\s@]*)?@/gi
const bearer = /\b(bearer\s+)[A-Za-z0-9._~+/=-]+|\bcsc_[A-Za-z0-9_-]{20,}/gi

/** Takes credentials out of a text: user info of URLs, bearer tokens. */
export const redactText = (text: string): string =>
  text.replace(userInfo, '$1[redacted]@').replace(bearer, (_match, prefix: string | undefined) => `${prefix ?? ''}[redacted]`)

const maxDepth = 6

const redactError = (error: Error): object => ({
  type: error.name,
  message: redactText(error.message),
  stack: redactText(error.stack ?? ''),
  ...('code' in error ? { code: error.code } : {}),
  ...(error.cause === undefined ? {} : { cause: redact(error.cause, 2) }),
})

/** A copy of a value fit for a log: secrets by name, credentials in texts, depth and length bounded. */
export const redact = (value: unknown, depth = 0): unknown => {
  if (typeof value === 'string') return redactText(value.length > 10_000 ? `${value.slice(0, 10_000)}…` : value)
  if (typeof value === 'bigint') return value.toString()
  if (value === null || typeof value !== 'object') return value
  if (depth > maxDepth) return '[deeper]'
  if (value instanceof Error) return redactError(value)
  if (value instanceof Date) return value
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => redact(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, secretKey.test(key) ? '[redacted]' : redact(item, depth + 1)]),
  )
}

/** Where lines go; the process's standard output when not given. */
export interface LogSink {
  write(line: string): void
}

/** JSON lines `{level, time, app, correlationId?, …, msg}` with secrets taken out. */
export const createLogger = (app: string, level: string, sink: LogSink = destination({ fd: 1, sync: true })): Logger =>
  pino(
    {
      level,
      base: { app, pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      mixin: () => {
        const context = currentContext()
        return context ? { correlationId: context.correlationId } : {}
      },
      formatters: { level: (label) => ({ level: label }), log: (fields) => redact(fields) as Record<string, unknown> },
      hooks: {
        logMethod(args, method) {
          const words = (args as unknown[]).map((arg) => (typeof arg === 'string' ? redactText(arg) : arg))
          return method.apply(this, words as Parameters<typeof method>)
        },
      },
    },
    sink,
  )
