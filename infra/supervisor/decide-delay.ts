/** A process that lived this long was healthy: its next death starts the count anew. */
const healthyMs = 30_000
const firstDelayMs = 200
const longestDelayMs = 10_000

/**
 * How long to wait before a process that died is started again: at once-ish the first time, then twice as long each time, at most 10 s.
 *
 * @param deaths Deaths in a row before this one.
 * @param livedMs How long it lived this time.
 */
export const decideDelay = (deaths: number, livedMs: number): { deaths: number; delayMs: number } => {
  const inARow = livedMs >= healthyMs ? 1 : deaths + 1
  return { deaths: inARow, delayMs: Math.min(longestDelayMs, firstDelayMs * 2 ** (inARow - 1)) }
}
