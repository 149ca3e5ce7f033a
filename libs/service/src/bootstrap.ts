import {
  type ArgumentsHost,
  type DynamicModule,
  type ExceptionFilter,
  type LoggerService,
  type NestApplicationOptions,
  StandardSchemaValidationPipe,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { startFailed } from './start-errors.ts'
import { assertSafeAddress, installGuard } from './guard.ts'
import { createReadiness } from './health.ts'
import { invalidRequest } from './http-errors.ts'
import { createHttpServer, errorResponder } from './http-server.ts'
import { type Logger } from './logger.ts'
import { openApiDocument } from './openapi.ts'
import { permission } from './permission.ts'
import { type RunningService, type ServiceOptions } from './service.ts'
import { startTelemetry, traceRequests } from './telemetry.ts'

/** The adapter of Nest with error and not-found handling left to `http-server.ts`, and without middleware. */
class Adapter extends FastifyAdapter {
  override async init(): Promise<void> {}
  override setErrorHandler(): ReturnType<FastifyAdapter['setErrorHandler']> {
    return this.getInstance()
  }
  override setNotFoundHandler(): ReturnType<FastifyAdapter['setNotFoundHandler']> {
    return this.getInstance()
  }
}

const nestLogger = (log: Logger): LoggerService => ({
  log: (message: unknown) => log.debug({ from: 'nest' }, String(message)),
  debug: (message: unknown) => log.debug({ from: 'nest' }, String(message)),
  verbose: (message: unknown) => log.trace({ from: 'nest' }, String(message)),
  warn: (message: unknown) => log.warn({ from: 'nest' }, String(message)),
  error: (message: unknown) => log.error({ from: 'nest' }, String(message)),
})

const validation = new StandardSchemaValidationPipe({
  exceptionFactory: (issues) =>
    invalidRequest({
      problems: issues
        .slice(0, 20)
        .map(({ path, message }) =>
          [path?.map((part) => (typeof part === 'object' ? String(part.key) : String(part))).join('.'), message]
            .filter(Boolean)
            .join(': '),
        ),
    }),
})

const moduleOf = ({ module, controllers, providers }: ServiceOptions): DynamicModule => {
  class AppModule {}
  return { module: AppModule, imports: module ? [module] : [], controllers: controllers ?? [], providers: providers ?? [] }
}

/** `/healthz`, `/readyz`, `/metrics`, `/openapi.json`. */
const addOperations = (
  fastify: FastifyInstance,
  { app, config, registry, checks }: ServiceOptions,
  document: () => Promise<object>,
) => {
  const readiness = createReadiness(checks ?? {})
  const started = Date.now()
  const state = { stopping: false }
  const open = { permission: permission('public', { scope: 'none' }) }
  const insight = { permission: permission(config.metrics === 'public' ? 'public' : 'viewer', { scope: 'none' }) }
  let openApi: Promise<object> | undefined

  fastify.get('/healthz', { config: open }, () => ({
    status: 'ok',
    app,
    uptimeSeconds: Math.round((Date.now() - started) / 1000),
  }))
  fastify.get('/readyz', { config: open }, async (_request, reply) => {
    const { status, checks } = state.stopping ? { status: 'stopping' as const, checks: {} } : await readiness()
    return reply.code(status === 'ready' ? 200 : 503).send({ status, app, checks })
  })
  fastify.get('/metrics', { config: insight }, async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  )
  fastify.get('/openapi.json', { config: insight }, () => (openApi ??= document()))
  return state
}

const buildNest = async (options: ServiceOptions, fastify: FastifyInstance): Promise<NestFastifyApplication> => {
  const { config, log, errorFormats = [] } = options
  const respond = errorResponder({ config, log, errorFormats })
  const nestOptions: NestApplicationOptions = { logger: nestLogger(log), abortOnError: false, bodyParser: false }
  const nest = await NestFactory.create<NestFastifyApplication>(moduleOf(options), new Adapter(fastify as never), nestOptions)
  const filter: ExceptionFilter = {
    catch(error: unknown, host: ArgumentsHost) {
      const http = host.switchToHttp()
      respond(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>())
    },
  }
  nest.useGlobalFilters(filter)
  nest.useGlobalPipes(validation)
  await options.routes?.(fastify)
  for (const strategy of options.transports ?? []) nest.connectMicroservice({ strategy }, { inheritAppConfig: false })
  await nest.init()
  await nest.startAllMicroservices()
  return nest
}

const listen = async (fastify: FastifyInstance, { app, config }: ServiceOptions): Promise<string> => {
  try {
    return await fastify.listen({ host: config.host, port: config.port })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw startFailed(
      { app, address: `${config.host}:${config.port}`, reason: code === 'EADDRINUSE' ? 'the port is in use' : message },
      { cause: error },
    )
  }
}

/** Stops taking requests, answers those under way, then lets go of what the app holds. */
const stopper = (
  nest: NestFastifyApplication,
  fastify: FastifyInstance,
  { config, log, onStop }: ServiceOptions,
  before: () => void,
  after: () => Promise<void>,
) => {
  let stopped: Promise<void> | undefined
  const stop = async () => {
    before()
    const impatient = setTimeout(() => fastify.server.closeAllConnections(), config.drainTimeout)
    await nest.close().catch((error: unknown) => log.error({ err: error }, 'closing the server failed'))
    clearTimeout(impatient)
    await onStop?.()
    await after()
    log.info('stopped')
  }
  return () => (stopped ??= stop())
}

export const bootstrap = async (options: ServiceOptions): Promise<RunningService> => {
  const { app, config, log, registry, errorFormats = [] } = options
  assertSafeAddress(config)
  const telemetry = await startTelemetry(app, config.otlpEndpoint)
  const fastify = createHttpServer({ config, log, registry, errorFormats })
  const guard = await installGuard(fastify, config, log)
  const release = async () => {
    guard.stop()
    await telemetry?.stop()
  }
  try {
    if (telemetry) traceRequests(fastify, app)
    const built: { nest?: NestFastifyApplication } = {}
    const state = addOperations(fastify, options, () =>
      openApiDocument(built.nest!, app, options.version ?? '0.1.0', guard.routes, options.notes),
    )
    const nest = (built.nest = await buildNest(options, fastify))
    await fastify.ready()
    guard.assertComplete()
    const url = (await listen(fastify, options)).replace('[::1]', 'localhost')
    log.info({ url }, 'ready to answer')
    const stop = stopper(nest, fastify, options, () => (state.stopping = true), release)
    return { url, stop, routes: guard.routes, fastify }
  } catch (error) {
    await fastify.close().catch(() => undefined)
    await release()
    throw error
  }
}
