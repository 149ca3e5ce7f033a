import { performance } from 'node:perf_hooks'
import { redactText } from './logger.ts'

/** Resolves when the dependency answers; rejects with the reason when it does not. */
export type Check = () => Promise<unknown>

export type CheckResult = { status: 'ok'; ms: number } | { status: 'failed'; ms: number; reason: string }

export interface Readiness {
  status: 'ready' | 'not ready'
  checks: Record<string, CheckResult>
}

const deadline = (ms: number) => {
  let timer: NodeJS.Timeout
  const passed = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  return { passed, clear: () => clearTimeout(timer) }
}

const reasonOf = (error: unknown): string => {
  const text =
    error instanceof AggregateError
      ? error.errors.map((inner) => (inner as Error).message).join('; ')
      : error instanceof Error
        ? error.message
        : String(error)
  return redactText(text || (error as NodeJS.ErrnoException).code || 'failed without a reason').slice(0, 500)
}

const runCheck = async (check: Check, timeoutMs: number): Promise<CheckResult> => {
  const start = performance.now()
  const ms = () => Math.round(performance.now() - start)
  const { passed, clear } = deadline(timeoutMs)
  try {
    await Promise.race([check(), passed])
    return { status: 'ok', ms: ms() }
  } catch (error) {
    return { status: 'failed', ms: ms(), reason: reasonOf(error) }
  } finally {
    clear()
  }
}

/**
 * Readiness of an app: all checks at once, each with a time limit.
 *
 * Callers that ask while one is under way, or within `keepMs` of it, share its answer: asking often must not load the dependencies.
 */
export const createReadiness = (checks: Record<string, Check>, { timeoutMs = 2_000, keepMs = 250 } = {}) => {
  let shared: { at: number; answer: Promise<Readiness> } | null = null

  const ask = async (): Promise<Readiness> => {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await runCheck(async () => check(), timeoutMs)] as const),
    )
    return {
      status: results.every(([, { status }]) => status === 'ok') ? 'ready' : 'not ready',
      checks: Object.fromEntries(results),
    }
  }

  return async (): Promise<Readiness> => {
    if (shared && performance.now() - shared.at < keepMs) return shared.answer
    const answer = ask()
    shared = { at: Number.POSITIVE_INFINITY, answer }
    void answer.then(() => {
      shared = { at: performance.now(), answer }
    })
    return answer
  }
}
