import { STATUS_CODES } from 'node:http'
import { type Socket } from 'node:net'
import { fastify as createFastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type CommonConfig } from './config.ts'
import { type Context, contextOf, correlationHeader, runInContext } from './context.ts'
import { type CodedError } from './errors.ts'
import { badRequest, headersTooLarge, methodNotAllowed, notFound, requestTooSlow, toCodedError } from './http-errors.ts'
import { parseJsonBody } from './json-body.ts'
import { type Logger } from './logger.ts'
import { httpHistogram, type Registry } from './metrics.ts'
import { endSlowBodies, type Patience } from './slow-bodies.ts'

declare module 'fastify' {
  interface FastifyRequest {
    cascata: Context
  }
}

/** How errors look under a path that a foreign protocol defines; the first prefix that fits is taken. */
export interface ErrorFormat {
  prefix: string
  format: (error: CodedError, request: FastifyRequest) => { status?: number; body: unknown }
}

interface ServerParts {
  config: CommonConfig
  log: Logger
  registry: Registry
  errorFormats: readonly ErrorFormat[]
  /** With bodies that stop coming. */
  patience?: Patience
}

/** Answers any error: coded, in the format of its path, and logged with its cause when it is ours. */
export const errorResponder =
  ({ config, log, errorFormats }: Omit<ServerParts, 'registry' | 'patience'>) =>
  (raised: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const limits = {
      bodyLimit: request.routeOptions.bodyLimit ?? config.bodyLimit,
      timeoutMs: request.routeOptions.handlerTimeout || config.requestTimeout,
      contentType: request.headers['content-type']?.slice(0, 100) ?? '',
      correlationId: request.cascata.correlationId,
    }
    const error = toCodedError(raised, limits)
    const fields = { code: error.code, status: error.status, method: request.method, route: request.routeOptions.url, ...limits }
    if (error.status < 500) log.debug({ ...fields, message: error.message }, 'a request was refused')
    else if (error === raised && error.status !== 500)
      log.warn({ ...fields, message: error.message }, 'a request could not be served')
    else log.error({ ...fields, err: error.cause ?? error }, 'a request failed')
    if (reply.sent) return reply
    if (error.status === 401) void reply.header('www-authenticate', 'Bearer')
    if ((error.status === 503 || error.status === 429) && error.retry)
      void reply.header('retry-after', String(error.details['retryAfterSeconds'] ?? 1))
    if (Array.isArray(error.details['allowed'])) void reply.header('allow', error.details['allowed'].join(', '))
    const format = errorFormats.find(({ prefix }) => request.url.startsWith(prefix))
    const { status = error.status, body } = format ? format.format(error, request) : { body: error.body() }
    return reply
      .code(status)
      .removeHeader('content-type')
      .type('application/json; charset=utf-8')
      .serializer(JSON.stringify)
      .send(body)
  }

/** Requests that are no HTTP never reach a route; they are answered coded all the same. */
const answerClientError = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const coded =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? headersTooLarge()
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? requestTooSlow()
        : badRequest({ reason: 'it is not HTTP' })
  answerSocket(coded, socket)
}

/** Answers where there is no reply to answer with, and closes. */
const answerSocket = (coded: CodedError, socket: Socket): void => {
  const body = JSON.stringify(coded.body())
  const head = [
    `HTTP/1.1 ${coded.status} ${STATUS_CODES[coded.status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

const matcherOf = (url: string): RegExp =>
  new RegExp(
    `^${url
      .replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll(/:[A-Za-z_]\w*/g, '[^/]+')
      .replaceAll('*', '.*')}$`,
  )

/** Answers 405 where another method would fit, else 404. */
const installNotFound = (fastify: FastifyInstance) => {
  const known = new Map<string, { matcher: RegExp; methods: Set<string> }>()
  fastify.addHook('onRoute', ({ url, method }) => {
    const entry = known.get(url) ?? { matcher: matcherOf(url), methods: new Set<string>() }
    for (const each of [method].flat()) entry.methods.add(each)
    known.set(url, entry)
  })
  fastify.setNotFoundHandler((request) => {
    const path = request.url.split('?')[0]!
    const allowed = new Set(
      [...known.values()].filter(({ matcher }) => matcher.test(path)).flatMap(({ methods }) => [...methods]),
    )
    const asked = { method: request.method, path: path.slice(0, 200) }
    if (allowed.size > 0 && !allowed.has(request.method)) throw methodNotAllowed({ ...asked, allowed: [...allowed].sort() })
    throw notFound(asked)
  })
}

const installContext = (fastify: FastifyInstance) => {
  fastify.decorateRequest('cascata', null as unknown as Context)
  fastify.addHook('onRequest', (request, reply, next) => {
    request.cascata = contextOf(request.headers)
    void reply.headers(securityHeaders).header(correlationHeader, request.cascata.correlationId)
    // PostgreSQL has no text with a NUL in it: as a name or a filter it would be a fault of ours.
    next(/%00|\0/.test(request.url) ? badRequest({ reason: 'the URL holds a NUL' }) : undefined)
  })
  // Only here: what runs after the body was read has lost the context of the first hook.
  fastify.addHook('preValidation', (request, _reply, next) => runInContext(request.cascata, next))
}

const installMetrics = (fastify: FastifyInstance, registry: Registry) => {
  const seconds = httpHistogram(registry)
  fastify.addHook('onResponse', (request, reply, next) => {
    const labels = {
      method: request.method,
      route: request.is404 ? 'unmatched' : (request.routeOptions.url ?? 'unmatched'),
      status: reply.statusCode,
    }
    seconds.observe(labels, reply.elapsedTime / 1000)
    next()
  })
}

/** What browsers must be told by an API; constant, as there is no need to build it anew for every request. */
const securityHeaders = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** A Fastify instance that keeps the promises of every app: limits, coded errors, context, metrics, headers. No route of its own yet. */
export const createHttpServer = (parts: ServerParts): FastifyInstance => {
  const { config, registry, patience = { idleMs: 30_000, leastBytes: 1_024 } } = parts
  const respond = errorResponder(parts)
  const fastify = createFastify({
    logger: false,
    bodyLimit: config.bodyLimit,
    requestTimeout: 0,
    keepAliveTimeout: 72_000,
    routerOptions: { maxParamLength: 1024, ignoreDuplicateSlashes: false },
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    http: { headersTimeout: 20_000, maxHeaderSize: 16_384, requireHostHeader: true },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => {
      request.cascata ??= contextOf(request.headers)
      respond(error, request, reply)
    },
  })
  fastify.removeAllContentTypeParsers()
  for (const type of ['application/json', /^application\/[\w.-]+\+json(;|$)/]) {
    fastify.addContentTypeParser(type, { parseAs: 'string' }, (_request, text, done) => {
      try {
        done(null, parseJsonBody(text as string, config.jsonDepth))
      } catch (error) {
        done(error as Error)
      }
    })
  }
  fastify.setErrorHandler(respond)
  installContext(fastify)
  endSlowBodies(fastify, patience, (socket) => answerSocket(requestTooSlow(), socket))
  installMetrics(fastify, registry)
  installNotFound(fastify)
  return fastify
}
