import type { Kafka } from 'kafkajs'
import type { Registry } from 'prom-client'
import { deadLetterTopic, type EventDefinition, facts, predictions, routes, specs, type Topic } from '@cascata/events'
import { generationsOf } from './compacted.ts'
import { consume } from './consume.ts'
import { haltCursor } from './cursors.ts'
import type { Database } from './database.ts'
import { type Fact, toRecord } from './fact.ts'
import type { Consumers } from './handlers.ts'
import {
  type Ingest,
  type IngestSettings,
  partitionStates,
  type PartitionState,
  type ResumeFrom,
  resumeHalted,
  startIngest,
} from './ingest.ts'
import { connectKafka, type KafkaSettings } from './kafka.ts'
import { lead, type Leadership } from './leader.ts'
import { failure, type Log } from './log.ts'
import { messagingMetrics } from './metrics.ts'
import { startUnparking } from './parking.ts'
import { openProducer, type Producer } from './producer.ts'
import { type Reader, startReader } from './reader.ts'
import { startRelay } from './relay.ts'
import { openTopics, type TopicSpec, type Topics } from './topics.ts'
import { backoff, pause, untilAborted } from './waiting.ts'
import { watchCursors } from './watch-cursors.ts'

export interface MessagingSettings {
  app: string
  kafka: KafkaSettings
  db: Database
  /** What the app listens to; without it the app only speaks. */
  consumers?: Consumers
  log: Log
  registry: Registry
  /** Rows of the outbox and facts handled in one transaction, at most (500). */
  maxBatch?: number
}

/** An app's messaging. */
export interface Messaging {
  /** Throws when Kafka or Postgres doesn't answer. */
  check(): Promise<void>
  /** Starts reading rows. */
  ingest<Prepared>(settings: IngestSettings<Prepared>): Ingest
  /** How far an ingest is, on whatever replica it runs. */
  partitions(consumer: string): Promise<PartitionState[]>
  /** Lets halted partitions go on; with `all`, sends every partition back: a replay. */
  resumeHalted: (
    settings: Pick<IngestSettings<unknown>, 'consumer' | 'onResume'>,
    from: ResumeFrom,
    all?: boolean,
  ) => ReturnType<typeof resumeHalted>
  /** Runs something on one replica at a time. */
  leader(name: string, run: (signal: AbortSignal) => Promise<void>): Leadership
  /**
   * Says the values of a compacted topic again that it lacks or holds in an older generation, whenever this replica becomes
   * leader: the topic is then what the owner's table says, whatever happened to it.
   */
  republish(topic: Topic, definitions: readonly EventDefinition[], current: () => Promise<readonly Fact[]>): Leadership
  /** For what is no fact of a transaction: predictions, raw messages. */
  producer: Producer
  topics: Topics
  kafka: Kafka
  /** Ends in order: no more reading, effects under way are finished, what was said is sent. Calling it again waits for the same end. */
  stop(): Promise<void>
}

const platformTopics = [facts, specs, routes, predictions].map(specOf)

/** A topic of the platform as Kafka is told to create it. */
export function specOf({ name, partitions, config }: Topic): TopicSpec {
  return { topic: name, partitions, config: { ...config } }
}

/** Starts the relay and the consumers of an app. Waits for Kafka as long as it takes; returns when reading has begun. */
export async function startMessaging(settings: MessagingSettings): Promise<Messaging> {
  const { app, db, log, registry, consumers, maxBatch = 500 } = settings
  const kafka = connectKafka(settings.kafka, log)
  const metrics = messagingMetrics(registry)
  const topics = openTopics(kafka)
  await patiently(log, () => topics.ensure(distinct([...platformTopics, ...(consumers ? ownTopics(consumers) : [])])))
  const producer = await patiently(log, () => openProducer({ kafka, log }))
  const parts = { kafka, topics, db, log, metrics }

  const duties: Leadership[] = [startRelay({ db, producer, log, metrics }), startCleaning(db, log)]
  const ingests = new Set<Ingest>()
  let reader: Reader | undefined
  let consuming: Promise<unknown> | undefined
  if (consumers) {
    reader = startReader(parts, {
      consumer: consumers.group,
      reads: consumers.topics.map(({ name }) => name),
      startFrom: 'earliest',
      maxRows: maxBatch,
      maxBytes: 8 * 1024 * 1024,
      onGap: async (gap) => {
        log.error({ consumer: consumers.group, ...gap }, 'reading is halted: the cursor lies outside of the topic')
        await db.transaction((tx) => haltCursor(tx, consumers.group, gap))
      },
    })
    consuming = Promise.all([consume({ db, log, metrics, consumers }, reader), watchCursors(parts, reader, consumers.group)])
    duties.push(startUnparking({ db, consumers, log, metrics }))
  }

  const stop = async () => {
    await Promise.all([...ingests].map((ingest) => ingest.stop()))
    await reader?.stop()
    await consuming
    await Promise.all(duties.map((duty) => duty.stop()))
    await producer.close()
    await topics.close()
  }
  let stopped: Promise<void> | undefined

  const messaging: Messaging = {
    producer,
    topics,
    kafka,
    async check() {
      await Promise.all([topics.check(), db.query('select 1')])
    },
    ingest(ingestSettings) {
      const ingest = startIngest(parts, ingestSettings)
      ingests.add(ingest)
      return { ...ingest, stop: () => (ingests.delete(ingest), ingest.stop()) }
    },
    partitions: (consumer) => partitionStates(db, topics, consumer),
    resumeHalted: (which, from, all) => resumeHalted(parts, which, from, all),
    leader(name, run) {
      const duty = lead({ db, log }, name, run)
      duties.push(duty)
      return duty
    },
    republish(topic, definitions, current) {
      return messaging.leader(`republish ${topic.name}`, async (signal) => {
        const held = await generationsOf(kafka, topic, definitions, log, signal)
        if (signal.aborted) return
        const missing = (await current()).filter((said) => generationOf(said) > (held.get(said.definition.key(said.data)) ?? -1))
        if (missing.length > 0) await producer.send({ topic: topic.name, messages: missing.map((said) => toRecord(said, app)) })
        if (missing.length > 0) log.info({ topic: topic.name, count: missing.length }, 'values were said again')
        await untilAborted(signal)
      })
    },
    stop: () => (stopped ??= stop()),
  }
  return messaging
}

const distinct = (specs: TopicSpec[]) => [...new Map(specs.map((spec) => [spec.topic, spec])).values()]

const generationOf = ({ data }: Fact) => (data as { generation?: number }).generation ?? 0

/** What an app reads, and a dead-letter topic for each. */
const ownTopics = ({ topics, group }: Consumers): TopicSpec[] =>
  topics.flatMap((topic) => [
    specOf(topic),
    { topic: deadLetterTopic(topic.name, group), partitions: 1, config: { 'retention.ms': '-1' } },
  ])

/** Inbox rows are of use as long as a relay may repeat itself. */
function startCleaning(db: Database, log: Log): Leadership {
  return lead({ db, log }, 'cleaning', async (signal) => {
    while (!signal.aborted) {
      await db.query(`delete from inbox where seen_at < now() - interval '7 days'`)
      await pause(10 * 60_000, signal)
    }
  })
}

async function patiently<T>(log: Log, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt >= 60) throw error
      log.warn(failure(error), 'Kafka does not answer yet')
      await pause(backoff(attempt, { first: 200, max: 2_000 }))
    }
  }
}
