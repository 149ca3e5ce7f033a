import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { type Principal } from './tokens.ts'

/** The event because of which something is done, as messaging keeps it. */
export interface Cause {
  readonly id: string
  readonly correlationid: string
  readonly traceparent?: string
}

/** What is known all the way down while a request, or the handling of an event, runs. */
export interface Context {
  /** Joins log lines, events and calls to other apps that belong together. */
  correlationId: string
  /** What is said meanwhile names it as its cause, in the app that is called too. */
  cause?: Cause
  principal?: Principal
}

const storage = new AsyncLocalStorage<Context>()

export const currentContext = (): Context | undefined => storage.getStore()

/** The event because of which this runs: that of the caller's headers, in a request. */
export const currentCause = (): Cause | undefined => currentContext()?.cause

/** Runs `work` so that every log line and every call to another app within carries the context. */
export const runInContext = <T>(context: Context, work: () => T): T => storage.run(context, work)

const legal = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
const traceContext = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

export const correlationHeader = 'cascata-correlation-id'
const causationHeader = 'cascata-causation-id'

type Headers = Readonly<Record<string, string | string[] | undefined>>

const fitting = (text: unknown, pattern: RegExp): string | undefined =>
  typeof text === 'string' && pattern.test(text) ? text : undefined

/** The context of a request: of its headers, as far as they can go into a log and an event as they are. */
export const contextOf = (headers: Headers): Context => {
  const correlationId = fitting(headers[correlationHeader], legal) ?? randomUUID()
  const id = fitting(headers[causationHeader], legal)
  const traceparent = fitting(headers['traceparent'], traceContext)
  return {
    correlationId,
    ...(id ? { cause: { id, correlationid: correlationId, ...(traceparent ? { traceparent } : {}) } } : {}),
  }
}

/** The headers that tell a context to another app. */
export const headersOf = ({ correlationId, cause }: Context): Record<string, string> => ({
  [correlationHeader]: correlationId,
  ...(cause ? { [causationHeader]: cause.id } : {}),
  ...(cause?.traceparent ? { traceparent: cause.traceparent } : {}),
})
