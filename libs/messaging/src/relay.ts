import type { Database } from './database.ts'
import { lead, type Leadership } from './leader.ts'
import { failure, type Log } from './log.ts'
import type { MessagingMetrics } from './metrics.ts'
import { outboxChannel, type OutboxRow } from './outbox.ts'
import type { Outgoing, Producer } from './producer.ts'
import { backoff, bell, pause } from './waiting.ts'

interface Waiting extends OutboxRow {
  position: string
}

/** Rows sent in one request. */
const maxRows = 500
/** Behind the notification, in case one is lost. */
const pollMs = 5_000

/**
 * Moves the outbox to Kafka: select in the order of positions, send, delete once acknowledged. No cursor, so a row that commits
 * late is never skipped. One leader per app keeps the order of each key; a leader that was cut off can only repeat
 * what it had read, and the inbox of the readers drops a repetition.
 */
export function startRelay({
  db,
  producer,
  log,
  metrics,
}: {
  db: Database
  producer: Producer
  log: Log
  metrics: MessagingMetrics
}): Leadership {
  return lead({ db, log }, 'relay', async (signal, client) => {
    const wake = bell()
    client.on('notification', wake.ring)
    await client.query(`listen ${outboxChannel(db.schema)}`)
    const age = watchAge(db, metrics)
    try {
      let failures = 0
      while (!signal.aborted) {
        try {
          age.some()
          const sent = await relayOnce(db, producer)
          failures = 0
          if (sent === maxRows) continue
          age.none()
          await wake.wait(pollMs, signal)
        } catch (error) {
          metrics.retries.inc({ consumer: 'relay' })
          log.warn(failure(error), 'the outbox could not be sent and is tried again')
          await pause(backoff(++failures), signal)
        }
      }
    } finally {
      age.stop()
      client.off('notification', wake.ring)
    }
  })
}

/** Sends the oldest rows; returns how many. */
async function relayOnce(db: Database, producer: Producer): Promise<number> {
  const rows = await db.query<Waiting>('select position, topic, key, value, headers from outbox order by position limit $1', [
    maxRows,
  ])
  if (rows.length === 0) return 0
  await producer.send(byTopic(rows))
  await db.query('delete from outbox where position = any($1)', [rows.map((row) => row.position)])
  return rows.length
}

function byTopic(rows: Waiting[]): Outgoing[] {
  const topics = Map.groupBy(rows, (row) => row.topic)
  return [...topics].map(([topic, messages]) => ({
    topic,
    messages: messages.map(({ key, value, headers }) => ({ key, value, headers })),
  }))
}

/**
 * Keeps the age of the oldest row in a metric: an outbox that grows old is the first sign of a broker in trouble.
 * It is looked at while rows wait to be sent, so that an idle process asks nothing.
 */
function watchAge(db: Database, metrics: MessagingMetrics) {
  let waiting = true
  const measure = async () => {
    const [row] = await db.query<{ age: number | null }>(
      'select extract(epoch from clock_timestamp() - created_at)::float8 as age from outbox order by position limit 1',
    )
    if (waiting) metrics.outboxAge.set(row?.age ?? 0)
  }
  const timer = setInterval(() => waiting && void measure().catch(() => {}), 5_000)
  timer.unref()
  const none = () => {
    waiting = false
    metrics.outboxAge.set(0)
  }
  return { none, some: () => void (waiting = true), stop: () => (clearInterval(timer), none()) }
}
