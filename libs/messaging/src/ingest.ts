import type { RawRow, RowBatch } from './buffer.ts'
import { advance, Fenced, type Gap, haltCursor, type OffsetRange, readCursors, resetCursor } from './cursors.ts'
import { CommitUnknown, type Database, isPassing, type Tx } from './database.ts'
import { failure, type Log } from './log.ts'
import type { MessagingMetrics } from './metrics.ts'
import { type Reader, type ReaderParts, startReader } from './reader.ts'
import type { Topics } from './topics.ts'
import { backoff, pause } from './waiting.ts'
import { watchCursors } from './watch-cursors.ts'

/** Where rows go. */
export interface RowSink<Prepared> {
  /**
   * Work outside of the transaction that may be done again: a file under a random name, an idempotent write to a store.
   * A throw is tried again with the same rows, without limit: a store that is down halts its rows, and loses none.
   */
  write(rows: RawRow[], ranges: readonly OffsetRange[]): Promise<Prepared>
  /** What makes the work count, in the transaction that moves the cursors. */
  commit(tx: Tx, prepared: Prepared, ranges: readonly OffsetRange[]): Promise<void>
  /** Another replica was first: undoes `write`. Not called when it is unknown whether the commit happened: sweep what nothing names. */
  discard(prepared: Prepared): Promise<void>
}

export interface IngestSettings<Prepared> {
  /** The consumer group, and the name of its cursors. */
  consumer: string
  topics: readonly string[]
  startFrom?: 'earliest' | 'latest'
  /** Rows of one flush at most (20,000). */
  maxRows?: number
  /** Bytes of one flush at most, and of what may wait for the next one (32 MiB). */
  maxBytes?: number
  sink: RowSink<Prepared>
  /** A partition stands still, in the transaction that records it. */
  onHalt(tx: Tx, gap: Gap): Promise<void>
  /** Partitions go on, in the transaction that says so. */
  onResume?(tx: Tx, partitions: readonly { topic: string; partition: number; epoch: number; from: number }[]): Promise<void>
}

/** A consumer of rows. */
export interface Ingest {
  /** The next flush waits until `resume`. */
  pause(): void
  resume(): void
  /** Lets the flush under way end; what is not committed is read again by whoever takes over. */
  stop(): Promise<void>
}

/** How far a consumer is in one partition. */
export interface PartitionState {
  topic: string
  partition: number
  epoch: number
  nextOffset: number
  end: number
  halted: Gap | null
}

interface Parts extends ReaderParts {
  log: Log
  metrics: MessagingMetrics
}

/** Reads rows in batches, each flush taking what arrived during the last one: no timer, so an idle stream waits for nothing. */
export function startIngest<Prepared>(parts: Parts, settings: IngestSettings<Prepared>): Ingest {
  const {
    consumer,
    topics: reads,
    startFrom = 'earliest',
    maxRows = 20_000,
    maxBytes = 32 * 1024 * 1024,
    sink,
    onHalt,
  } = settings
  const { db, log, metrics } = parts
  let paused: PromiseWithResolvers<void> | undefined

  const reader = startReader(parts, {
    consumer,
    reads,
    startFrom,
    maxRows,
    maxBytes,
    onGap: async (gap) => {
      log.error({ consumer, ...gap }, 'a partition is halted: its cursor lies outside of the topic')
      await db.transaction(async (tx) => {
        if (await haltCursor(tx, consumer, gap)) await onHalt(tx, gap)
      })
    },
  })

  const flush = async (batch: RowBatch) => {
    const verified = untilDone(parts, reader, () => reader.verify())
    const prepared = await untilDone(parts, reader, () => sink.write(batch.rows, batch.ranges))
    if (!(await verified)) {
      await sink.discard(prepared)
      throw new Fenced('A topic is not the one that was read.')
    }
    await commit(parts, reader, batch, consumer, sink, prepared)
    for (const { topic, from, to } of batch.ranges) metrics.records.inc({ consumer, topic }, to - from)
  }

  const flushes = (async () => {
    for (let batch = await reader.next(); batch; batch = await reader.next()) {
      await paused?.promise
      try {
        await flush(batch)
        reader.flushed(batch)
      } catch (error) {
        if (!(error instanceof Fenced) && !reader.signal.aborted)
          log.warn({ consumer, ...failure(error) }, 'a flush failed and is read again')
        await reader.rewind()
      }
    }
  })()
  const watching = watchCursors(parts, reader, consumer)

  return {
    pause: () => void (paused ??= Promise.withResolvers()),
    resume() {
      paused?.resolve()
      paused = undefined
    },
    async stop() {
      const stopped = reader.stop()
      paused?.resolve()
      await Promise.all([stopped, flushes, watching])
    },
  }
}

/** Commits what was written. A repeated try can't tell whether the one before has committed: then nothing is discarded. */
async function commit<Prepared>(
  parts: Parts,
  reader: Reader,
  { ranges }: RowBatch,
  consumer: string,
  sink: RowSink<Prepared>,
  prepared: Prepared,
): Promise<void> {
  let unknown = false
  await untilDone(parts, reader, async () => {
    try {
      await parts.db.transaction(async (tx) => {
        await advance(tx, consumer, ranges)
        await sink.commit(tx, prepared, ranges)
      })
    } catch (error) {
      if (error instanceof Fenced && !unknown) await sink.discard(prepared)
      unknown ||= error instanceof CommitUnknown || isPassing(error)
      throw error
    }
  })
}

/** Tries until it works or the reader stops. Fenced is no failure to try again. */
async function untilDone<T>({ log, metrics }: Parts, reader: Reader, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (error instanceof Fenced || reader.signal.aborted) throw error
      metrics.retries.inc({ consumer: 'ingest' })
      log.warn(failure(error), 'rows wait: writing them failed and is tried again')
      await pause(backoff(attempt, { max: 2_000 }), reader.signal)
    }
  }
}

/** How far a consumer is; works on any replica. */
export async function partitionStates(db: Database, topics: Topics, consumer: string): Promise<PartitionState[]> {
  const cursors = await readCursors(db, consumer)
  const bounds = new Map<string, Awaited<ReturnType<Topics['bounds']>>>()
  for (const topic of new Set(cursors.map((cursor) => cursor.topic)))
    bounds.set(topic, await topics.bounds(topic).catch(() => new Map()))
  return cursors.map(({ topic, partition, epoch, nextOffset, halted }) => ({
    topic,
    partition,
    epoch,
    nextOffset,
    end: bounds.get(topic)?.get(partition)?.high ?? nextOffset,
    halted,
  }))
}

/** Where partitions go on: at the first or the end offset of their topic, or each at its own; one that is not named stays. */
export type ResumeFrom = 'earliest' | 'latest' | ReadonlyMap<number, number>

/**
 * Lets the halted partitions of a consumer go on, each in a new epoch, from the first or the end offset their topic has now.
 * Returns what was resumed. `all` resets the others too: a replay.
 */
export async function resumeHalted<Prepared>(
  { db, topics }: Parts,
  { consumer, onResume }: Pick<IngestSettings<Prepared>, 'consumer' | 'onResume'>,
  from: ResumeFrom,
  all = false,
): Promise<{ topic: string; partition: number; epoch: number; from: number }[]> {
  const cursors = (await readCursors(db, consumer)).filter(({ halted }) => all || halted)
  const ids = await topics.ids.of([...new Set(cursors.map(({ topic }) => topic))])
  const resumed: { topic: string; partition: number; epoch: number; from: number }[] = []
  for (const { topic, partition, epoch } of cursors) {
    const at = (await topics.bounds(topic)).get(partition)
    const topicId = ids.get(topic)
    if (!at || !topicId) continue
    const next = from === 'earliest' ? at.low : from === 'latest' ? at.high : from.get(partition)
    if (next !== undefined) resumed.push({ topic, partition, epoch: epoch + 1, from: next })
  }
  await db.transaction(async (tx) => {
    for (const { topic, partition, from: nextOffset } of resumed)
      await resetCursor(tx, consumer, { topic, partition, topicId: ids.get(topic)!, nextOffset })
    if (resumed.length > 0) await onResume?.(tx, resumed)
  })
  return resumed
}
