import { setTimeout as pause } from 'node:timers/promises'
import { type CompactedReader } from '@cascata/messaging'
import { type Router } from './router.ts'

/** Whether this replica knows enough to answer. Once open it stays open: an outage of others is no reason to answer nobody. */
export interface StartupGate {
  isOpen(): boolean
  /** @throws Error that says what is waited for */
  check(): Promise<void>
}

interface Parts {
  readers: { routes: CompactedReader; specs: CompactedReader }
  router: Router
  /** There were routes on disk: then the broker is waited for only so long. */
  restored: boolean
  waitMs: number
}

/** One version that cannot be fetched must not keep all others from answering. */
const longestLoad = 30_000

/** Open when both topics were read to the end that they had at the start and their routes are loaded; or without broker, on the last good routes. */
export function startupGate({ readers, router, restored, waitMs }: Parts): StartupGate {
  let open = false
  const loaded = () => Promise.race([router.settled(), pause(longestLoad, undefined, { ref: false })])
  const caughtUp = Promise.all([readers.specs.caughtUp, readers.routes.caughtUp]).then(loaded)
  const alone = restored ? [pause(waitMs, undefined, { ref: false }).then(loaded)] : []
  void Promise.race([caughtUp, ...alone]).then(() => (open = true))
  return {
    isOpen: () => open,
    check: async () => {
      if (!open) throw new Error('the routes have not been read and loaded yet')
    },
  }
}
