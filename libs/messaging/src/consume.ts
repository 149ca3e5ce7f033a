import { type CloudEvent, fromKafka, InvalidEvent, isTombstone, typeOfRecord } from '@cascata/events'
import type { RawRow, RowBatch } from './buffer.ts'
import { advance, Fenced } from './cursors.ts'
import { type Database, isPassing, type Tx } from './database.ts'
import { asText, toDeadLetter } from './dead-letter.ts'
import type { Consumers, Subscription } from './handlers.ts'
import { keepLatest } from './latest.ts'
import { failure, type Log } from './log.ts'
import type { MessagingMetrics } from './metrics.ts'
import type { Outcome } from './outcome.ts'
import { park, parkedKeys } from './parking.ts'
import type { Reader } from './reader.ts'
import { traced } from './trace.ts'
import { backoff, pause } from './waiting.ts'

/** A record that somebody here listens to. */
interface Item {
  row: RawRow
  key: string
  subscription: Subscription
  /** Missing when the record is no valid event: `invalid` says why. */
  event?: CloudEvent
  invalid?: string
}

export interface ConsumeParts {
  db: Database
  log: Log
  metrics: MessagingMetrics
  consumers: Consumers
}

/** Attempts at one event before its key is parked: some 12 s of trying. */
const maxAttempts = 9

/**
 * Handles facts until the reader stops. One transaction holds the cursors, the inbox rows, the effects and the outbox rows.
 * It takes whatever is queued; when it fails, the batch is done again one by one, so that only the culprit waits.
 */
export async function consume(parts: ConsumeParts, reader: Reader): Promise<void> {
  for (let batch = await reader.next(); batch; batch = await reader.next()) {
    try {
      await handleBatch(parts, reader, batch)
      reader.flushed(batch)
    } catch (error) {
      if (!(error instanceof Fenced))
        parts.log.warn({ consumer: parts.consumers.group, ...failure(error) }, 'a batch is read again')
      await reader.rewind()
    }
  }
}

async function handleBatch(parts: ConsumeParts, reader: Reader, batch: RowBatch): Promise<void> {
  const items = batch.rows.flatMap((row) => itemOf(parts.consumers, row) ?? [])
  try {
    await commit(parts, batch, items)
  } catch (error) {
    if (error instanceof Fenced) throw error
    parts.log.debug({ consumer: parts.consumers.group, ...failure(error) }, 'a batch failed and is done one by one')
    for (const part of oneByOne(batch, items)) await insist(parts, reader, part)
  }
}

/** Tries one event until it commits, or parks its key. What is not its own fault is tried without limit. */
async function insist(parts: ConsumeParts, reader: Reader, { batch, items }: Part): Promise<void> {
  const { consumers, log, metrics } = parts
  for (let attempt = 1, passing = 1; !reader.signal.aborted;) {
    try {
      return await commit(parts, batch, items)
    } catch (error) {
      if (error instanceof Fenced) throw error
      metrics.retries.inc({ consumer: consumers.group })
      if (isPassing(error)) {
        log.warn({ consumer: consumers.group, ...failure(error) }, 'the database does not answer; trying again')
        await pause(backoff(passing++, { max: 2_000 }), reader.signal)
      } else if (attempt >= maxAttempts && items[0]?.event) {
        return parkInstead(parts, batch, items[0], items[0].event, error)
      } else {
        log.warn(
          { consumer: consumers.group, event: items[0]?.event?.id, attempt, ...failure(error) },
          'a handler failed; trying again',
        )
        await pause(backoff(attempt++, { max: 4_000 }), reader.signal)
      }
    }
  }
  throw new Error('The consumer stopped before the event was handled.')
}

/** The cursors and the effects of a batch, together. */
async function commit(parts: ConsumeParts, batch: RowBatch, items: Item[]): Promise<void> {
  const { db, consumers, metrics } = parts
  const outcomes = await db.transaction(async (tx) => {
    await advance(tx, consumers.group, batch.ranges)
    return items.length === 0 ? [] : handleAll(parts, tx, items)
  })
  for (const [item, outcome] of outcomes) {
    metrics.outcomes.inc({ consumer: consumers.group, type: item.subscription.definition.type, outcome })
    if (outcome === 'deadLetter') metrics.deadLetters.inc({ consumer: consumers.group, topic: item.row.topic })
  }
  for (const { topic, from, to } of batch.ranges) metrics.records.inc({ consumer: consumers.group, topic }, to - from)
}

type Ending = Outcome['is'] | 'duplicate' | 'parked'

async function handleAll(parts: ConsumeParts, tx: Tx, items: Item[]): Promise<[Item, Ending][]> {
  const { consumers } = parts
  const fresh = await rememberAll(
    tx,
    consumers.group,
    items.flatMap(({ event }) => event ?? []),
  )
  const waiting = await parkedKeys(tx, consumers.group, [...new Set(items.map((item) => item.key))])
  const endings: [Item, Ending][] = []
  for (const item of items) {
    const { event, row } = item
    if (event && !fresh.delete(event.id)) endings.push([item, 'duplicate'])
    else if (event && waiting.has(item.key)) {
      await park(tx, consumers.group, {
        key: item.key,
        event,
        place: placeOf(row),
        reason: 'an earlier event of this key is parked',
        attempts: 0,
      })
      endings.push([item, 'parked'])
    } else endings.push([item, await handleOne(parts, tx, item)])
  }
  return endings
}

async function handleOne(
  { consumers, metrics, log }: ConsumeParts,
  tx: Tx,
  { subscription, event, invalid, row, key }: Item,
): Promise<Ending> {
  const { definition } = subscription
  if (!event) {
    tx.enqueue([toDeadLetter(row, consumers.group, invalid ?? 'not an event', new Date())])
    return 'deadLetter'
  }
  if (definition.topic.compacted && !(await keepLatest(tx, definition.topic.name, key, event))) return 'drop'

  const stop = metrics.handling.startTimer({ consumer: consumers.group, type: definition.type })
  const outcome = await traced(consumers.group, event, () => subscription.handle(event, tx))
  stop()
  if (outcome.is === 'deadLetter') tx.enqueue([toDeadLetter(row, consumers.group, outcome.reason, new Date())])
  if (outcome.is !== 'done')
    log.debug({ type: event.type, event: event.id, correlationid: event.correlationid, outcome }, 'not handled')
  return outcome.is
}

/** Marks the events as seen; returns the ids that had not been. */
async function rememberAll(tx: Tx, consumer: string, events: CloudEvent[]): Promise<Set<string>> {
  const ids = events.map(({ id }) => id)
  if (ids.length === 0) return new Set()
  const fresh = await tx.query<{ id: string }>(
    'insert into inbox (consumer, event_id) select $1, unnest($2::text[]) on conflict do nothing returning event_id as id',
    [consumer, ids],
  )
  return new Set(fresh.map(({ id }) => id))
}

async function parkInstead(
  { db, consumers, log, metrics }: ConsumeParts,
  batch: RowBatch,
  { key, row }: Item,
  event: CloudEvent,
  error: unknown,
): Promise<void> {
  await db.transaction(async (tx) => {
    await advance(tx, consumers.group, batch.ranges)
    await rememberAll(tx, consumers.group, [event])
    await park(tx, consumers.group, { key, event, place: placeOf(row), reason: String(error), attempts: maxAttempts })
  })
  metrics.outcomes.inc({ consumer: consumers.group, type: event.type, outcome: 'parked' })
  const about = { consumer: consumers.group, key, event: event.id, correlationid: event.correlationid }
  log.error({ ...about, ...failure(error) }, 'a key is parked: handling its event keeps failing')
}

function itemOf({ byType }: Consumers, row: RawRow): Item | undefined {
  if (isTombstone(row)) return undefined
  const type = typeOfRecord(row)
  const known = type === undefined ? undefined : byType.get(type)
  if (type !== undefined && !known) return undefined
  const key = row.key?.toString() ?? ''
  try {
    const event = fromKafka(row, (name) => byType.get(name)?.definition)
    return { row, key, event, subscription: byType.get(event.type)! }
  } catch (error) {
    if (!(error instanceof InvalidEvent)) throw error
    if (!known && error.code === 'EVENT_TYPE_UNKNOWN') return undefined
    return { row, key, invalid: error.message, subscription: known ?? [...byType.values()][0]! }
  }
}

interface Part {
  batch: RowBatch
  items: Item[]
}

/** The same batch in parts of one item, each with the offsets up to the next one. */
function oneByOne({ rows, ranges }: RowBatch, items: Item[]): Part[] {
  const parts: Part[] = []
  for (const range of ranges) {
    const own = items.filter(({ row }) => row.partition === range.partition && row.topic === range.topic)
    let from = range.from
    own.forEach((item, nth) => {
      const to = nth === own.length - 1 ? range.to : own[nth + 1]!.row.offset
      parts.push({ batch: { rows: [item.row], ranges: [{ ...range, from, to }] }, items: [item] })
      from = to
    })
    if (own.length === 0) parts.push({ batch: { rows, ranges: [range] }, items: [] })
  }
  return parts
}

const placeOf = ({ topic, partition, offset, timestamp, headers }: RawRow) => ({
  topic,
  partition,
  offset,
  timestamp,
  headers: asText(headers),
})
