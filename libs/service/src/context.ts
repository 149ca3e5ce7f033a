import { AsyncLocalStorage } from 'node:async_hooks'
import { type Principal } from './tokens.ts'

/** What is known all the way down while a request, or the handling of an event, runs. */
export interface Context {
  /** Joins log lines, events and calls to other apps that belong together. */
  correlationId: string
  principal?: Principal
}

const storage = new AsyncLocalStorage<Context>()

export const currentContext = (): Context | undefined => storage.getStore()

/** Runs `work` so that every log line and every call to another app within carries the id. */
export const withCorrelation = <T>(correlationId: string, work: () => T): T => storage.run({ correlationId }, work)

export const runInContext = <T>(context: Context, work: () => T): T => storage.run(context, work)

const legal = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** A correlation id that a caller sent, if it is one that can go into a log and a header as it is. */
export const legalCorrelationId = (text: unknown): string | undefined =>
  typeof text === 'string' && legal.test(text) ? text : undefined

export const correlationHeader = 'cascata-correlation-id'
