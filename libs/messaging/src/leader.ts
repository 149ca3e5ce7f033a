import type { Database } from './database.ts'
import { failure, type Log } from './log.ts'
import { pause } from './waiting.ts'
import type pg from 'pg'

/** A duty that one replica of an app has at a time. */
export interface Leadership {
  /** Whether this replica has the duty now. */
  readonly held: boolean
  /** Gives the duty up, after what `run` is doing has ended. */
  stop(): Promise<void>
}

/**
 * Runs `run` on one replica at a time, by an advisory lock on a connection of its own.
 * `run` works until its signal is aborted: when the connection (and so the lock) is lost or `stop` is called.
 * When it returns or throws before, it is started again after a moment.
 *
 * A replica that lost the lock without knowing may overlap with its successor for a while: what `run` does must bear that.
 */
export function lead(
  { db, log }: { db: Database; log: Log },
  name: string,
  run: (signal: AbortSignal, client: pg.Client) => Promise<void>,
): Leadership {
  const stopped = new AbortController()
  let held = false

  const term = async () => {
    const client = await db.connect()
    const lost = new AbortController()
    client.once('error', () => lost.abort())
    client.once('end', () => lost.abort())
    try {
      while (!(await tryLock(client, `${db.schema} ${name}`))) {
        await pause(1_000, stopped.signal)
        if (stopped.signal.aborted) return
      }
      held = true
      const signal = AbortSignal.any([stopped.signal, lost.signal])
      while (!signal.aborted) {
        await run(signal, client).catch((error: unknown) =>
          log.warn({ duty: name, ...failure(error) }, 'a duty failed and is taken up again'),
        )
        await pause(200, signal)
      }
    } finally {
      held = false
      await client.end().catch(() => {})
    }
  }

  const terms = (async () => {
    while (!stopped.signal.aborted) {
      await term().catch((error: unknown) => log.debug({ duty: name, ...failure(error) }, 'no connection to compete for a duty'))
      await pause(500, stopped.signal)
    }
  })()

  return {
    get held() {
      return held
    },
    async stop() {
      stopped.abort()
      await terms
    },
  }
}

async function tryLock(client: pg.Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock(hashtextextended($1, 0)) as locked', [
    `cascata ${name}`,
  ])
  return rows[0]?.locked === true
}
