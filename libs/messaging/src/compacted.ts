import type { Kafka } from 'kafkajs'
import { type CloudEvent, type EventDefinition, fromKafka, type Topic, typeOfRecord } from '@cascata/events'
import { failure, type Log } from './log.ts'
import { type LogRecord, readLog } from './read-log.ts'
import { backoff, pause, untilAborted } from './waiting.ts'

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
  const generations = new Map<string, number>()
  const byType = new Map(definitions.map((definition) => [definition.type, definition]))

  const handOver = async (key: string, record: LogRecord) => {
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

  const session = () =>
    readLog({
      kafka,
      topic: topic.name,
      from: 'beginning',
      follow: true,
      signal: stopping.signal,
      onRecord: (record) =>
        handOver(record.key?.toString() ?? '', record).catch((error: unknown) =>
          log.error({ topic: topic.name, offset: record.offset, ...failure(error) }, 'a value of a compacted topic is left out'),
        ),
      onCaughtUp: caughtUp.resolve,
    })

  const running = (async () => {
    for (let attempt = 1; !stopping.signal.aborted; attempt++) {
      await session().catch((error: unknown) =>
        log.warn({ topic: topic.name, ...failure(error) }, 'a compacted topic is read again from its beginning'),
      )
      await pause(backoff(attempt, { first: 200 }), stopping.signal)
    }
  })()

  return {
    caughtUp: caughtUp.promise,
    async stop() {
      stopping.abort()
      await running
    },
  }
}

/** The newest generation of each key that the topic holds now; what was found so far when `signal` ends it. */
export async function generationsOf(
  kafka: Kafka,
  topic: Topic,
  definitions: readonly EventDefinition[],
  log: Log,
  signal: AbortSignal,
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
  await Promise.race([reader.caughtUp, untilAborted(signal)])
  await reader.stop()
  return found
}
