import { randomUUID } from 'node:crypto'
import type { Batch, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs'
import { consumerRetry, leave } from './kafka.ts'
import { openTopics } from './topics.ts'

/** A record with its place. */
export interface LogRecord {
  topic: string
  partition: number
  offset: number
  /** Unix ms. */
  timestamp: number
  key: Buffer | null
  value: Buffer | null
  headers: KafkaMessage['headers']
}

export interface ReadLogSettings {
  kafka: Kafka
  topic: string
  /** From the beginning, or so many records before the end of each partition. */
  from: 'beginning' | { last: number }
  /** Whether to go on after the end that the topic has now; then only `signal` ends it. */
  follow: boolean
  /** One record after the other, in the order of each partition. */
  onRecord(record: LogRecord): void | Promise<void>
  /** Everything that was there at the start has been handed over; at once when there was nothing. */
  onCaughtUp?(): void
  signal?: AbortSignal
}

/**
 * Reads a topic alone: no group that others know, no cursor, nothing committed.
 * Resolves when the end is reached, or when `signal` says so.
 *
 * @throws Error when no broker answers, or `onRecord` throws
 */
export async function readLog(settings: ReadLogSettings): Promise<void> {
  const { kafka, topic, from, follow, onRecord, onCaughtUp, signal } = settings
  const topics = openTopics(kafka)
  const bounds = await topics.bounds(topic).finally(() => topics.close())
  const starts = new Map(
    [...bounds].map(([partition, { low, high }]) => [partition, from === 'beginning' ? low : Math.max(low, high - from.last)]),
  )
  /** The end of each partition that has still to be handed over. */
  const missing = new Map([...bounds].flatMap(([at, { high }]) => (starts.get(at)! < high ? [[at, high]] : [])))
  if (missing.size === 0) onCaughtUp?.()
  if (signal?.aborted || (!follow && missing.size === 0)) return

  const ended = Promise.withResolvers<void>()
  const onBatch = async ({ batch, heartbeat }: EachBatchPayload) => {
    const end = missing.get(batch.partition)
    for (const message of batch.messages) {
      if (signal?.aborted || (!follow && Number(message.offset) >= (end ?? 0))) break
      await onRecord(toRecord(batch, message))
      await heartbeat()
    }
    if (end === undefined || Number(batch.lastOffset()) + 1 < end) return
    missing.delete(batch.partition)
    if (missing.size > 0) return
    onCaughtUp?.()
    if (!follow) ended.resolve()
  }

  const consumer = openConsumer(kafka, topic, follow ? 1_000 : 200)
  signal?.addEventListener('abort', () => ended.resolve(), { once: true })
  consumer.on(consumer.events.CRASH, ({ payload }) => ended.reject(payload.error))
  // Alone in its group it must have every partition; with fewer it joined before the client knew the topic, and would wait in vain.
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    const partitions = payload.memberAssignment[topic]?.length ?? 0
    if (partitions < bounds.size) ended.reject(new Error(`Joined with ${partitions} of ${bounds.size} partitions of ${topic}.`))
  })
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({ autoCommit: false, eachBatch: (payload) => onBatch(payload).catch(ended.reject) })
    for (const [partition, start] of starts) consumer.seek({ topic, partition, offset: String(start) })
    await ended.promise
  } finally {
    await leave(consumer)
  }
}

const openConsumer = (kafka: Kafka, topic: string, maxWaitTimeInMs: number) =>
  kafka.consumer({
    groupId: `cascata.reader.${topic}.${randomUUID()}`,
    sessionTimeout: 10_000,
    maxWaitTimeInMs,
    metadataMaxAge: 5_000,
    allowAutoTopicCreation: false,
    retry: consumerRetry,
  })

const toRecord = ({ topic, partition }: Batch, { offset, timestamp, key, value, headers }: KafkaMessage): LogRecord => ({
  topic,
  partition,
  offset: Number(offset),
  timestamp: Number(timestamp),
  key,
  value,
  headers,
})
