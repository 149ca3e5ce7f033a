import { randomBytes } from 'node:crypto'
import { join, resolve } from 'node:path'
import { connectKafka } from '@cascata/messaging'
import { createClient, createLogger, createRegistry, kafkaOf, startService, type Logger } from '@cascata/service'
import { api } from './api.ts'
import { type InferenceConfig } from './config.ts'
import { consumers } from './consumers.ts'
import { inferencer } from './infer/inferencer.ts'
import { inferRoutes, protocolErrors } from './infer/infer.routes.ts'
import { modelsByName } from './infer/models-by-name.ts'
import { lazyProducer } from './log/lazy-producer.ts'
import { predictionLog } from './log/prediction-log.ts'
import { recorder } from './log/recorder.ts'
import { toldFacts } from './log/told-facts.ts'
import { createMetrics } from './metrics.ts'
import { startEngine } from './models/engine.ts'
import { versionStore } from './models/version-files.ts'
import { featureLookup } from './predict/feature-lookup.ts'
import { predictor } from './predict/predictor.ts'
import { predictRoutes } from './predict/predict.routes.ts'
import { lastGood } from './routing/last-good.ts'
import { modelPool } from './routing/model-pool.ts'
import { startRouter } from './routing/router.ts'
import { specBook } from './routing/spec-book.ts'
import { startupGate } from './routing/startup-gate.ts'
import { shadowQueue } from './shadow/shadow-queue.ts'

/** `1` → `inference-1`; fit for a file name. */
const nameOfReplica = (replica: string): string =>
  `${/^\d/.test(replica) ? 'inference-' : ''}${replica.replaceAll(/[^A-Za-z0-9_-]/g, '_')}`.slice(0, 60)

/** Everything that answers, in the order of the dependencies. */
function assemble(config: InferenceConfig, log: Logger) {
  const registry = createRegistry('inference')
  const metrics = createMetrics(registry)
  const replica = nameOfReplica(config.replica)
  const folder = join(resolve(config.home), 'data', 'inference', replica)
  const origin = `${replica}-${randomBytes(5).toString('hex')}`
  const token = config.serviceToken

  const kafka = connectKafka({ ...kafkaOf(config), clientId: replica }, log)
  const producer = lazyProducer(kafka, log)
  const tells = toldFacts({ producer: lazyProducer(kafka, log), replica, log })
  const written = predictionLog({ producer, origin, buffer: config.logBuffer, batch: config.logBatch, metrics, log })

  const engine = startEngine({
    placement: { loadMs: config.inlineLoad, runMs: config.inlineRun },
    hostMemoryMiB: Math.floor(config.hostMemory / 1024 ** 2),
    trialTimeoutMs: config.trialTimeout,
    runTimeoutMs: config.runTimeout,
    goldenTolerance: 1e-4,
    onHostExit: (host, why) => {
      metrics.hostExits.inc({ host })
      log.error({ host, why }, 'a process of the models died')
    },
  })
  const registryClient = createClient({ baseUrl: config.registryUrl, token, log })
  const files = versionStore({ folder, registry: registryClient, maxBytes: 256 * 1024 ** 2 })
  const pool = modelPool({ engine, files })
  const kept = lastGood({
    folder,
    files,
    onError: (error) => log.error({ err: error }, 'the last good routes could not be kept'),
  })
  const router = startRouter({ pool, tells, metrics, log, onChange: () => kept.keepRoutes(router) })
  const specs = specBook()

  const shadow = shadowQueue({ most: config.shadowQueue, metrics })
  const store = createClient({ baseUrl: config.featureStoreUrl, token, log, connections: 16 })
  const lookup = featureLookup({ store, maxRows: config.lookupRows, timeoutMs: config.lookupTimeout, metrics })
  const record = recorder({ log: written, metrics })
  const infer = inferencer({ specs, shadow, recorder: record, origin })
  const predict = predictor({ specs, lookup, shadow, recorder: record, metrics, rows: config.rows, origin })
  return {
    registry,
    metrics,
    kafka,
    producer,
    tells,
    written,
    engine,
    registryClient,
    kept,
    router,
    specs,
    shadow,
    lookup,
    infer,
    predict,
  }
}

type Parts = ReturnType<typeof assemble>

/** Stops in the order in which work flows: what is under way is answered, scored and logged before its parts go. */
const stopAll = async (parts: Parts, readers: ReturnType<typeof consumers>, drainMs: number): Promise<void> => {
  await Promise.all([readers.routes.stop(), readers.specs.stop()])
  await parts.shadow.stop()
  await parts.written.stop(drainMs)
  await parts.router.stop()
  await parts.engine.stop()
  await Promise.all([parts.tells.stop(), parts.kept.flushed()])
  await parts.producer.close()
  parts.lookup.close()
  parts.registryClient.close()
}

/** Starts the inference service; it answers from the routes on its disk until the topics have been read. */
export const start = async (config: InferenceConfig): Promise<{ url: string; stop: () => Promise<void> }> => {
  const log = createLogger('inference', config.logLevel)
  const parts = assemble(config, log)
  const { router, specs, kept, metrics } = parts
  const restored = await kept.restore(router, specs)
  const readers = consumers({ kafka: parts.kafka, router, specs, onSpecs: () => kept.keepSpecs(specs), log })
  const gate = startupGate({ readers, router, restored: restored > 0, waitMs: config.startupWait })
  const models = modelsByName(router, specs)

  return startService({
    app: 'inference',
    config,
    log,
    registry: parts.registry,
    notes: api,
    errorFormats: [protocolErrors],
    routes: (fastify) => {
      const { inferBodyLimit: bodyLimit, elements, depth, parseAside, runTimeout: timeoutMs } = config
      const limits = { elements, depth, inputs: 10_000, dimensions: 8 }
      inferRoutes(fastify, {
        models,
        router,
        infer: parts.infer,
        host: parts.engine.host,
        metrics,
        limits,
        bodyLimit,
        timeoutMs,
        parseAside,
        isReady: gate.isOpen,
      })
      predictRoutes(fastify, { models, predict: parts.predict, metrics, bodyLimit })
    },
    checks: { routes: gate.check },
    onStop: () => stopAll(parts, readers, config.drainTimeout),
  })
}
