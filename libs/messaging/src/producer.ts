import { type CompressionTypes as Compression, type Kafka, type Message, type Producer as KafkaProducer } from 'kafkajs'
import kafkajs from 'kafkajs'
import { failure, type Log } from './log.ts'

/** Messages of one topic. */
export interface Outgoing {
  topic: string
  messages: Message[]
}

/** The one way out to Kafka: idempotent, all replicas acknowledged, one request at a time. */
export interface Producer {
  /**
   * Resolves when every message is acknowledged by all in-sync replicas. Calls made while a request is under way
   * travel together in the next one, in the order of the calls.
   *
   * @throws Error when the brokers didn't acknowledge within the retries of the client (some 10 s): the messages may or may not be written.
   */
  send(outgoing: Outgoing | Outgoing[]): Promise<void>
  /** Messages accepted by `send` and not acknowledged yet. */
  readonly pending: number
  /** Waits for what is under way, then disconnects. */
  close(): Promise<void>
}

interface Waiting {
  outgoing: Outgoing[]
  resolve(): void
  reject(error: unknown): void
}

const { CompressionTypes, Partitioners } = kafkajs
/** Below the smallest `max.message.bytes` in use (1 MiB), which a request to one partition must not exceed. */
const maxRequestBytes = 768 * 1024

/**
 * kafkajs' idempotence needs `maxInFlightRequests: 1`, and after an ambiguous time-out a concurrent send can reuse a sequence number.
 * So: one request at a time, and after a failure a new producer (hence a new producer id).
 */
export async function openProducer({
  kafka,
  log,
  compression = CompressionTypes.None,
}: {
  kafka: Kafka
  log: Log
  compression?: Compression
}): Promise<Producer> {
  let producer: KafkaProducer | undefined
  let waiting: Waiting[] = []
  let sending: Promise<void> | undefined
  let pending = 0
  let closed = false

  const connected = async () => {
    if (producer) return producer
    const next = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    await next.connect()
    return (producer = next)
  }

  const sendAll = async () => {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      try {
        for (const topicMessages of requestsOf(batch))
          await (await connected()).sendBatch({ topicMessages, acks: -1, compression })
        for (const { resolve } of batch) resolve()
      } catch (error) {
        log.warn(failure(error), 'messages were not acknowledged')
        const broken = producer
        producer = undefined
        await broken?.disconnect().catch(() => {})
        for (const { reject } of batch) reject(error)
      }
    }
    sending = undefined
  }

  await connected()
  return {
    get pending() {
      return pending
    },
    async send(outgoing) {
      if (closed) throw new Error('The producer is closed.')
      const all = [outgoing].flat()
      const count = all.reduce((sum, { messages }) => sum + messages.length, 0)
      pending += count
      try {
        await new Promise<void>((resolve, reject) => {
          waiting.push({ outgoing: all, resolve, reject })
          sending ??= sendAll()
        })
      } finally {
        pending -= count
      }
    },
    async close() {
      closed = true
      await sending
      await producer?.disconnect()
    },
  }
}

/** Cuts what waits into requests that brokers accept, in order; messages of one topic travel together. */
function* requestsOf(batch: Waiting[]): Generator<Outgoing[]> {
  let byTopic = new Map<string, Message[]>()
  let bytes = 0
  for (const { topic, messages } of batch.flatMap(({ outgoing }) => outgoing)) {
    for (const message of messages) {
      const size = sizeOf(message)
      if (bytes > 0 && bytes + size > maxRequestBytes) {
        yield asTopics(byTopic)
        byTopic = new Map()
        bytes = 0
      }
      bytes += size
      const sofar = byTopic.get(topic)
      if (sofar) sofar.push(message)
      else byTopic.set(topic, [message])
    }
  }
  if (bytes > 0) yield asTopics(byTopic)
}

const asTopics = (byTopic: Map<string, Message[]>): Outgoing[] => [...byTopic].map(([topic, messages]) => ({ topic, messages }))

/** Bytes of a record, headers counted at their usual size: cheap, and a little more than the truth. */
const sizeOf = ({ key, value, headers }: Message): number =>
  (key?.length ?? 0) + (value === null ? 0 : Buffer.byteLength(value)) + (headers ? Object.keys(headers).length * 80 : 0) + 100
