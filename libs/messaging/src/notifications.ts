import type pg from 'pg'
import { type Database } from './database.ts'
import { failure, type Log } from './log.ts'
import { backoff, pause } from './waiting.ts'

export interface Notifications {
  stop(): Promise<void>
}

/**
 * Calls `ring` at each notification of a channel of the database (`ringAfter`). A lost connection is made again, and rings once for what it may
 * have missed. Whoever waits for it still looks by itself now and then.
 */
export function notifications({ db, log }: { db: Database; log: Log }, channel: string, ring: () => void): Notifications {
  const stopping = new AbortController()
  const { signal } = stopping

  const listen = async (client: pg.Client): Promise<void> => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    client.once('end', end)
    signal.addEventListener('abort', end as () => void, { once: true })
    client.on('notification', ring)
    try {
      await client.query(`listen "${db.schema}_${channel}"`)
      ring()
      if (!signal.aborted) await ended
    } finally {
      signal.removeEventListener('abort', end as () => void)
      await client.end().catch(() => undefined)
    }
  }

  const listening = (async () => {
    for (let failures = 0; !signal.aborted;) {
      try {
        const client = await db.connect()
        failures = 0
        await listen(client)
      } catch (error) {
        log.warn({ channel, ...failure(error) }, 'notifications of the database are away and are asked for again')
        await pause(backoff(++failures), signal)
      }
    }
  })()
  return {
    async stop() {
      stopping.abort()
      await listening
    },
  }
}

/** Rings whoever listens to the channel, on every replica, when the transaction is committed: before, they would not see its rows yet. */
export const ringAfter = async (tx: Pick<Database, 'query'>, channel: string): Promise<void> => {
  await tx.query(`select pg_notify(current_schema() || '_' || $1::text, '')`, [channel])
}
