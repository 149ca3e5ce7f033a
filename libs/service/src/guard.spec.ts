import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defineConfig } from './config.ts'
import { createLogger } from './logger.ts'
import { createRegistry } from './metrics.ts'
import { mayAccess, permission, requireAccess } from './permission.ts'
import { type RunningService, startService } from './service.ts'
import { setting } from './setting.ts'
import { authenticator, createToken, readTokens, roleAllows, roles } from './tokens.ts'

const config = defineConfig('trial', { port: setting.port(0) })

const tokens = {
  admin: createToken({ name: 'root', role: 'admin' }),
  viewer: createToken({ name: 'eve', role: 'viewer' }),
  deployer: createToken({ name: 'dora', role: 'deployer' }),
  ops: createToken({ name: 'ops', role: 'deployer', namespaces: ['ops'], resources: ['flight-*'] }),
}

let folder: string
let file: string
let service: RunningService
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cascata-tokens-'))
  file = join(folder, 'tokens.json')
  await writeFile(file, JSON.stringify({ tokens: Object.values(tokens).map(({ entry }) => entry) }))
  service = await startService({
    app: 'trial',
    config: config.parse({ CASCATA_HOST: '0.0.0.0', CASCATA_TOKENS_FILE: file, CASCATA_TLS: 'in-front' }),
    log: createLogger('trial', 'silent'),
    registry: createRegistry('trial'),
    routes: (fastify) => {
      fastify.get('/v1/models/:ns/:name', { config: { permission: permission('viewer') } }, () => ({ seen: true }))
      fastify.post('/v1/models/:ns/:name/rollback', { config: { permission: permission('deployer') } }, () => ({ done: true }))
      fastify.get('/v1/all', { config: { permission: permission('viewer') } }, () => ({ all: true }))
      fastify.get('/v1/list', { config: { permission: permission('viewer', { scope: 'handler' }) } }, () => ({
        list: ['ops', 'default'].filter((ns) => mayAccess(ns, 'flight-delay')),
      }))
      fastify.post(
        '/v1/body',
        { config: { permission: permission(['trainer', 'deployer'], { scope: 'handler' }) } },
        ({ body }) => {
          requireAccess((body as { namespace: string }).namespace, 'flight-delay')
          return { done: true }
        },
      )
      fastify.get('/open', { config: { permission: permission('public') } }, () => ({ mine: mayAccess('ops', 'flight-delay') }))
    },
  })
})
afterAll(async () => {
  await service.stop()
  await rm(folder, { recursive: true })
})

const call = async (path: string, who?: keyof typeof tokens | { token: string }, method = 'GET', body?: object) => {
  const token = who === undefined ? null : typeof who === 'string' ? tokens[who].token : who.token
  const answer = await fetch(`http://127.0.0.1:${new URL(service.url).port}${path}`, {
    method,
    headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(body ? { 'content-type': 'application/json' } : {}) },
    body: body ? JSON.stringify(body) : undefined,
  })
  const text = await answer.text()
  return {
    status: answer.status,
    body: (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, any>,
    headers: answer.headers,
  }
}

describe('an app with login', () => {
  it('lets nobody in without a token of ours, on any route but the public ones', async () => {
    for (const { method, url, permission } of service.routes) {
      const { status } = await call(url.replaceAll(/:\w+/g, 'x'), undefined, method)
      if (permission.needs === 'public') expect([url, status]).toEqual([url, 200])
      else expect([url, status]).toEqual([url, 401])
    }
    expect((await call('/v1/all')).body['code']).toBe('AUTH_LOGIN_NEEDED')
    expect((await call('/v1/all')).headers.get('www-authenticate')).toBe('Bearer')
    expect((await call('/v1/all', createToken({ name: 'x', role: 'admin' }))).body['code']).toBe('AUTH_TOKEN_UNKNOWN')
    expect((await call('/v1/all', { token: tokens.admin.entry.sha256 })).body['code']).toBe('AUTH_TOKEN_UNKNOWN')
    expect((await call('/v1/all', { token: `${tokens.admin.token}x` })).status).toBe(401)
  })

  it('checks the token before it reads a body', async () => {
    const huge = await fetch(`http://127.0.0.1:${new URL(service.url).port}/v1/body`, {
      method: 'POST',
      body: '{',
      headers: { 'content-type': 'application/json' },
    })
    expect(huge.status).toBe(401)
  })

  it('looks at the role', async () => {
    expect((await call('/v1/models/ops/flight-delay/rollback', 'viewer', 'POST')).body).toMatchObject({
      code: 'AUTH_ROLE',
      hint: expect.stringContaining('deployer'),
    })
    expect((await call('/v1/models/ops/flight-delay/rollback', 'deployer', 'POST')).status).toBe(200)
    expect((await call('/v1/models/ops/flight-delay/rollback', 'admin', 'POST')).status).toBe(200)
    expect((await call('/v1/body', 'viewer', 'POST', { namespace: 'ops' })).status).toBe(403)
  })

  it('looks at namespace and resource: in the path, in the handler, and refuses where neither is known', async () => {
    expect((await call('/v1/models/ops/flight-delay', 'ops')).status).toBe(200)
    expect((await call('/v1/models/default/flight-delay', 'ops')).body['code']).toBe('AUTH_SCOPE')
    expect((await call('/v1/models/ops/churn', 'ops')).body['code']).toBe('AUTH_SCOPE')
    expect((await call('/v1/all', 'ops')).body['code']).toBe('AUTH_UNSCOPED_ROUTE')
    expect((await call('/v1/list', 'ops')).body).toEqual({ list: ['ops'] })
    expect((await call('/v1/list', 'viewer')).body).toEqual({ list: ['ops', 'default'] })
    expect((await call('/v1/body', 'ops', 'POST', { namespace: 'default' })).body['code']).toBe('AUTH_SCOPE')
    expect((await call('/v1/body', 'ops', 'POST', { namespace: 'ops' })).status).toBe(200)
  })

  it('takes nobody for somebody on a public route', async () => {
    expect((await call('/open')).body).toEqual({ mine: false })
    expect((await call('/open', 'admin')).body).toEqual({ mine: false })
  })

  it('reads the tokens again when the file changes, and keeps the good ones when it is broken', async () => {
    const late = createToken({ name: 'late', role: 'viewer' })
    const until = async (wanted: number) => {
      for (let left = 200; left > 0 && (await call('/v1/all', late)).status !== wanted; left -= 1)
        await new Promise((resolve) => setTimeout(resolve, 50))
      expect((await call('/v1/all', late)).status).toBe(wanted)
    }
    await until(401)
    await writeFile(file, JSON.stringify({ tokens: [...Object.values(tokens), late].map(({ entry }) => entry) }))
    await until(200)
    await writeFile(file, '{')
    expect((await call('/v1/all', 'admin')).status).toBe(200)
  }, 20_000)
})

describe('tokens', () => {
  it('are not in the file, only their hashes', () => {
    expect(tokens.admin.token).toMatch(/^csc_[\w-]{43}$/)
    expect(JSON.stringify(tokens.admin.entry)).not.toContain(tokens.admin.token)
    expect(authenticator([tokens.ops.entry])(tokens.ops.token)).toMatchObject({ name: 'ops', role: 'deployer', unscoped: false })
  })

  it('an illegal file is refused with what is wrong, without showing a hash', async () => {
    const bad = join(folder, 'bad.json')
    await writeFile(bad, JSON.stringify({ tokens: [{ name: 'a', role: 'king', namespaces: [], sha256: 'abc' }] }))
    await expect(readTokens(bad)).rejects.toThrow(/tokens\.0\.role: .*tokens\.0\.namespaces: .*tokens\.0\.sha256: /)
    await writeFile(bad, 'tokens')
    await expect(readTokens(bad)).rejects.toThrow('is not JSON')
  })

  it('roles: all view, an admin does all, the others only their own', () => {
    expect(roles.filter((role) => roleAllows(role, 'viewer'))).toEqual([...roles])
    expect(roles.filter((role) => roleAllows(role, 'trainer'))).toEqual(['trainer', 'admin'])
    expect(roles.filter((role) => roleAllows(role, 'admin'))).toEqual(['admin'])
  })
})

describe('limits', () => {
  const guess = () =>
    service.fastify.inject({
      url: '/v1/all',
      headers: { authorization: `Bearer ${createToken({ name: 'x', role: 'admin' }).token}` },
    })

  it('slow down who guesses, and never who has a right token', async () => {
    const guesses = await Promise.all(Array.from({ length: 400 }, guess))
    const refused = guesses.filter(({ statusCode }) => statusCode === 429)
    expect(refused.length).toBeGreaterThan(20)
    expect(refused[0]!.json()).toMatchObject({ code: 'AUTH_TOO_MANY_FAILURES' })
    expect(Number(refused[0]!.headers['retry-after'])).toBeGreaterThan(0)
    expect((await call('/v1/all', 'admin')).status).toBe(200)
  })

  it('hold for a token that sends too much, where they are set', async () => {
    const own = join(folder, 'limited.json')
    await writeFile(own, JSON.stringify({ tokens: [tokens.admin.entry] }))
    const limited = await startService({
      app: 'trial',
      config: config.parse({ CASCATA_TOKENS_FILE: own, CASCATA_RATE_LIMIT: '1', TRIAL_PORT: '0' }),
      log: createLogger('trial', 'silent'),
      registry: createRegistry('trial'),
      routes: (fastify) => void fastify.get('/v1/all', { config: { permission: permission('viewer') } }, () => ({ all: true })),
    })
    const ask = () => limited.fastify.inject({ url: '/v1/all', headers: { authorization: `Bearer ${tokens.admin.token}` } })
    const answers = await Promise.all(Array.from({ length: 100 }, ask))
    const refused = answers.filter(({ statusCode }) => statusCode === 429)
    expect(answers[0]!.statusCode).toBe(200)
    expect(refused[0]!.json()).toMatchObject({ code: 'AUTH_RATE_LIMIT', hint: expect.stringContaining('CASCATA_RATE_LIMIT') })
    await limited.stop()
  })
})
