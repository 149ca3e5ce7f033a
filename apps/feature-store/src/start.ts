import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { openDatabase, MessagingTransport, startMessaging } from '@cascata/messaging'
import { openObjectStore } from '@cascata/object-store'
import { appHome, createLogger, createRegistry, kafkaOf, startService, systemClock } from '@cascata/service'
import { api } from './api.ts'
import { FeatureStoreModule } from './app.module.ts'
import { lookingInto } from './catalogue/look-into.ts'
import { type FeatureStoreConfig } from './config.ts'
import { consumers } from './consumers.ts'
import { startDatasets } from './datasets/dataset-loop.ts'
import { datasetRoutes } from './datasets/datasets.routes.ts'
import { onTrainingRequested } from './datasets/on-training-requested.ts'
import { schemaRegistry } from './formats/schema-registry.ts'
import { featureServices } from './feature-services/feature-services.ts'
import { eraser } from './erasure/erase.ts'
import { viewCatalogue } from './feature-views/catalogue.ts'
import { onResourceApplied, onResourceDeleted } from './feature-views/on-resource.ts'
import { importing } from './imports/import-loop.ts'
import { importRoutes } from './imports/imports.routes.ts'
import { startIngestion } from './ingest/ingestion.ts'
import { endsOf } from './ingest/topic.ts'
import { ripener } from './labels/ripener.ts'
import { featureStoreMetrics } from './metrics.ts'
import { migrations } from './migrations.ts'
import { openDuck } from './offline/duckdb.ts'
import { rowsRoutes } from './offline/rows.routes.ts'
import { bucketFiles, directoryFiles, type SegmentFiles } from './offline/segment-files.ts'
import { segmentStore } from './offline/segments.store.ts'
import { sweeping } from './offline/sweeper.ts'
import { feastErrors } from './online/feast-errors.ts'
import { pushRoutes } from './push/push.routes.ts'
import { lookUp } from './online/look-up.ts'
import { lookUpRoutes } from './online/look-up.routes.ts'
import { openOnlineStore } from './online/online-store.ts'
import { compactionRules } from './upkeep/decide-compaction.ts'
import { upkeep } from './upkeep/upkeep.ts'
import { sweepingTiles } from './windows/sweep-tiles.ts'
import { openTileStore } from './windows/tile-store.ts'

const app = 'feature-store'

/** Folders of the service, made when they are missing. Replicas share all but what is spilled. */
async function foldersOf({ data, home }: FeatureStoreConfig) {
  const base = resolve(data ?? appHome(home, app))
  const folders = {
    base,
    segments: join(base, 'segments'),
    datasets: join(base, 'datasets'),
    spines: join(base, 'spines'),
    answers: join(base, 'answers'),
    imports: join(base, 'imports'),
  }
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true })
  return folders
}

const schemaRegistryOf = ({
  schemaRegistryUrl: url,
  schemaRegistryUser: user,
  schemaRegistryPassword: password,
}: FeatureStoreConfig) => schemaRegistry(url === null ? null : { url, user, password })

async function segmentFilesOf({ segments, segmentCache }: FeatureStoreConfig, folder: string): Promise<SegmentFiles> {
  if (segments === null) return directoryFiles(folder)
  const store = await openObjectStore(segments)
  await store.check()
  return bucketFiles(store, folder, segmentCache)
}

/** Starts the feature store; `stop` ends what it opened, in the reverse order. */
export const start = async (config: FeatureStoreConfig): Promise<{ url: string; stop: () => Promise<void> }> => {
  const log = createLogger(app, config.logLevel)
  const registry = createRegistry(app)
  const metrics = featureStoreMetrics(registry)
  const clock = systemClock
  const folders = await foldersOf(config)
  const files = await segmentFilesOf(config, folders.segments)
  const segments = segmentStore(files)
  const replica = randomUUID()
  const writing = await openDuck({ folder: folders.base, name: `ingest-${replica}`, memory: config.ingestMemory, threads: 1 })
  const reading = await openDuck({
    folder: folders.base,
    name: `datasets-${replica}`,
    memory: config.datasetMemory,
    threads: config.datasetThreads,
  })
  const merging = await openDuck({ folder: folders.base, name: `upkeep-${replica}`, memory: config.upkeepMemory, threads: 1 })
  const online = openOnlineStore({
    url: config.redisUrl,
    prefix: config.redisPrefix,
    onError: (error) => log.debug({ err: error }, 'Redis'),
  })
  const tiles = openTileStore({
    url: config.redisUrl,
    prefix: config.redisPrefix,
    onError: (error) => log.debug({ err: error }, 'Redis'),
  })
  const db = await openDatabase({
    url: config.databaseUrl,
    schema: config.schema,
    migrations,
    log,
    poolSize: config.databasePool,
  })

  const rings = { views: () => {} }
  const handlers = {
    onResourceApplied: onResourceApplied({ changed: () => rings.views() }),
    onResourceDeleted: onResourceDeleted({ segments, changed: () => rings.views() }),
    onTrainingRequested,
  }
  const messaging = await startMessaging({ app, kafka: kafkaOf(config), db, consumers: consumers(handlers), log, registry })
  const catalogue = viewCatalogue(db)
  const ripening = ripener({ config, db, segments, folder: folders.base, log, metrics })
  const ripeness = messaging.leader('ripeness', ripening.run)
  const tileSweeper = messaging.leader('tiles', sweepingTiles({ db, duck: reading, segments, tiles, log, metrics }))
  const sweeper = messaging.leader('sweep', sweeping({ db, base: folders.base, files, log }))
  const keeping = upkeep({
    db,
    duck: merging,
    segments,
    folder: folders.segments,
    online,
    clock,
    log,
    metrics,
    rules: compactionRules,
    retention: config.retention || null,
    every: config.upkeepEvery,
  })
  const keeper = messaging.leader('upkeep', keeping.run)
  const ingestion = startIngestion({
    config,
    db,
    messaging,
    online,
    tiles,
    duck: writing,
    segments,
    schemas: schemaRegistryOf(config),
    folder: folders.segments,
    catalogue,
    clock,
    log,
    metrics,
    committed: ripening.ringAfter,
  })
  const imports = importing({
    config,
    db,
    online,
    tiles,
    duck: reading,
    segments,
    folders,
    ends: (topic) => endsOf(messaging.topics, topic),
    clock,
    log,
    metrics,
    committed: ripening.ringAfter,
  })
  const importer = messaging.leader('imports', imports.run)
  const datasets = startDatasets({ config, db, messaging, segments, duck: reading, folders, log, metrics })
  Object.assign(rings, { views: ingestion.look })

  const erasing = eraser({
    db,
    online,
    tiles,
    duck: reading,
    datasets: folders.datasets,
    clock,
    log,
    within: config.eraseWithin,
    changed: keeping.ring,
  })
  const lookInto = lookingInto({ db, duck: reading, segments, config })
  const lookUpFeatures = lookUp({ catalogue, online, tiles, metrics, config })
  return startService({
    app,
    config,
    log,
    registry,
    notes: api,
    module: FeatureStoreModule.of({
      db,
      messaging,
      segments,
      online,
      merging,
      folder: folders.segments,
      eraser: erasing,
      lookInto,
    }),
    routes: (fastify) => {
      lookUpRoutes({
        lookUpFeatures,
        featuresOfService: featureServices({ db, clock }),
        clock,
        jsonDepth: config.jsonDepth,
        ready: () => online.check(),
      })(fastify)
      importRoutes({ config, db, folder: folders.imports, ring: imports.ring })(fastify)
      pushRoutes({ db, producer: messaging.producer, clock, config })(fastify)
      rowsRoutes({ db, duck: reading, segments, folder: folders.answers })(fastify)
      datasetRoutes({ config, db, duck: reading, folders })(fastify)
    },
    errorFormats: feastErrors,
    transports: [new MessagingTransport(messaging)],
    checks: { messaging: () => messaging.check(), redis: () => online.check() },
    onStop: async () => {
      await Promise.all([
        ingestion.stop(),
        datasets.stop(),
        ripeness.stop(),
        sweeper.stop(),
        keeper.stop(),
        importer.stop(),
        tileSweeper.stop(),
      ])
      await messaging.stop()
      await Promise.all([online.close(), tiles.close(), db.close()])
      writing.close()
      reading.close()
      merging.close()
    },
  })
}
