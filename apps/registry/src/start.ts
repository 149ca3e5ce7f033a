import { join } from 'node:path'
import { resourceApplied, resourceDeleted, specs } from '@cascata/events'
import { type Database, type Messaging, openDatabase, MessagingTransport, startMessaging } from '@cascata/messaging'
import {
  appHome,
  type Clock,
  createClient,
  createLogger,
  createRegistry,
  kafkaOf,
  startService,
  systemClock,
} from '@cascata/service'
import { api } from './api.ts'
import { RegistryModule } from './app.module.ts'
import { type BlobStore, openBlobStore } from './blobs/blob-store.ts'
import { blobRoutes } from './blobs/blobs.routes.ts'
import { type RegistryConfig } from './config.ts'
import { delivering } from './deliveries/deliver.ts'
import { consumers } from './consumers.ts'
import { keptFigures } from './kept-figures.ts'
import { counted, exportKept, registryMetrics } from './metrics.ts'
import { migrations } from './migrations.ts'
import { mlflowErrors } from './mlflow/endpoints.ts'
import { mlflowRoutes } from './mlflow/routes.ts'
import { keepingHouse } from './retention/keep-house.ts'
import { applyResources, planResources } from './resources/apply-resources.ts'
import { factOf } from './resources/facts.ts'
import { resourceRoutes } from './resources/resources.routes.ts'
import { allResources } from './resources/resources.store.ts'
import { commandChampion } from './versions/command-champion.ts'
import { openSecrets, sealKept } from './webhooks/secrets.ts'

/** Says on `cascata.specs` what the topic lacks of the table, whenever this replica becomes leader. */
const sayAgain = (messaging: Messaging, db: Database) =>
  messaging.republish(specs, [resourceApplied, resourceDeleted], async () =>
    (await allResources(db)).map((revision) => factOf(revision, revision.commit)),
  )

/** Starts the registry; `stop` ends what it opened, in the reverse order. */
export const start = async (
  config: RegistryConfig,
  { clock = systemClock }: { clock?: Clock } = {},
): Promise<{ url: string; stop: () => Promise<void> }> => {
  const log = createLogger('registry', config.logLevel)
  const registry = createRegistry('registry')
  const metrics = registryMetrics(registry)
  const opened = await openBlobStore(config.data, config.artifactLimit)
  const blobs: BlobStore = { ...opened, put: counted(metrics.uploads, 'kept', opened.put) }
  await blobs.sweep()
  const db = await openDatabase({
    url: config.databaseUrl,
    schema: config.schema,
    migrations,
    log,
    poolSize: config.databasePool,
  })
  const secrets = await openSecrets(config.secretsKey, join(appHome(config.home, 'registry'), 'secrets.key'))
  await sealKept(db, secrets, log)
  const origin = { producer: config.registryUrl, kafka: config.kafkaBrokers[0] ?? 'kafka' }
  const handlers = consumers(config.openLineageUrl === null ? null : origin)
  const messaging = await startMessaging({ app: 'registry', kafka: kafkaOf(config), db, consumers: handlers, log, registry })
  sayAgain(messaging, db)
  const { blobGrace: graceMs, retention: retentionMs, webhookHosts: allowed, webhookTimeout: timeoutMs, openLineageUrl } = config
  messaging.leader('house', keepingHouse({ db, blobs, clock, log, graceMs, retentionMs }))
  messaging.leader('deliveries', delivering({ db, clock, log, secrets, allowed, timeoutMs, openLineageUrl }))
  exportKept(registry, () => keptFigures(db))

  const transfers = { db, clock, blobs, limitBytes: config.artifactLimit, timeoutMs: config.transferTimeout }
  const deployer = createClient({ baseUrl: config.deployerUrl, token: config.serviceToken, log })
  const apply = counted(metrics.applies, 'applied', applyResources({ db, clock }))
  return startService({
    app: 'registry',
    config,
    log,
    registry,
    notes: api,
    module: RegistryModule.of({ db, clock, blobs, origin }),
    routes: (fastify) => {
      resourceRoutes(fastify, { apply, plan: planResources({ db }), limit: config.resourcesLimit })
      blobRoutes(fastify, transfers)
      mlflowRoutes(fastify, {
        ...transfers,
        champion: commandChampion({ db, deployer }),
        webhooks: { secrets, allowed, timeoutMs },
      })
    },
    errorFormats: mlflowErrors,
    transports: [new MessagingTransport(messaging)],
    checks: { messaging: () => messaging.check(), blobs: () => blobs.check() },
    onStop: async () => {
      deployer.close()
      await messaging.stop()
      await db.close()
      blobs.close()
    },
  })
}
