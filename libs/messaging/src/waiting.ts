import { setTimeout as sleep } from 'node:timers/promises'

/** Waits, or returns early when the signal fires. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return
  await sleep(ms, undefined, { signal, ref: true }).catch(() => {})
}

/** Exponential delay with jitter: 50 ms, 100 ms, … up to `max`, each × 0.75–1.25. `attempt` counts from 1. */
export function backoff(attempt: number, { first = 50, max = 5_000 } = {}): number {
  return Math.min(max, first * 2 ** Math.min(attempt - 1, 20)) * (0.75 + Math.random() / 2)
}

/** A latch that one loop waits on and anybody rings; a ring while nobody waits is kept. */
export function bell() {
  let rung = false
  let waiting: (() => void) | undefined
  return {
    ring() {
      rung = true
      waiting?.()
    },
    /** Resolves at the next ring, at once if it has rung since the last wait, or after `ms`. */
    async wait(ms: number, signal?: AbortSignal): Promise<void> {
      if (!rung && !signal?.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>()
        const timer = setTimeout(resolve, ms)
        waiting = resolve
        signal?.addEventListener('abort', resolve as () => void, { once: true })
        await promise
        signal?.removeEventListener('abort', resolve as () => void)
        clearTimeout(timer)
        waiting = undefined
      }
      rung = false
    },
  }
}
export type Bell = ReturnType<typeof bell>

/** Resolves when the signal is, or was, aborted. */
export const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))
