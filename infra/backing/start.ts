import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { isAlive, type ProcessRef } from '../processes/process.ts'
import { type LocalService } from './service.ts'

/** The last lines of a file, for a message to a person. */
export const tailOf = (file: string, lines = 15): string =>
  existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n') : ''

/**
 * Waits until a client gets an answer from a service whose process was started.
 *
 * @throws with the end of its log when the process died, or nothing answered in time.
 */
export const untilAnswers = async (
  service: LocalService,
  ref: ProcessRef,
  { timeoutMs, log }: { timeoutMs: number; log: string },
): Promise<void> => {
  const end = performance.now() + timeoutMs
  for (;;) {
    const answered = await service.answers().then(
      () => undefined,
      (error: Error) => error,
    )
    if (!answered) return
    if (!isAlive(ref))
      throw new Error(`${service.name} ended right after its start. The end of its log (${log}):\n${tailOf(log)}`)
    if (performance.now() > end)
      throw new Error(
        `${service.name} did not answer within ${timeoutMs / 1000} s (${answered.message}). The end of its log (${log}):\n${tailOf(log)}`,
      )
    await delay(40)
  }
}
