import { openDatabase, MessagingTransport, startMessaging } from '@cascata/messaging'
import { createLogger, createRegistry, kafkaOf, startService, systemClock } from '@cascata/service'
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { api } from './api.ts'
import { DispatcherModule } from './app.module.ts'
import { type DispatcherConfig } from './config.ts'
import { consumers } from './consumers.ts'
import { processExecutor } from './executor/process-executor.ts'
import { dispatcherMetrics } from './metrics.ts'
import { Dispatcher1764000100000 } from './migrations/1764000100000-dispatcher.ts'
import { ClientVersions1764000200000 } from './migrations/1764000200000-client-versions.ts'
import { Reproductions1764000600000 } from './migrations/1764000600000-reproductions.ts'
import { reproducing } from './reproductions/reproduce.ts'
import { conducting } from './runs/conductor.ts'
import { inFreezeWindow } from './runs/freeze-windows.ts'
import { sweeping } from './runs/sweep-runs.ts'
import { type Tools } from './runs/tools.ts'
import { weighing } from './triggers/apply-decision.ts'
import { featureStoreClient } from './upstream/feature-store.ts'
import { mlflowClient } from './upstream/mlflow.ts'
import { registryClient } from './upstream/registry.ts'

/** Starts the dispatcher; `stop` ends what it opened, in the reverse order. Jobs under way go on and are taken up by the next start. */
export const start = async (given: DispatcherConfig): Promise<{ url: string; stop: () => Promise<void> }> => {
  const config = { ...given, runs: resolve(given.runs) }
  const log = createLogger('dispatcher', config.logLevel)
  const registry = createRegistry('dispatcher')
  const metrics = dispatcherMetrics(registry)
  const clock = systemClock
  inFreezeWindow(config.freezeWindows, clock.now())
  await mkdir(config.runs, { recursive: true })
  const db = await openDatabase({
    url: config.databaseUrl,
    schema: config.schema,
    migrations: [Dispatcher1764000100000, ClientVersions1764000200000, Reproductions1764000600000],
    log,
    poolSize: config.databasePool,
  })
  const weigh = weighing({ clock, metrics })
  const upstream = { token: config.serviceToken, log }
  const tools: Tools = {
    db,
    weigh,
    clock,
    config,
    log,
    metrics,
    executor: processExecutor({ clock }),
    registry: registryClient({ ...upstream, baseUrl: config.registryUrl }),
    featureStore: featureStoreClient({ ...upstream, baseUrl: config.featureStoreUrl }),
    mlflow: mlflowClient({ ...upstream, baseUrl: config.registryUrl }),
  }
  const handlers = consumers({ weigh, clock })
  const messaging = await startMessaging({ app: 'dispatcher', kafka: kafkaOf(config), db, consumers: handlers, log, registry })
  messaging.leader('conductor', conducting(tools).run)
  messaging.leader('reproductions', reproducing(tools))
  messaging.leader('sweeping of runs', sweeping(tools))
  return startService({
    app: 'dispatcher',
    config,
    log,
    registry,
    notes: api,
    module: DispatcherModule.of(tools),
    transports: [new MessagingTransport(messaging)],
    checks: { messaging: () => messaging.check() },
    onStop: async () => {
      await messaging.stop()
      for (const client of [tools.registry, tools.featureStore, tools.mlflow]) client.close()
      await db.close()
    },
  })
}
