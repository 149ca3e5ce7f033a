import { createRequire } from 'node:module'

interface RequestQueue {
  pending: unknown[]
  throttledUntil: number
}

const verified = '2.2.4'

/**
 * Cures kafkajs' idle busy loop: its request queue re-arms a timer for ever, also when nothing is pending
 * (853 timers a second and 4 % of a core for one idle connection; tulios/kafkajs#1556, #1704, #1751).
 *
 * @throws Error when another kafkajs than the verified one is installed: the patched method may have changed.
 */
export function cureIdleLoop(): void {
  const load = createRequire(import.meta.url)
  const { version } = load('kafkajs/package.json') as { version: string }
  if (version !== verified) {
    throw new Error(
      `kafkajs ${version} is installed, but the cure of its idle loop was verified with ${verified} only. Pin kafkajs ${verified}.`,
    )
  }

  const { prototype } = load('kafkajs/src/network/requestQueue') as { prototype: RequestQueue & Record<string | symbol, unknown> }
  if (prototype[cured]) return
  const schedule = prototype.scheduleCheckPendingRequests as (this: RequestQueue) => void
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length === 0 && this.throttledUntil <= Date.now()) return
    schedule.call(this)
  }
  prototype[cured] = true
}

const cured = Symbol.for('cascata.kafkajs.idle-loop-cured')
