import { randomUUID } from 'node:crypto'
import type { Kafka, KafkaMessage } from 'kafkajs'
import { consumerRetry } from './kafka.ts'
import { failure, type Log } from './log.ts'
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
  signal?: AbortSignal
  log: Log
}

/**
 * Reads a topic for people: no group that others know, no cursor, nothing committed.
 * Resolves when the end is reached, or when `signal` says so.
 *
 * @throws Error when no broker answers, or `onRecord` throws
 */
export async function readLog({ kafka, topic, from, follow, onRecord, signal, log }: ReadLogSettings): Promise<void> {
  const topics = openTopics(kafka)
  const bounds = await topics.bounds(topic).finally(() => topics.close())
  const starts = new Map(
    [...bounds].map(([partition, { low, high }]) => [partition, from === 'beginning' ? low : Math.max(low, high - from.last)]),
  )
  const missing = new Map(
    [...bounds]
      .filter(([partition, { high }]) => starts.get(partition)! < high)
      .map(([partition, { high }]) => [partition, high]),
  )
  if (signal?.aborted || (!follow && missing.size === 0)) return

  const consumer = kafka.consumer({
    groupId: `cascata.reader.${topic}.${randomUUID()}`,
    maxWaitTimeInMs: 200,
    metadataMaxAge: 5_000,
    allowAutoTopicCreation: false,
    retry: consumerRetry,
  })
  const ended = Promise.withResolvers<void>()
  signal?.addEventListener('abort', () => ended.resolve(), { once: true })
  consumer.on(consumer.events.CRASH, ({ payload }) => ended.reject(payload.error))
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        const { partition } = batch
        for (const { offset, timestamp, key, value, headers } of batch.messages) {
          if (signal?.aborted || (!follow && Number(offset) >= (missing.get(partition) ?? 0))) break
          await Promise.resolve(
            onRecord({ topic, partition, offset: Number(offset), timestamp: Number(timestamp), key, value, headers }),
          ).catch(ended.reject)
        }
        if (Number(batch.lastOffset()) + 1 >= (missing.get(partition) ?? Infinity)) missing.delete(partition)
        if (!follow && missing.size === 0) ended.resolve()
      },
    })
    for (const [partition, start] of starts) consumer.seek({ topic, partition, offset: String(start) })
    await ended.promise
  } finally {
    await consumer.disconnect().catch((error: unknown) => log.debug(failure(error), 'a reader did not leave in peace'))
  }
}
