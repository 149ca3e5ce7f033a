import kafkajs, { type Admin, type Consumer, type Kafka, type KafkaConfig, type logCreator, logLevel } from 'kafkajs'
import { installCodecs } from './codecs.ts'
import { limitFetches } from './fetched-batches.ts'
import { cureIdleLoop } from './idle-patch.ts'
import type { Log } from './log.ts'
import { quickenRecords } from './record-encoding.ts'
import { pause } from './waiting.ts'

/** How to reach the brokers. */
export interface KafkaSettings {
  brokers: string[]
  clientId: string
  ssl?: KafkaConfig['ssl']
  sasl?: KafkaConfig['sasl']
  /** Bytes that a batch may unpack to (64 MiB). Of the process: the last one said holds. */
  maxUnpacked?: number
}

const usualUnpacked = 64 * 1024 ** 2
/** A batch of a producer has some ten thousand; each takes hundreds of bytes here, however few it takes there. */
const maxRecords = 500_000

/** kafkajs warns of what it retries by itself; those lines are of use to a developer alone. */
const levels: Record<number, keyof Log> = { [logLevel.ERROR]: 'debug', [logLevel.WARN]: 'debug', [logLevel.INFO]: 'debug' }

/**
 * A Kafka client with the idle loop cured, records encoded quickly, all codecs installed, and what they unpack to limited.
 *
 * @throws Error when kafkajs is not the verified version.
 */
export function connectKafka({ brokers, clientId, ssl, sasl, maxUnpacked = usualUnpacked }: KafkaSettings, log: Log): Kafka {
  cureIdleLoop()
  quickenRecords()
  installCodecs(maxUnpacked)
  limitFetches({ bytes: maxUnpacked, records: maxRecords })
  const toLog: logCreator =
    () =>
    ({ namespace, level, log: { message, ...fields } }) =>
      log[levels[level] ?? 'debug']({ kafka: namespace, ...fields }, message)

  return new kafkajs.Kafka({
    brokers,
    clientId,
    ssl,
    sasl,
    connectionTimeout: 3_000,
    requestTimeout: 30_000,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 8 },
    logLevel: logLevel.WARN,
    logCreator: toLog,
  })
}

/** Runs `use` with a connected admin client and disconnects it. */
export async function withAdmin<T>(kafka: Kafka, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

/**
 * How consumers retry. kafkajs would start a consumer that crashed again by itself, behind the back of whoever also does: then two of
 * one process are in the group. So it gives up, says so (CRASH), and its owner builds a new one.
 */
export const consumerRetry = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 8, restartOnFailure: async () => false }

/** Disconnects a consumer, and waits for that five seconds at most: one that lost its broker must not hold up its successor. */
export const leave = (consumer: Consumer): Promise<void> => Promise.race([consumer.disconnect().catch(() => {}), pause(5_000)])
