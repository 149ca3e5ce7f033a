import type { CloudEvent } from '@cascata/events'
import type { Database, Tx } from './database.ts'
import type { Consumers } from './handlers.ts'
import { lead, type Leadership } from './leader.ts'
import { failure, type Log } from './log.ts'
import type { MessagingMetrics } from './metrics.ts'
import { toDeadLetter } from './dead-letter.ts'
import { traced } from './trace.ts'
import { backoff, bell } from './waiting.ts'

/** Where a record lies. */
export interface Place {
  topic: string
  partition: number
  offset: number
  timestamp: number
  headers: Record<string, string>
}

interface Parking {
  key: string
  event: CloudEvent
  place: Place
  reason: string
  attempts: number
}

interface Parked extends Parking {
  position: string
}

const firstRetryMs = 5_000
const longestRetryMs = 5 * 60_000
/** Behind the notification and the times of the next attempts. */
const pollMs = 30_000

/** Puts an event behind those of its key that are parked already. */
export async function park(tx: Tx, consumer: string, { key, event, place, reason, attempts }: Parking): Promise<void> {
  await tx.query(
    `with waiting as (
       insert into parked (consumer, key, event, place, attempts, reason, next_attempt)
       values ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 millisecond')
     )
     select pg_notify('parked_' || current_schema(), '')`,
    [consumer, key, JSON.stringify(event), JSON.stringify(place), attempts, reason.slice(0, 2_000), firstRetryMs],
  )
}

/** Those of the keys that have parked events. */
export async function parkedKeys(tx: Tx, consumer: string, keys: string[]): Promise<Set<string>> {
  const rows = await tx.query<{ key: string }>('select distinct key from parked where consumer = $1 and key = any($2)', [
    consumer,
    keys,
  ])
  return new Set(rows.map(({ key }) => key))
}

/** Tries the parked events again, the oldest of each key first, until their keys are free. */
export function startUnparking({
  db,
  consumers,
  log,
  metrics,
}: {
  db: Database
  consumers: Consumers
  log: Log
  metrics: MessagingMetrics
}): Leadership {
  return lead({ db, log }, `unparking ${consumers.group}`, async (signal, client) => {
    const wake = bell()
    client.on('notification', wake.ring)
    await client.query(`listen parked_${db.schema}`)
    try {
      while (!signal.aborted) {
        if (await unparkNext(db, consumers, log)) continue
        const { keys, dueMs } = await parkedNow(db, consumers.group)
        metrics.parked.set({ consumer: consumers.group }, keys)
        await wake.wait(Math.min(Math.ceil(dueMs ?? pollMs), pollMs), signal)
      }
    } finally {
      client.off('notification', wake.ring)
    }
  })
}

/** How many keys wait, and in how many ms the first of them is due. */
async function parkedNow(db: Database, consumer: string): Promise<{ keys: number; dueMs: number | null }> {
  const [row] = await db.query<{ keys: number; dueMs: number | null }>(
    `select count(*)::int as keys, extract(epoch from min(next_attempt) - now())::float8 * 1000 as "dueMs"
       from (select distinct on (key) next_attempt from parked where consumer = $1 order by key, position) as head`,
    [consumer],
  )
  return row!
}

/** Handles the next event that is due; false when none is. */
async function unparkNext(db: Database, consumers: Consumers, log: Log): Promise<boolean> {
  const [head] = await db.query<Parked>(
    `select position, key, event, place, attempts, reason from parked
      where position in (select min(position) from parked where consumer = $1 group by key) and next_attempt <= now()
      order by position limit 1`,
    [consumers.group],
  )
  if (!head) return false
  try {
    await db.transaction((tx) => handleParked(tx, consumers, head))
    log.info({ consumer: consumers.group, key: head.key, event: head.event.id }, 'a parked event is handled')
  } catch (error) {
    log.warn(
      { consumer: consumers.group, key: head.key, event: head.event.id, attempts: head.attempts + 1, ...failure(error) },
      'a parked event failed again',
    )
    await db.query(
      `update parked set attempts = attempts + 1, reason = $2, next_attempt = now() + $3 * interval '1 millisecond' where position = $1`,
      [
        head.position,
        String(error).slice(0, 2_000),
        backoff(head.attempts + 1, { first: firstRetryMs / 2 ** 9, max: longestRetryMs }),
      ],
    )
  }
  return true
}

async function handleParked(tx: Tx, consumers: Consumers, { position, event, place, key }: Parked): Promise<void> {
  const gone = await tx.query('delete from parked where position = $1 returning 1 as one', [position])
  if (gone.length === 0) return
  const subscription = consumers.byType.get(event.type)
  if (!subscription) return
  const outcome = await traced(consumers.group, event, () => subscription.handle(event, tx))
  if (outcome.is === 'deadLetter') {
    const row = { ...place, epoch: 0, key: Buffer.from(key), value: Buffer.from(JSON.stringify(event.data)) }
    tx.enqueue([toDeadLetter(row, consumers.group, outcome.reason, new Date())])
  }
}
