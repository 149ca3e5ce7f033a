import { randomUUID } from 'node:crypto'
import type { Consumer, Kafka, KafkaMessage } from 'kafkajs'
import { asText } from './dead-letter.ts'
import { consumerRetry } from './kafka.ts'
import type { Producer } from './producer.ts'
import type { Topics } from './topics.ts'

/** A message that could not be handled. */
export interface DeadLetter {
  /** The dead-letter topic, and the place in it: what `show` and `replay` take. */
  dlq: string
  partition: number
  offset: number
  /** Where it came from. */
  topic: string
  from: { partition: number; offset: number }
  consumer: string
  reason: string
  at: string
  key: string | null
  value: string | null
  headers: Record<string, string>
}

const prefix = 'cascata-dlq-'
const suffix = '.dlq'

/** The dead-letter topics, with how many messages each holds. */
export async function deadLetterTopics(topics: Topics, names: readonly string[]): Promise<{ dlq: string; count: number }[]> {
  const counts: { dlq: string; count: number }[] = []
  for (const dlq of names.filter((name) => name.endsWith(suffix)).sort()) {
    const bounds = [...(await topics.bounds(dlq)).values()]
    counts.push({ dlq, count: bounds.reduce((sum, { low, high }) => sum + high - low, 0) })
  }
  return counts
}

/** The dead letters of a topic, the oldest first, `limit` at most. */
export async function readDeadLetters(kafka: Kafka, topics: Topics, dlq: string, { limit = 100 } = {}): Promise<DeadLetter[]> {
  const ends = new Map(
    [...(await topics.bounds(dlq))].filter(([, { low, high }]) => low < high).map(([partition, { high }]) => [partition, high]),
  )
  const letters: DeadLetter[] = []
  if (ends.size === 0) return letters
  const consumer = kafka.consumer({
    groupId: `cascata.reader.${dlq}.${randomUUID()}`,
    maxWaitTimeInMs: 200,
    allowAutoTopicCreation: false,
    retry: consumerRetry,
  })
  try {
    await readTo(consumer, dlq, ends, (partition, message) => {
      letters.push(toLetter(dlq, partition, message))
      return letters.length < limit
    })
  } finally {
    await consumer.disconnect()
  }
  return letters.slice(0, limit)
}

async function readTo(
  consumer: Consumer,
  topic: string,
  ends: Map<number, number>,
  take: (partition: number, message: KafkaMessage) => boolean,
): Promise<void> {
  const done = Promise.withResolvers<void>()
  consumer.on(consumer.events.CRASH, ({ payload }) => done.reject(payload.error))
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      for (const message of batch.messages) {
        if (Number(message.offset) >= (ends.get(batch.partition) ?? 0)) break
        if (!take(batch.partition, message)) return done.resolve()
      }
      if (Number(batch.lastOffset()) + 1 >= (ends.get(batch.partition) ?? 0)) ends.delete(batch.partition)
      if (ends.size === 0) done.resolve()
    },
  })
  await done.promise
}

function toLetter(dlq: string, partition: number, { key, value, headers = {}, offset }: KafkaMessage): DeadLetter {
  const text = asText(headers)
  const of = (name: string) => text[prefix + name] ?? ''
  return {
    dlq,
    partition,
    offset: Number(offset),
    topic: of('topic'),
    from: { partition: Number(of('partition')), offset: Number(of('offset')) },
    consumer: of('consumer'),
    reason: of('reason'),
    at: of('at'),
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
    headers: text,
  }
}

/**
 * Sends dead letters to the topic they came from, as they were. A fact gets a new event id, since the old one counts as seen;
 * `cascata-replayed-from` says where it lay. The dead letter itself stays until its topic's retention removes it.
 */
export async function replayDeadLetters(producer: Producer, letters: readonly DeadLetter[]): Promise<void> {
  await producer.send(
    letters.map(({ dlq, partition, offset, topic, key, value, headers }) => {
      const original = Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(prefix)))
      if (original['ce_id']) original['ce_id'] = randomUUID()
      return {
        topic,
        messages: [{ key, value, headers: { ...original, 'cascata-replayed-from': `${dlq}/${partition}/${offset}` } }],
      }
    }),
  )
}
