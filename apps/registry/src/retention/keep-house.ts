import { type Database, pause } from '@cascata/messaging'
import { type Clock, type Logger } from '@cascata/service'
import { type BlobStore } from '../blobs/blob-store.ts'
import { collectBlobs } from '../blobs/collect-blobs.ts'
import { purgeDeleted } from './purge.store.ts'

interface Parts {
  readonly db: Database
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly log: Logger
  readonly graceMs: number
  readonly retentionMs: number
}

const everyMs = 15 * 60_000

/** Removes, on one replica, what was deleted long enough ago, then the blobs that nothing refers to any more. */
export const keepingHouse =
  ({ db, blobs, clock, log, graceMs, retentionMs }: Parts) =>
  async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const runs = await purgeDeleted(db, new Date(clock.now() - retentionMs), signal)
      const removed = await collectBlobs({ db, blobs, graceMs }, clock.now(), signal)
      if (runs + removed > 0) log.info({ runs, blobs: removed }, 'what was deleted and what nothing refers to was removed')
      await blobs.sweep()
      await pause(Math.min(everyMs, graceMs, retentionMs), signal)
    }
  }
