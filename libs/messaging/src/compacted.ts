import { randomUUID } from 'node:crypto'
import type { EachBatchPayload, Kafka } from 'kafkajs'
import { type CloudEvent, type EventDefinition, fromKafka, type Topic, typeOfRecord } from '@cascata/events'
import { consumerRetry, leave } from './kafka.ts'
import { failure, type Log } from './log.ts'
import { openTopics, type Topics } from './topics.ts'
import { backoff, pause } from './waiting.ts'

/** Follows a compacted topic without group, cursor or database. */
export interface CompactedReader {
  /** Resolves when everything that the topic held at the start has been handed over; at once when it was empty. */
  caughtUp: Promise<void>
  stop(): Promise<void>
}

export interface CompactedSettings {
  kafka: Kafka
  topic: Topic
  /** The types that are handed over. */
  definitions: readonly EventDefinition[]
  /**
   * A value that is newer than any seen of its key. A value that is not newer never arrives; a tombstone comes as undefined.
   * Called in order, one at a time; a throw is logged, and the value is not given again.
   */
  onValue(key: string, event: CloudEvent | undefined): void | Promise<void>
  log: Log
}

/** Reads a compacted topic from its beginning to its end as of now, then follows it. Starts again by itself when the brokers were away. */
export function readCompacted({ kafka, topic, definitions, onValue, log }: CompactedSettings): CompactedReader {
  const stopping = new AbortController()
  const caughtUp = Promise.withResolvers<void>()
  const topics = openTopics(kafka)
  const generations = new Map<string, number>()
  const byType = new Map(definitions.map((definition) => [definition.type, definition]))
  let missing = new Map<number, number>()

  const settle = (partition: number, next: number) => {
    if (next >= (missing.get(partition) ?? Infinity)) missing.delete(partition)
    if (missing.size === 0) caughtUp.resolve()
  }

  const onRecord = async (key: string, record: Parameters<typeof fromKafka>[0]) => {
    if (record.value === null) {
      generations.delete(key)
      return onValue(key, undefined)
    }
    const type = typeOfRecord(record)
    if (type !== undefined && !byType.has(type)) return
    const event = fromKafka(record, (name) => byType.get(name))
    const { generation = 0 } = event.data as { generation?: number }
    if (generation <= (generations.get(key) ?? -1)) return
    generations.set(key, generation)
    await onValue(key, event)
  }

  const onBatch = async ({ batch, heartbeat }: EachBatchPayload) => {
    for (const record of batch.messages) {
      if (stopping.signal.aborted) return
      await onRecord(record.key?.toString() ?? '', record).catch((error: unknown) =>
        log.error({ topic: topic.name, offset: record.offset, ...failure(error) }, 'a value of a compacted topic is left out'),
      )
      await heartbeat()
    }
    settle(batch.partition, Number(batch.lastOffset()) + 1)
  }

  const session = async () => {
    const bounds = await topics.bounds(topic.name)
    missing = endsOf(bounds)
    if (missing.size === 0) caughtUp.resolve()
    const consumer = kafka.consumer({
      groupId: `cascata.reader.${topic.name}.${randomUUID()}`,
      sessionTimeout: 10_000,
      maxWaitTimeInMs: 1_000,
      metadataMaxAge: 10_000,
      allowAutoTopicCreation: false,
      retry: consumerRetry,
    })
    const ended = Promise.withResolvers<unknown>()
    consumer.on(consumer.events.CRASH, ({ payload }) => ended.resolve(payload.error))
    // Alone in its group it must have every partition; with fewer it joined before the client knew the topic, and would wait in vain.
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      const partitions = payload.memberAssignment[topic.name]?.length ?? 0
      if (partitions < bounds.size) ended.resolve(new Error(`Joined with ${partitions} of ${bounds.size} partitions.`))
    })
    stopping.signal.addEventListener('abort', () => ended.resolve(undefined), { once: true })
    try {
      await consumer.connect()
      await consumer.subscribe({ topics: [topic.name], fromBeginning: true })
      await consumer.run({ autoCommit: false, eachBatch: onBatch })
      const error = await ended.promise
      if (error) throw error
    } finally {
      await leave(consumer)
    }
  }

  const running = (async () => {
    for (let attempt = 1; !stopping.signal.aborted; attempt++) {
      await session().catch((error: unknown) =>
        log.warn({ topic: topic.name, ...failure(error) }, 'a compacted topic is read again from its beginning'),
      )
      await pause(backoff(attempt, { first: 200 }), stopping.signal)
    }
    await topics.close()
  })()

  return {
    caughtUp: caughtUp.promise,
    async stop() {
      stopping.abort()
      await running
    },
  }
}

/** The end of each partition that holds anything. */
const endsOf = (bounds: Awaited<ReturnType<Topics['bounds']>>): Map<number, number> =>
  new Map([...bounds].filter(([, { low, high }]) => low < high).map(([partition, { high }]) => [partition, high]))

/** The newest generation of each key that the topic holds now. */
export async function generationsOf(
  kafka: Kafka,
  topic: Topic,
  definitions: readonly EventDefinition[],
  log: Log,
): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  const reader = readCompacted({
    kafka,
    topic,
    definitions,
    log,
    onValue: (key, event) =>
      void (event ? found.set(key, (event.data as { generation?: number }).generation ?? 0) : found.delete(key)),
  })
  await reader.caughtUp
  await reader.stop()
  return found
}
