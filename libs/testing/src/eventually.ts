import { setTimeout as delay } from 'node:timers/promises'

/**
 * Tries until `check` no longer throws, and gives its result.
 *
 * @param options.timeout Milliseconds after which the last error is thrown (default 20,000).
 * @param options.interval Milliseconds between two tries (default 25).
 */
export const eventually = async <T>(check: () => T | Promise<T>, { timeout = 20_000, interval = 25 } = {}): Promise<T> => {
  const end = performance.now() + timeout
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > end) throw error
    }
    await delay(interval)
  }
}
