import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { deadLetterTopic } from '@cascata/events'
import {
  backoff,
  bell,
  type Database,
  type Leadership,
  type Messaging,
  openDatabase,
  pause,
  MessagingTransport,
  startMessaging,
} from '@cascata/messaging'
import { createClient, createLogger, createRegistry, kafkaOf, type Logger, startService, systemClock } from '@cascata/service'
import { api } from './api.ts'
import { MonitorModule } from './app.module.ts'
import { type MonitorConfig } from './config.ts'
import { consumers } from './consumers.ts'
import { joinLabels } from './labels/join-labels.ts'
import { type MonitorMetrics, monitorMetrics } from './metrics.ts'
import { Monitor1764000100000 } from './migrations/1764000100000-monitor.ts'
import { exportMetrics } from './models/export-metrics.ts'
import { markAllDirty } from './models/models.store.ts'
import { modelFinder } from './models/spec-of.ts'
import { watchModels } from './models/watch.ts'
import { onPredictions } from './predictions/on-predictions.ts'
import { forgetOld } from './predictions/retention.ts'
import { references } from './versions/references.ts'

interface Parts {
  readonly config: MonitorConfig
  readonly db: Database
  readonly messaging: Messaging
  readonly log: Logger
  readonly metrics: MonitorMetrics
}

const clientsOf = ({ registryUrl, featureStoreUrl, serviceToken: token }: MonitorConfig, log: Logger) => ({
  registry: createClient({ baseUrl: registryUrl, token, log }),
  featureStore: createClient({ baseUrl: featureStoreUrl, token, log }),
})

const hour = 3_600_000

const workOf = ({ data }: MonitorConfig): string => join(data, 'work')

/** Removes what killed processes left; the files of another replica's join are younger. */
const sweepWork = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true })
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }))
    if (systemClock.now() - mtimeMs > hour) await rm(path, { recursive: true, force: true })
  }
}

/** Loops that one replica runs at a time. */
const startDuties = (
  { config, db, messaging, log, metrics }: Parts,
  featureStore: ReturnType<typeof createClient>,
  woken: ReturnType<typeof bell>,
): Leadership[] => {
  const labels = joinLabels({
    db,
    featureStore,
    log,
    metrics,
    folder: workOf(config),
    memory: config.duckMemory,
    rows: config.joinRows,
    pollMs: config.joinPoll,
    timeoutMs: config.joinTimeout,
  })
  return [
    messaging.leader('watch', async (signal) => {
      await markAllDirty(db)
      while (!signal.aborted) {
        await watchModels({ db, clock: systemClock, log, join: labels })
        await pause(config.judgePause, signal)
        await woken.wait(config.joinPoll, signal)
      }
    }),
    messaging.leader('forget', async (signal) => {
      while (!signal.aborted) {
        await forgetOld({ db, clock: systemClock, signal })
        await pause(hour, signal)
      }
    }),
  ]
}

/** Sets the gauges again and again, on every replica. */
const startExport = ({ config, db, log, metrics }: Parts) => {
  const stopped = new AbortController()
  const running = (async () => {
    while (!stopped.signal.aborted) {
      await exportMetrics(db, metrics, config.topFeatures).catch((error: unknown) =>
        log.debug({ err: error }, 'metrics are not up to date'),
      )
      await pause(config.metricsEvery, stopped.signal)
    }
  })()
  return () => (stopped.abort(), running)
}

/** Tries until Kafka answers. */
const patiently = async (log: Logger, work: () => Promise<unknown>): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    try {
      await work()
      return
    } catch (error) {
      log.warn({ err: error }, 'Kafka is not ready for predictions; trying again')
      await pause(backoff(attempt))
    }
  }
}

const startPredictions = async (
  { config, db, messaging, log, metrics }: Parts,
  registry: ReturnType<typeof createClient>,
  onKept: () => void,
) => {
  const { predictionsTopic: topic, predictionsGroup: consumer } = config
  const deadLetters = { topic: deadLetterTopic(topic, consumer), partitions: 1, config: { 'retention.ms': '-1' } }
  await patiently(log, () => messaging.topics.ensure([deadLetters]))
  return messaging.ingest({
    consumer,
    topics: [topic],
    startFrom: 'earliest',
    maxRows: config.batchRows,
    sink: onPredictions({
      db,
      consumer,
      findModel: modelFinder({ db, registry, clock: systemClock }),
      references: references({ db, registry }),
      metrics,
      clock: systemClock,
      onKept,
    }),
    onHalt: async (_tx, gap) => log.error(gap, 'predictions were lost: the cursor lies outside of the topic'),
  })
}

/** Starts the monitor; `stop` ends what it opened, in the reverse order. */
export const start = async (config: MonitorConfig): Promise<{ url: string; stop: () => Promise<void> }> => {
  const log = createLogger('monitor', config.logLevel)
  const registry = createRegistry('monitor')
  const metrics = monitorMetrics(registry)
  await sweepWork(workOf(config))
  const db = await openDatabase({
    url: config.databaseUrl,
    schema: config.schema,
    migrations: [Monitor1764000100000],
    log,
    poolSize: config.databasePool,
  })
  const messaging = await startMessaging({ app: 'monitor', kafka: kafkaOf(config), db, consumers, log, registry })
  const clients = clientsOf(config, log)
  const woken = bell()
  const parts = { config, db, messaging, log, metrics }
  await startPredictions(parts, clients.registry, woken.ring)
  startDuties(parts, clients.featureStore, woken)
  const stopExport = startExport(parts)
  return startService({
    app: 'monitor',
    config,
    log,
    registry,
    notes: api,
    module: MonitorModule.of({ db }),
    transports: [new MessagingTransport(messaging)],
    checks: { messaging: () => messaging.check() },
    onStop: async () => {
      await stopExport()
      await messaging.stop()
      for (const client of Object.values(clients)) client.close()
      await db.close()
    },
  })
}
