import type { Consumer, EachBatchPayload } from 'kafkajs'
import type { RowBatch } from './buffer.ts'
import { consumerRetry, leave } from './kafka.ts'
import { failure } from './log.ts'
import type { ReaderParts, ReaderSettings } from './reader.ts'
import { backoff, pause } from './waiting.ts'

interface Running {
  opened(consumer: Consumer): void
  onBatch(payload: EachBatchPayload): Promise<void>
  reads: readonly string[]
}

/** Keeps a kafkajs consumer running; builds a new one when it gives up. */
export async function keepRunning(
  signal: AbortSignal,
  { kafka, topics, log }: ReaderParts,
  settings: ReaderSettings,
  { opened, onBatch, reads }: Running,
): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt++) {
    const consumer = kafka.consumer({
      groupId: settings.consumer,
      sessionTimeout: settings.sessionTimeoutMs ?? 6_000,
      heartbeatInterval: (settings.sessionTimeoutMs ?? 6_000) / 4,
      rebalanceTimeout: 10_000,
      metadataMaxAge: 30_000,
      maxWaitTimeInMs: 1_000,
      maxBytesPerPartition: 2 * 1024 * 1024,
      allowAutoTopicCreation: false,
      retry: consumerRetry,
    })
    const ended = Promise.withResolvers<unknown>()
    try {
      for (const topic of reads) if (!(await topics.exists(topic))) throw new Error(`Topic ${topic} does not exist yet.`)
      opened(consumer)
      consumer.on(consumer.events.CRASH, ({ payload }) => ended.resolve(payload.error))
      signal.addEventListener('abort', () => ended.resolve(undefined), { once: true })
      // An end that came while Kafka was asked has told its listeners already.
      if (signal.aborted) return
      await consumer.connect()
      await consumer.subscribe({ topics: [...reads], fromBeginning: true })
      await consumer.run({ autoCommit: false, eachBatchAutoResolve: true, partitionsConsumedConcurrently: 1, eachBatch: onBatch })
      const error = await ended.promise
      if (error) throw error
    } catch (error) {
      log.warn({ consumer: settings.consumer, ...failure(error) }, 'a consumer stopped and is started again')
      await pause(backoff(attempt, { first: 200 }), signal)
    } finally {
      await leave(consumer)
    }
  }
}

/** Commits offsets to Kafka now and then, for the tools that show lag. */
export function hintKafka(consumer: () => Consumer | undefined) {
  let last = 0
  return (ranges: RowBatch['ranges']) => {
    if (Date.now() - last < 2_000) return
    last = Date.now()
    const offsets = ranges.map(({ topic, partition, to }) => ({ topic, partition, offset: String(to) }))
    void consumer()
      ?.commitOffsets(offsets)
      .catch(() => {})
  }
}

/** Keeps the membership while something takes long. A heartbeat that finds a rebalance shows at the next one of kafkajs. */
export async function withHeartbeats(work: Promise<unknown>, heartbeat: () => Promise<void>): Promise<void> {
  const beating = setInterval(() => void heartbeat().catch(() => {}), 1_000)
  await work.finally(() => clearInterval(beating))
}
