import { resourceApplied, resourceDeleted, specs } from '@cascata/events'
import { openDatabase, startMessaging } from '@cascata/messaging'
import { createLogger, createRegistry, startService, systemClock } from '@cascata/service'
import { RegistryModule } from './app.module.ts'
import { openBlobStore } from './blobs/blob-store.ts'
import { blobRoutes } from './blobs/blobs.routes.ts'
import { type RegistryConfig } from './config.ts'
import { consumers } from './consumers.ts'
import { Resources1764000100000 } from './migrations/1764000100000-resources.ts'
import { Tracking1764000200000 } from './migrations/1764000200000-tracking.ts'
import { Versions1764000300000 } from './migrations/1764000300000-versions.ts'
import { LoggedModelMetrics1764000400000 } from './migrations/1764000400000-logged-model-metrics.ts'
import { mlflowErrors } from './mlflow/endpoints.ts'
import { mlflowRoutes } from './mlflow/routes.ts'
import { applyResources, planResources } from './resources/apply-resources.ts'
import { factOf } from './resources/facts.ts'
import { resourceRoutes } from './resources/resources.routes.ts'
import { allResources } from './resources/resources.store.ts'

const migrations = [Resources1764000100000, Tracking1764000200000, Versions1764000300000, LoggedModelMetrics1764000400000]

const kafkaOf = ({ kafkaBrokers, kafkaTls, kafkaMechanism, kafkaUser, kafkaPassword }: RegistryConfig) => ({
  brokers: kafkaBrokers,
  clientId: 'registry',
  ssl: kafkaTls,
  ...(kafkaMechanism === 'none'
    ? {}
    : { sasl: { mechanism: kafkaMechanism, username: kafkaUser ?? '', password: kafkaPassword ?? '' } as never }),
})

/** Starts the registry; `stop` ends what it opened, in the reverse order. */
export const start = async (config: RegistryConfig): Promise<{ url: string; stop: () => Promise<void> }> => {
  const log = createLogger('registry', config.logLevel)
  const registry = createRegistry('registry')
  const blobs = await openBlobStore(config.data, config.artifactLimit)
  await blobs.sweep()
  const db = await openDatabase({
    url: config.databaseUrl,
    schema: config.schema,
    migrations,
    log,
    poolSize: config.databasePool,
  })
  const messaging = await startMessaging({ app: 'registry', kafka: kafkaOf(config), db, consumers, log, registry })
  messaging.republish(specs, [resourceApplied, resourceDeleted] as never, async () =>
    (await allResources(db)).map((revision) => factOf(revision, revision.commit)),
  )
  return startService({
    app: 'registry',
    config,
    log,
    registry,
    module: RegistryModule.of({ db, clock: systemClock }),
    routes: (fastify) => {
      resourceRoutes(fastify, {
        apply: applyResources({ db, clock: systemClock }),
        plan: planResources({ db }),
        limit: config.resourcesLimit,
      })
      const transfers = { db, blobs, limitBytes: config.artifactLimit, timeoutMs: config.transferTimeout }
      blobRoutes(fastify, transfers)
      mlflowRoutes(fastify, { ...transfers, clock: systemClock })
    },
    errorFormats: mlflowErrors,
    checks: { messaging: () => messaging.check(), blobs: () => blobs.check() },
    onStop: async () => {
      await messaging.stop()
      await db.close()
    },
  })
}
