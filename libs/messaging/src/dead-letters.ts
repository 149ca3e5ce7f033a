import { randomUUID } from 'node:crypto'
import type { Kafka } from 'kafkajs'
import { asText } from './dead-letter.ts'
import type { Producer } from './producer.ts'
import { type LogRecord, readLog } from './read-log.ts'
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
export async function readDeadLetters(kafka: Kafka, dlq: string, { limit = 100 } = {}): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = []
  const enough = new AbortController()
  await readLog({
    kafka,
    topic: dlq,
    from: 'beginning',
    follow: false,
    signal: enough.signal,
    onRecord(record) {
      letters.push(toLetter(record))
      if (letters.length >= limit) enough.abort()
    },
  })
  return letters
}

function toLetter({ topic: dlq, partition, offset, key, value, headers = {} }: LogRecord): DeadLetter {
  const text = asText(headers)
  const of = (name: string) => text[prefix + name] ?? ''
  return {
    dlq,
    partition,
    offset,
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
