import type { Admin, Kafka } from 'kafkajs'
import { type Gap, type Cursor } from './cursors.ts'
import { type TopicIds, topicIds } from './topic-ids.ts'
import { backoff, pause } from './waiting.ts'

/** A topic as it should be. */
export interface TopicSpec {
  topic: string
  partitions: number
  /** Of the topic, as Kafka names them: `{ 'retention.ms': '-1' }`. */
  config?: Record<string, string>
}

/** First and end offset of a partition. */
export interface Bounds {
  low: number
  high: number
}

/** Questions to, and changes of, topics, over one connection. */
export interface Topics {
  /** Creates the topics that don't exist; returns those it created. Those that exist are left as they are. */
  ensure(specs: readonly TopicSpec[]): Promise<string[]>
  /** The names of all topics. */
  list(): Promise<string[]>
  exists(topic: string): Promise<boolean>
  /** The settings of a topic that are asked for. */
  config(topic: string, names: readonly string[]): Promise<Record<string, string>>
  partitions(topic: string): Promise<number>
  ids: TopicIds
  /** Bounds of every partition, by number. */
  bounds(topic: string): Promise<Map<number, Bounds>>
  /** By partition the offset of the first record with a timestamp of `time` (Unix ms) or later; the end where there is none. */
  offsetsAt(topic: string, time: number): Promise<Map<number, number>>
  /** Throws when no broker answers. */
  check(): Promise<void>
  close(): Promise<void>
}

export function openTopics(kafka: Kafka): Topics {
  let admin: Promise<Admin> | undefined
  const ids = topicIds(kafka)

  /** One connection, opened at the first call and anew after a failure. */
  const use = async <T>(call: (admin: Admin) => Promise<T>): Promise<T> => {
    const current = (admin ??= connectAdmin(kafka))
    try {
      return await call(await current)
    } catch (error) {
      if ((isConnectionFault(error) || isOfDeletedTopic(error)) && admin === current) {
        admin = undefined
        await current.then((it) => it.disconnect()).catch(() => {})
      }
      throw error
    }
  }

  return {
    ids,
    async ensure(specs) {
      const existing = new Set(await use((it) => it.listTopics()))
      const missing = specs.filter(({ topic }) => !existing.has(topic))
      if (missing.length === 0) return []
      const { brokers } = await use((it) => it.describeCluster())
      const topics = missing.map(({ topic, partitions, config = {} }) => ({
        topic,
        numPartitions: partitions,
        replicationFactor: Math.min(3, brokers.length),
        configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
      }))
      await use((it) => it.createTopics({ topics, waitForLeaders: false })).catch(ignoreExisting)
      // Not kafkajs' own wait: what goes wrong in it is a rejection that nobody can catch.
      for (const { topic } of missing) await untilLed(() => use((it) => it.fetchTopicOffsets(topic)))
      return missing.map(({ topic }) => topic)
    },
    list: () => use((it) => it.listTopics()),
    exists: async (topic) => (await use((it) => it.listTopics())).includes(topic),
    async config(topic, names) {
      const { resources } = await use((it) =>
        it.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name: topic, configNames: [...names] }] }),
      )
      return Object.fromEntries(resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue]))
    },
    partitions: async (topic) => (await use((it) => it.fetchTopicMetadata({ topics: [topic] }))).topics[0]!.partitions.length,
    async bounds(topic) {
      const offsets = await use((it) => it.fetchTopicOffsets(topic))
      return new Map(offsets.map(({ partition, low, high }) => [partition, { low: Number(low), high: Number(high) }]))
    },
    async offsetsAt(topic, time) {
      const offsets = await use((it) => it.fetchTopicOffsetsByTimestamp(topic, time))
      return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]))
    },
    check: async () => void (await use((it) => it.describeCluster())),
    async close() {
      await admin?.then((it) => it.disconnect()).catch(() => {})
      await ids.close()
    },
  }
}

/** The gap between a cursor and its topic, if there is one. */
export function gapOf(cursor: Cursor, topicId: string, { low, high }: Bounds, at: string): Gap | undefined {
  const { topic, partition, epoch, nextOffset } = cursor
  const reason =
    cursor.topicId !== topicId ? 'recreated' : nextOffset < low ? 'retention' : nextOffset > high ? 'truncated' : undefined
  return reason && { reason, topic, partition, epoch, next: nextOffset, low, high, at }
}

async function connectAdmin(kafka: Kafka): Promise<Admin> {
  const admin = kafka.admin({ retry: { retries: 3, initialRetryTime: 100 } })
  await admin.connect()
  return admin
}

/** Waits until a new topic has leaders, half a minute at most. */
async function untilLed(ask: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return void (await ask())
    } catch (error) {
      if (attempt >= 30) throw error
      await pause(backoff(attempt, { max: 1_000 }))
    }
  }
}

const isConnectionFault = (error: unknown) =>
  error instanceof Error &&
  [
    'KafkaJSConnectionError',
    'KafkaJSConnectionClosedError',
    'KafkaJSNumberOfRetriesExceeded',
    'KafkaJSBrokerNotFound',
    'KafkaJSRequestTimeoutError',
  ].includes(error.name)

/** kafkajs asks for every topic that it was ever asked about: one that was deleted since would fail the calls about all others. */
const isOfDeletedTopic = (error: unknown) => {
  const { type, cause } = error as { type?: string; cause?: { type?: string } }
  return type === 'UNKNOWN_TOPIC_OR_PARTITION' || cause?.type === 'UNKNOWN_TOPIC_OR_PARTITION'
}

function ignoreExisting(error: unknown): boolean {
  const { errors } = error as { errors?: { type?: string }[] }
  if (errors && errors.every(({ type }) => type === 'TOPIC_ALREADY_EXISTS')) return false
  throw error
}
