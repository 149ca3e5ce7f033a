import type { IHeaders } from 'kafkajs'
import { deadLetterTopic } from '@cascata/events'
import type { RawRow } from './buffer.ts'
import type { OutboxRow } from './outbox.ts'

const longest = 2_000

/** The message that keeps a record which can't be handled: as it was, with the reason and the place in headers. */
export function toDeadLetter(
  { topic, partition, offset, timestamp, key, value, headers }: RawRow,
  group: string,
  reason: string,
  at: Date,
): OutboxRow {
  return {
    topic: deadLetterTopic(topic, group),
    key,
    value,
    headers: {
      ...asText(headers),
      'cascata-dlq-topic': topic,
      'cascata-dlq-partition': String(partition),
      'cascata-dlq-offset': String(offset),
      'cascata-dlq-timestamp': String(timestamp),
      'cascata-dlq-consumer': group,
      'cascata-dlq-reason': storable(reason),
      'cascata-dlq-at': at.toISOString(),
    },
  }
}

/** Headers as text; the last of repeated ones, cut to a length that the outbox bears. */
export function asText(headers: IHeaders): Record<string, string> {
  const text: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const last = Array.isArray(value) ? value.at(-1) : value
    if (last !== undefined) text[storable(name)] = storable(last.toString())
  }
  return text
}

/** Text that Postgres keeps: bounded, without the NUL character. */
const storable = (text: string) => text.slice(0, longest).replaceAll('\0', '\ufffd')
