import { setImmediate as turn } from 'node:timers/promises'
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs'
import { rowBuffer, type RowBatch, weightOf } from './buffer.ts'
import { createCursor, type Cursor, type Gap, readCursors } from './cursors.ts'
import type { Database } from './database.ts'
import { failure, type Log } from './log.ts'
import { hintKafka, keepRunning, withHeartbeats } from './membership.ts'
import type { MessagingMetrics } from './metrics.ts'
import { gapOf, type Topics } from './topics.ts'
import { backoff, pause } from './waiting.ts'

/** What a reader stands on. */
export interface ReaderParts {
  kafka: Kafka
  topics: Topics
  db: Database
  log: Log
  metrics: MessagingMetrics
}

export interface ReaderSettings {
  /** The consumer group, and the name of its cursors. */
  consumer: string
  reads: readonly string[]
  /** Where a consumer without cursors begins. Partitions that appear later are read from their beginning. */
  startFrom: 'earliest' | 'latest'
  /** Rows and bytes of one flush; as many bytes again may wait. */
  maxRows: number
  maxBytes: number
  sessionTimeoutMs?: number
  /** A cursor lies outside of its topic: the partition stands still until `settled` says otherwise. */
  onGap(gap: Gap): Promise<void>
}

interface Position extends Cursor {
  /** The end of the partition at the last fetch. */
  end: number
  /** Whether kafkajs was told to go to `nextOffset` and has not answered yet. */
  sought: boolean
}

/**
 * Reads topics with cursors in Postgres. Kafka's group shares the partitions out, and nothing else: where to read from,
 * and whether a flush counts, is the cursor's to say, so an owner that lost its partitions without knowing does no harm.
 */
export interface Reader {
  /** The next rows; waits until there are some. Undefined once the reader stops. */
  next(): Promise<RowBatch | undefined>
  /** Tells that the flush of a batch has ended, and where its partitions stand. */
  flushed(batch: RowBatch): void
  /** Forgets what is buffered and goes back to the cursors. */
  rewind(): Promise<void>
  /** Takes partitions up again when their cursors were reset: by a resume or a replay, on whatever replica. */
  follow(cursors: readonly Cursor[]): Promise<void>
  /** Whether the topics are still those of the cursors; reports a gap where one is not. */
  verify(): Promise<boolean>
  /** Stops fetching, lets the flush under way end, leaves the group. */
  stop(): Promise<void>
  readonly signal: AbortSignal
}

const keyOf = (topic: string, partition: number) => `${topic}/${partition}`

export function startReader(parts: ReaderParts, settings: ReaderSettings): Reader {
  const { topics, log, metrics } = parts
  const { consumer: group, reads } = settings
  const buffer = rowBuffer(settings)
  const stopping = new AbortController()
  const positions = new Map<string, Position>()
  let consumer: Consumer | undefined
  let generation = 0
  let assignment: Record<string, number[]> = {}
  let ready: Promise<void> = Promise.resolve()
  let flushing: PromiseWithResolvers<void> | undefined

  /** Reads the cursors of the assigned partitions and points kafkajs at them. */
  const takeUp = async (mine: number): Promise<void> => {
    await flushing?.promise
    for (let attempt = 1; mine === generation && !stopping.signal.aborted; attempt++) {
      try {
        const found = await findPositions(parts, settings, assignment)
        if (mine !== generation) return
        positions.clear()
        for (const position of found) positions.set(keyOf(position.topic, position.partition), position)
        for (const position of found) await settle(position)
        return
      } catch (error) {
        log.warn({ consumer: group, ...failure(error) }, 'the cursors could not be read and are tried again')
        await pause(backoff(attempt), stopping.signal)
      }
    }
  }

  /** Halts a partition whose cursor lies outside of its topic; points kafkajs at the cursor otherwise. */
  const settle = async (position: Position): Promise<void> => {
    const { topic, partition } = position
    if (position.halted) return consumer?.pause([{ topic, partitions: [partition] }])
    const ids = await topics.ids.of([topic])
    const bounds = (await topics.bounds(topic)).get(partition)
    const id = ids.get(topic)
    if (!bounds || !id) throw new Error(`Topic ${topic} or its partition ${partition} is gone.`)
    position.end = bounds.high
    const gap = gapOf(position, id, bounds, new Date().toISOString())
    if (gap) return halt(position, gap)
    position.sought = true
    // kafkajs keeps what is paused when the group is joined anew: it may have been paused before its cursor was reset.
    consumer?.resume([{ topic, partitions: [partition] }])
    consumer?.seek({ topic, partition, offset: String(position.nextOffset) })
  }

  const halt = async (position: Position, gap: Gap) => {
    position.halted = gap
    buffer.forget(gap.topic, gap.partition)
    consumer?.pause([{ topic: gap.topic, partitions: [gap.partition] }])
    await settings.onGap(gap)
  }

  const restart = () => {
    generation++
    buffer.clear()
    return (ready = takeUp(generation))
  }

  const onBatch = async ({ batch, heartbeat, isStale, isRunning }: EachBatchPayload) => {
    const alive = () => isRunning() && !stopping.signal.aborted
    const mine = generation
    await withHeartbeats(ready, heartbeat)
    if (mine !== generation || isStale() || !alive()) return
    const position = positions.get(keyOf(batch.topic, batch.partition))
    if (!position || position.halted) return
    const fetched = Number((batch as { fetchedOffset?: string }).fetchedOffset)
    // kafkajs resets an offset that is out of range in silence; behind control records it moves on without telling.
    const follows = fetched === position.nextOffset || (position.sought && fetched > position.nextOffset)
    if (!follows) return settle(position)

    position.sought = false
    position.end = Number(batch.highWatermark)
    const { epoch, nextOffset: from } = position
    const to = Number(batch.lastOffset()) + 1
    const rows = batch.messages.map(({ offset, timestamp, key, value, headers = {} }) => ({
      topic: batch.topic,
      partition: batch.partition,
      epoch,
      offset: Number(offset),
      timestamp: timestamp === '-1' ? Number.NaN : Number(timestamp),
      key,
      value,
      headers,
    }))
    position.nextOffset = to
    buffer.push({
      topic: batch.topic,
      partition: batch.partition,
      epoch,
      from,
      to,
      rows,
      bytes: rows.reduce((sum, row) => sum + weightOf(row), 0),
    })
    while (buffer.full && mine === generation && alive()) {
      await buffer.drained.wait(1_000, stopping.signal)
      await heartbeat()
    }
  }

  const running = keepRunning(stopping.signal, parts, settings, {
    opened(opened) {
      consumer = opened
      opened.on(opened.events.GROUP_JOIN, ({ payload }) => {
        assignment = payload.memberAssignment as Record<string, number[]>
        void restart()
      })
    },
    onBatch,
    reads,
  })
  const hint = hintKafka(() => consumer)

  return {
    signal: stopping.signal,
    async next() {
      while (!stopping.signal.aborted) {
        if (!buffer.empty) {
          // The partitions of one fetch come one after the other: a turn later they are all there, and one flush takes them.
          await turn()
          if (buffer.empty) continue
          flushing = Promise.withResolvers()
          return buffer.take()
        }
        await buffer.filled.wait(60_000, stopping.signal)
      }
      return undefined
    },
    flushed({ ranges }) {
      flushing?.resolve()
      flushing = undefined
      for (const { topic, partition, to } of ranges) {
        const end = positions.get(keyOf(topic, partition))?.end ?? to
        metrics.lag.set({ consumer: group, topic, partition }, Math.max(0, end - to))
      }
      hint(ranges)
    },
    async rewind() {
      flushing?.resolve()
      flushing = undefined
      await restart()
    },
    async follow(cursors) {
      const reset = cursors.filter(
        (cursor) => (positions.get(keyOf(cursor.topic, cursor.partition))?.epoch ?? cursor.epoch) < cursor.epoch,
      )
      if (reset.length > 0) await restart()
    },
    async verify() {
      const ids = await topics.ids.of(reads)
      const strange = [...positions.values()].filter(
        (position) => !position.halted && position.topicId !== ids.get(position.topic),
      )
      for (const position of strange) {
        if (ids.has(position.topic)) await settle(position)
      }
      return strange.length === 0
    },
    async stop() {
      stopping.abort()
      await flushing?.promise
      await running
    },
  }
}

/** The cursors of the partitions, created where there are none. */
async function findPositions(
  { topics, db }: ReaderParts,
  { consumer, startFrom }: ReaderSettings,
  assignment: Record<string, number[]>,
): Promise<Position[]> {
  const cursors = new Map((await readCursors(db, consumer)).map((cursor) => [keyOf(cursor.topic, cursor.partition), cursor]))
  const found: Position[] = []
  for (const [topic, partitions] of Object.entries(assignment)) {
    const known = [...cursors.values()].some((cursor) => cursor.topic === topic)
    const bounds = partitions.every((partition) => cursors.has(keyOf(topic, partition))) ? undefined : await topics.bounds(topic)
    const topicId = (await topics.ids.of([topic])).get(topic) ?? ''
    for (const partition of partitions) {
      const cursor = cursors.get(keyOf(topic, partition))
      const at = bounds?.get(partition)
      const nextOffset = (startFrom === 'latest' && !known ? at?.high : at?.low) ?? 0
      const row = cursor ?? (await createCursor(db, consumer, { topic, partition, topicId, epoch: 0, nextOffset, halted: null }))
      found.push({ ...row, end: row.nextOffset, sought: false })
    }
  }
  return found
}
