import { connect } from 'node:net'
import { once } from 'node:events'
import { Body, Controller, Get, HttpException, Inject, Param, Post } from '@nestjs/common'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineConfig } from './config.ts'
import { currentCause, currentContext } from './context.ts'
import { CodedError, defineError } from './errors.ts'
import { createLogger } from './logger.ts'
import { createRegistry } from './metrics.ts'
import { Limits, Permission, permission } from './permission.ts'
import { type RunningService, type ServiceOptions, startService } from './service.ts'
import { setting } from './setting.ts'

const config = defineConfig('trial', { port: setting.port(0) })

const teapot = defineError<{ pot: string }>({
  code: 'TRIAL_TEAPOT',
  status: 418,
  retry: false,
  message: ({ pot }) => `${pot} is a teapot.`,
  hint: 'Ask for coffee elsewhere.',
})

const warming = defineError<{ pot: string }>({
  code: 'TRIAL_WARMING',
  status: 503,
  retry: true,
  message: ({ pot }) => `${pot} is warming up.`,
  hint: 'Wait.',
})

const order = z.object({ drink: z.string().max(20), cups: z.number().int().min(1) })

@Controller('v1')
@Permission('viewer')
class DrinksController {
  private readonly menu: string[]
  constructor(@Inject('MENU') menu: string[]) {
    this.menu = menu
  }
  @Get('menu')
  @Permission('viewer', { scope: 'none' })
  list() {
    return { menu: this.menu, correlationId: currentContext()?.correlationId, cause: currentCause() }
  }
  @Post('orders')
  order(@Body({ schema: order }) body: z.infer<typeof order>) {
    return { ...body, correlationId: currentContext()?.correlationId }
  }
  @Get('pots/:name')
  pot(@Param('name') name: string) {
    if (name === 'crash') throw new Error('the database password is hunter2')
    if (name === 'nest') throw new HttpException('gone away', 410)
    if (name === 'odd') throw 'a string'
    if (name === 'cold') throw warming({ pot: name })
    throw teapot({ pot: name })
  }
  @Get('slow')
  @Limits({ timeoutMs: 100 })
  async slow() {
    await new Promise((resolve) => setTimeout(resolve, 5_000).unref())
    return {}
  }
  @Post('small')
  @Limits({ bodyLimit: 100 })
  small() {
    return {}
  }
}

const lines: string[] = []

const options = (more: Partial<ServiceOptions> = {}): ServiceOptions => ({
  app: 'trial',
  config: config.parse({ CASCATA_DRAIN_TIMEOUT: '2s' }),
  log: createLogger('trial', 'debug', { write: (line) => void lines.push(line) }),
  registry: createRegistry('trial'),
  controllers: [DrinksController],
  providers: [{ provide: 'MENU', useValue: ['tea'] }],
  routes: (fastify) => {
    fastify.post('/v2/hot/:model', { config: { permission: permission('viewer') } }, (request) => ({ got: request.body }))
    fastify.get('/v2/fail', { config: { permission: permission('viewer') } }, () => {
      throw teapot({ pot: 'this' })
    })
  },
  errorFormats: [{ prefix: '/v2/', format: (error) => ({ body: { error: `${error.code}: ${error.message}` } }) }],
  ...more,
})

let service: RunningService
beforeAll(async () => {
  service = await startService(options())
})
afterAll(() => service.stop())

const call = async (path: string, init: RequestInit = {}) => {
  const answer = await fetch(service.url + path, init)
  const text = await answer.text()
  return {
    status: answer.status,
    headers: answer.headers,
    body: text.startsWith('{') ? (JSON.parse(text) as Record<string, any>) : text,
  }
}
const post = (path: string, body: string, contentType: string | null = 'application/json') =>
  call(path, {
    method: 'POST',
    body: contentType === null ? Buffer.from(body) : body,
    headers: contentType === null ? {} : { 'content-type': contentType },
  })

/** What the server answers to bytes that no client would send. */
const raw = async (bytes: string): Promise<string> => {
  const socket = connect(Number(new URL(service.url).port), '127.0.0.1')
  let answer = ''
  socket.on('data', (data) => (answer += data.toString()))
  socket.write(bytes)
  await once(socket, 'close')
  return answer
}

describe('requests', () => {
  it('reach Nest and Fastify routes', async () => {
    expect((await call('/v1/menu')).body).toMatchObject({ menu: ['tea'] })
    expect((await post('/v2/hot/m', '{"a":1}')).body).toEqual({ got: { a: 1 } })
  })

  it('carry a correlation id and a cause, also after a body was read; an illegal one is replaced', async () => {
    const sent = await call('/v1/orders', {
      method: 'POST',
      body: '{"drink":"tea","cups":1}',
      headers: { 'content-type': 'application/json', 'cascata-correlation-id': 'abc-1' },
    })
    expect(sent.body).toEqual({ drink: 'tea', cups: 1, correlationId: 'abc-1' })
    expect(sent.headers.get('cascata-correlation-id')).toBe('abc-1')
    const cause = { id: 'e-1', correlationid: 'abc-1', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
    const headers = { 'cascata-correlation-id': 'abc-1', 'cascata-causation-id': 'e-1', traceparent: cause.traceparent }
    expect((await call('/v1/menu', { headers })).body).toMatchObject({ cause })
    expect((await call('/v1/menu', { headers: { 'cascata-causation-id': '"' } })).body).not.toHaveProperty('cause')
    const forged = await call('/v1/menu', { headers: { 'cascata-correlation-id': 'a b"c' } })
    expect(forged.headers.get('cascata-correlation-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('are validated by the zod schema', async () => {
    const answer = await post('/v1/orders', '{"drink":7,"cups":0}')
    expect(answer).toMatchObject({ status: 400, body: { code: 'HTTP_REQUEST_INVALID' } })
    expect(answer.body).toMatchObject({
      details: { problems: [expect.stringContaining('drink: '), expect.stringContaining('cups: ')] },
    })
  })

  it('are counted by route template, not by path', async () => {
    await call('/v1/pots/one')
    await call('/nowhere/at/all')
    await call('/.hidden')
    const { body } = await call('/metrics')
    expect(body).toContain('cascata_http_request_seconds_count{app="trial",method="GET",route="/v1/pots/:name",status="418"}')
    expect(body).toContain('route="unmatched"')
    expect(body).not.toContain('nowhere')
    expect(body).toContain('process_cpu_seconds_total')
  })

  it('are answered with security headers', async () => {
    const { headers } = await call('/v1/menu')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('x-powered-by')).toBeNull()
  })
})

describe('errors', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`

  it.each<[string, () => Promise<{ status: number; body: any }>, number, string]>([
    ['a coded error', () => call('/v1/pots/blue'), 418, 'TRIAL_TEAPOT'],
    ['an exception of Nest', () => call('/v1/pots/nest'), 410, 'HTTP_ERROR'],
    ['nothing there', () => call('/nope'), 404, 'HTTP_NOT_FOUND'],
    ['another method', () => call('/v1/menu', { method: 'DELETE' }), 405, 'HTTP_METHOD_NOT_ALLOWED'],
    ['malformed JSON', () => post('/v1/orders', '{"drink":'), 400, 'HTTP_JSON_MALFORMED'],
    ['an empty body', () => post('/v1/orders', ''), 400, 'HTTP_JSON_MALFORMED'],
    ['NaN', () => post('/v1/orders', '{"cups":NaN}'), 400, 'HTTP_JSON_MALFORMED'],
    [
      'a wrong content type',
      () => post('/v1/orders', 'drink=tea', 'application/x-www-form-urlencoded'),
      415,
      'HTTP_CONTENT_TYPE',
    ],
    ['no content type', () => post('/v1/orders', '{}', null), 415, 'HTTP_CONTENT_TYPE'],
    ['deep nesting', () => post('/v1/orders', deep), 400, 'HTTP_JSON_TOO_DEEP'],
    ['__proto__', () => post('/v1/orders', '{"__proto__":{"admin":true}}'), 400, 'HTTP_JSON_FORBIDDEN_KEY'],
    ['an escaped __proto__', () => post('/v1/orders', '{"\\u005f_proto__":{"admin":true}}'), 400, 'HTTP_JSON_FORBIDDEN_KEY'],
    ['constructor.prototype', () => post('/v1/orders', '{"constructor":{"prototype":{}}}'), 400, 'HTTP_JSON_FORBIDDEN_KEY'],
    ['a body over the route’s limit', () => post('/v1/small', JSON.stringify('x'.repeat(200))), 413, 'HTTP_BODY_TOO_LARGE'],
    ['a malformed URL', () => call('/v1/pots/%ZZ'), 400, 'HTTP_BAD_REQUEST'],
    ['a NUL in a name', () => call('/v1/pots/%00'), 400, 'HTTP_BAD_REQUEST'],
    ['a slow handler', () => call('/v1/slow'), 503, 'HTTP_ANSWER_TIMEOUT'],
    ['a name as long as a book', () => call(`/v1/pots/${'x'.repeat(5_000)}`), 414, 'HTTP_URI_TOO_LONG'],
  ])('%s is coded', async (_name, send, status, code) => {
    const answer = await send()
    expect(answer).toMatchObject({
      status,
      body: { code, message: expect.any(String), hint: expect.any(String), details: expect.any(Object) },
    })
  })

  it('a body over the app’s limit names the limit', async () => {
    const answer = await post('/v1/orders', JSON.stringify('x'.repeat(17 * 1024 ** 2)))
    expect(answer).toMatchObject({ status: 413, body: { code: 'HTTP_BODY_TOO_LARGE', details: { limitBytes: 16 * 1024 ** 2 } } })
    expect(JSON.stringify(answer.body)).toContain('CASCATA_BODY_LIMIT')
  })

  it('unknown errors tell the caller nothing and the log everything but secrets', async () => {
    const answer = await call('/v1/pots/crash')
    expect(answer).toMatchObject({ status: 500, body: { code: 'HTTP_INTERNAL' } })
    expect(JSON.stringify(answer.body)).not.toMatch(/hunter2|stack|service\.spec/)
    expect((await call('/v1/pots/odd')).status).toBe(500)
    const logged = lines
      .map((line) => JSON.parse(line) as Record<string, any>)
      .find((line) => line['err']?.message?.includes('database password'))
    expect(logged).toMatchObject({ level: 'error', app: 'trial', correlationId: answer.headers.get('cascata-correlation-id') })
  })

  it('that are meant are no failures in the log', async () => {
    expect(await call('/v1/pots/cold')).toMatchObject({ status: 503, body: { code: 'TRIAL_WARMING' } })
    const logged = lines.map((line) => JSON.parse(line) as Record<string, any>).find(({ code }) => code === 'TRIAL_WARMING')
    expect(logged).toMatchObject({ level: 'warn', message: 'cold is warming up.' })
  })

  it('405 says what is allowed', async () => {
    expect((await call('/v1/menu', { method: 'DELETE' })).headers.get('allow')).toBe('GET, HEAD')
  })

  it('have the form of the protocol under its paths, whoever raised them', async () => {
    expect(await call('/v2/fail')).toMatchObject({ status: 418, body: { error: 'TRIAL_TEAPOT: this is a teapot.' } })
    expect(await post('/v2/hot/m', '{')).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('HTTP_JSON_MALFORMED') },
    })
    expect(await call('/v2/none')).toMatchObject({ status: 404, body: { error: expect.stringContaining('HTTP_NOT_FOUND') } })
  })

  it('what is no HTTP is answered and closed', async () => {
    expect(await raw('BANANA\r\n\r\n')).toContain('HTTP_BAD_REQUEST')
    expect(await raw(`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)).toContain('HTTP_HEADERS_TOO_LARGE')
    expect(
      await raw(
        'POST /v1/orders HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      ),
    ).toContain('400')
    expect((await call('/healthz')).status).toBe(200)
  })
})

describe('an app without login', () => {
  it('serves localhost only: no foreign host names, no pages of other sites', async () => {
    const get = (headers: string) => raw(`GET /v1/menu HTTP/1.1\r\n${headers}\r\nconnection: close\r\n\r\n`)
    expect(await get('host: evil.example')).toContain('AUTH_FOREIGN_HOST')
    expect(await get('host: localhost.evil.example')).toContain('AUTH_FOREIGN_HOST')
    expect(await get('host: localhost:9\r\norigin: https://evil.example')).toContain('AUTH_FOREIGN_ORIGIN')
    expect(await get('host: localhost\r\norigin: null')).toContain('AUTH_FOREIGN_ORIGIN')
    expect(await get('host: 127.0.0.1\r\nsec-fetch-site: cross-site')).toContain('AUTH_FOREIGN_ORIGIN')
    expect(await get('host: localhost:1\r\norigin: http://localhost:3000')).toContain('200 OK')
    expect(await get('host: [::1]:80')).toContain('200 OK')
  })

  it('refuses to start on an address that others reach', async () => {
    const start = (env: Record<string, string>) =>
      startService(options({ config: config.parse({ CASCATA_HOST: '0.0.0.0', ...env }) }))
    await expect(start({})).rejects.toMatchObject({
      code: 'SERVICE_UNSAFE_ADDRESS',
      hint: expect.stringContaining('CASCATA_TOKENS_FILE'),
    })
    await expect(start({ CASCATA_TLS: 'in-front' })).rejects.toMatchObject({
      hint: expect.stringContaining('CASCATA_TOKENS_FILE'),
    })
    await expect(start({ CASCATA_TOKENS_FILE: 'tokens.json' })).rejects.toMatchObject({
      hint: expect.stringContaining('CASCATA_TLS'),
    })
  })
})

describe('routes', () => {
  it('all have a permission', () => {
    expect(
      service.routes
        .map(({ method, url, permission: { needs } }) => `${method} ${url} ${needs}`)
        .filter((line) => !line.startsWith('HEAD')),
    ).toEqual(
      expect.arrayContaining([
        'GET /v1/menu viewer',
        'POST /v1/orders viewer',
        'GET /healthz public',
        'GET /metrics viewer',
        'POST /v2/hot/:model viewer',
      ]),
    )
  })

  it('without one keep the app from starting, of Nest or of Fastify', async () => {
    @Controller('v1')
    class Forgotten {
      @Get('forgotten')
      get() {
        return {}
      }
    }
    await expect(startService(options({ controllers: [Forgotten], providers: [], routes: undefined }))).rejects.toThrow(
      'GET /v1/forgotten',
    )
    await expect(startService(options({ routes: (fastify) => fastify.get('/raw', () => ({})) }))).rejects.toThrow('GET /raw')
  })

  it('are in the OpenAPI document, with bodies, path parameters and who may call them', async () => {
    const { body } = (await call('/openapi.json')) as { body: any }
    expect(body.openapi).toMatch(/^3\./)
    expect(body.paths['/v1/orders'].post.requestBody.content['application/json'].schema).toMatchObject({
      type: 'object',
      properties: { drink: { type: 'string', maxLength: 20 } },
    })
    expect(body.paths['/v2/hot/{model}'].post).toMatchObject({
      parameters: [{ name: 'model', in: 'path' }],
      'x-permission': 'viewer',
    })
    expect(body.paths['/healthz'].get).toMatchObject({ security: [], summary: 'Whether the process answers.' })
  })

  it('may be noted on, unless they are not there', async () => {
    const other = await startService(options({ notes: { 'GET /v1/nowhere': { does: 'Nothing.' } } }))
    try {
      expect((await fetch(`${other.url}/openapi.json`)).status).toBe(500)
    } finally {
      await other.stop()
    }
  })
})

describe('readiness', () => {
  const trial = async (checks: ServiceOptions['checks']) => {
    const other = await startService(options({ checks }))
    try {
      const answer = await fetch(`${other.url}/readyz`)
      return { status: answer.status, body: (await answer.json()) as any }
    } finally {
      await other.stop()
    }
  }

  it('is given when all dependencies answer', async () => {
    expect(await trial({ postgres: async () => 1, kafka: () => Promise.resolve() })).toMatchObject({
      status: 200,
      body: { status: 'ready', checks: { postgres: { status: 'ok' } } },
    })
  })

  it('names what fails and why, without credentials, and does not wait for ever', async () => {
    const { status, body } = await trial({
      postgres: () => Promise.reject(new Error('no route to postgres://cascata:hunter2@db:5432/x')),
      redis: () => new Promise(() => undefined),
      kafka: () => {
        throw new Error('thrown at once')
      },
      fine: async () => undefined,
    })
    expect(status).toBe(503)
    expect(body.checks).toMatchObject({
      postgres: { status: 'failed', reason: 'no route to postgres://[redacted]@db:5432/x' },
      redis: { status: 'failed', reason: 'no answer within 2000 ms' },
      kafka: { status: 'failed', reason: 'thrown at once' },
      fine: { status: 'ok' },
    })
  })

  it('asks the dependencies once for many callers', async () => {
    let asked = 0
    const other = await startService(options({ checks: { counted: async () => (asked += 1) } }))
    await Promise.all(Array.from({ length: 50 }, () => fetch(`${other.url}/readyz`).then((answer) => answer.text())))
    await other.stop()
    expect(asked).toBeLessThanOrEqual(3)
  })
})

describe('start and stop', () => {
  it('answers what is under way before it lets go', async () => {
    const order: string[] = []
    const entered = Promise.withResolvers<void>()
    const leave = Promise.withResolvers<void>()
    const other = await startService(
      options({
        routes: (fastify) =>
          fastify.get('/long', { config: { permission: permission('viewer') } }, async () => {
            entered.resolve()
            await leave.promise
            order.push('answered')
            return { done: true }
          }),
        onStop: () => void order.push('let go'),
      }),
    )
    const answer = fetch(`${other.url}/long`)
    await entered.promise
    const stopped = Promise.all([other.stop(), other.stop()])
    leave.resolve()
    expect(await (await answer).json()).toEqual({ done: true })
    await stopped
    expect(order).toEqual(['answered', 'let go'])
    await expect(fetch(`${other.url}/healthz`)).rejects.toThrow()
  })

  it('does not wait for ever', async () => {
    const other = await startService(
      options({
        config: config.parse({ CASCATA_DRAIN_TIMEOUT: '100ms' }),
        routes: (fastify) =>
          fastify.get('/stuck', { config: { permission: permission('viewer') } }, () => new Promise(() => undefined)),
      }),
    )
    const stuck = fetch(`${other.url}/stuck`).catch(() => 'cut off')
    await fetch(`${other.url}/healthz`)
    await other.stop()
    expect(await stuck).toBe('cut off')
  })

  it('fails cleanly: the port is in use, and what was opened is let go of', async () => {
    let released = 0
    const port = new URL(service.url).port
    const failing = startService(options({ config: config.parse({ TRIAL_PORT: port }), onStop: () => (released += 1) }))
    await expect(failing).rejects.toMatchObject({
      code: 'SERVICE_START_FAILED',
      message: expect.stringContaining(`127.0.0.1:${port}: the port is in use`),
    })
    await expect(failing).rejects.toBeInstanceOf(CodedError)
    expect(released).toBe(1)
  })

  it('keeps nothing global: two run side by side', async () => {
    const other = await startService(options())
    await fetch(`${other.url}/v1/menu`)
    const metrics = await (await fetch(`${other.url}/metrics`)).text()
    expect(metrics).toContain('cascata_http_request_seconds_count{app="trial",method="GET",route="/v1/menu",status="200"} 1')
    await other.stop()
  })
})
