import { predictions, routeChanged, routes } from '@cascata/events'
import { fact, openDatabase, MessagingTransport, startMessaging } from '@cascata/messaging'
import { type Clock, createClient, createLogger, createRegistry, kafkaOf, startService, systemClock } from '@cascata/service'
import { api } from './api.ts'
import { DeployerModule } from './app.module.ts'
import { type DeployerConfig } from './config.ts'
import { consumers } from './consumers.ts'
import { usualJudgement } from './evidence/decide-evidence.ts'
import { onPredictions } from './evidence/on-predictions.ts'
import { deployerMetrics, exportServing } from './metrics.ts'
import { Deployer1764000200000 } from './migrations/1764000200000-deployer.ts'
import { askMonitor } from './rollouts/ask-realised.ts'
import { saidRoutes, servingFigures } from './rollouts/deployments.store.ts'
import { lookAtAll, lookWhenCounted } from './rollouts/look-at-rollouts.ts'
import { factHandlers } from './rollouts/on-facts.ts'

/** Starts the deployer; `stop` ends what it opened, in the reverse order. */
export const start = async (
  config: DeployerConfig,
  { clock = systemClock }: { clock?: Clock } = {},
): Promise<{ url: string; stop: () => Promise<void> }> => {
  const log = createLogger('deployer', config.logLevel)
  const registry = createRegistry('deployer')
  const metrics = deployerMetrics(registry)
  const db = await openDatabase({
    url: config.databaseUrl,
    schema: config.schema,
    migrations: [Deployer1764000200000],
    log,
    poolSize: config.databasePool,
  })
  const messaging = await startMessaging({
    app: 'deployer',
    kafka: kafkaOf(config),
    db,
    consumers: consumers(factHandlers({ clock, metrics })),
    log,
    registry,
  })

  exportServing(registry, () => servingFigures(db))

  const monitor = createClient({ baseUrl: config.monitorUrl, token: config.serviceToken, log, timeoutMs: 20_000 })
  const askRealised = askMonitor({ client: monitor, clock, log, everyMs: config.askMonitor })
  const looking = {
    db,
    clock,
    log,
    metrics,
    askRealised,
    judgement: { ...usualJudgement, latencyFloorMs: config.latencyFloor },
    tickMs: config.tick,
  }
  const counted = lookWhenCounted(looking)
  messaging.leader('rollouts', lookAtAll(looking))
  messaging.republish(routes, [routeChanged], async () =>
    (await saidRoutes(db)).map(({ route, revision, generation }) => fact(routeChanged, { ...route, revision, generation })),
  )
  messaging.ingest({
    consumer: config.group,
    topics: [predictions.name],
    startFrom: 'earliest',
    maxRows: config.batchRows,
    sink: onPredictions({ metrics, onCounted: counted.counted }),
    onHalt: async (_tx, gap) => log.error(gap, 'predictions were lost to the rollouts: the cursor lies outside of the topic'),
  })

  return startService({
    app: 'deployer',
    config,
    log,
    registry,
    notes: api,
    module: DeployerModule.of({ db, clock, metrics }),
    transports: [new MessagingTransport(messaging)],
    checks: { messaging: () => messaging.check() },
    onStop: async () => {
      await counted.stop()
      await messaging.stop()
      monitor.close()
      await db.close()
    },
  })
}
