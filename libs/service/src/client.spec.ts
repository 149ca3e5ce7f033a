import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { type Client, createClient, urlPath } from './client.ts'
import { runInContext } from './context.ts'
import { CodedError } from './errors.ts'

type Script = (request: IncomingMessage, response: ServerResponse, count: number) => void

const opened: { stop(): void }[] = []
afterEach(() => opened.splice(0).forEach(({ stop }) => stop()))

/** A server that acts by a script, and a client of it. */
const against = async (script: Script, options: { retries?: number; timeoutMs?: number; token?: string } = {}) => {
  const seen: { method?: string; url?: string; headers: IncomingMessage['headers']; body: string; socket: unknown }[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body, socket: request.socket })
      script(request, response, seen.length)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = createClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ...options })
  opened.push({ stop: () => (client.close(), server.closeAllConnections(), server.close()) })
  return { client, seen }
}

const answer = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

const errorOf = (call: Promise<unknown>): Promise<CodedError> =>
  call.then(
    () => Promise.reject(new Error('it should have failed')),
    (error: CodedError) => error,
  )

describe('a call to another app', () => {
  it('sends JSON, the token, the cascade, the cause and the query, and reads JSON', async () => {
    const { client, seen } = await against((_, response) => answer(response, 200, { ok: 1 }), { token: 'secret' })
    const context = { correlationId: 'c-1', cause: { id: 'e-7', correlationid: 'c-1' } }
    const got = await runInContext(context, () => client.post('/v1/things', { a: 1 }, { query: { x: 'a b', y: undefined } }))
    expect(got).toEqual({ ok: 1 })
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/v1/things?x=a+b', body: '{"a":1}' })
    expect(seen[0]!.headers).toMatchObject({
      authorization: 'Bearer secret',
      'cascata-correlation-id': 'c-1',
      'cascata-causation-id': 'e-7',
      'content-type': 'application/json',
    })
  })

  it('keeps its connection', async () => {
    const { client, seen } = await against((_, response) => answer(response, 200, {}))
    for (let call = 0; call < 5; call += 1) await client.get('/')
    expect(new Set(seen.map(({ socket }) => socket)).size).toBe(1)
  })

  it('encodes what goes into a path', () => {
    expect(urlPath`/v1/models/${'../../etc'}/${'a b?#'}/x`).toBe('/v1/models/..%2F..%2Fetc/a%20b%3F%23/x')
  })

  it('keeps the code of the other app', async () => {
    const { client, seen } = await against((_, response) =>
      answer(response, 404, { code: 'FS_VIEW_NOT_FOUND', message: 'No view.', hint: 'Apply it.', details: { view: 'v' } }),
    )
    const error = await errorOf(client.get('/v1/views/a/v'))
    expect(error).toBeInstanceOf(CodedError)
    expect(error).toMatchObject({ code: 'FS_VIEW_NOT_FOUND', status: 404, retry: false, details: { view: 'v' } })
    expect(seen).toHaveLength(1)
  })

  it.each([429, 502, 503, 504])('tries again after %i', async (status) => {
    const { client, seen } = await against((_, response, count) =>
      count < 3 ? answer(response, status, {}) : answer(response, 200, { count }),
    )
    expect(await client.get('/')).toEqual({ count: 3 })
    expect(seen).toHaveLength(3)
  })

  it('tries again when the connection breaks', async () => {
    const { client } = await against((request, response, count) =>
      count === 1 ? request.socket.destroy() : answer(response, 200, { count }),
    )
    expect(await client.get('/')).toEqual({ count: 2 })
  })

  it('does not send a POST twice that may have been carried out, unless told that it may', async () => {
    const { client, seen } = await against((request, response, count) =>
      count % 2 === 1 ? request.socket.destroy() : answer(response, 200, { count }),
    )
    expect(await errorOf(client.post('/', {}))).toMatchObject({ code: 'UPSTREAM_UNREACHABLE', retry: true })
    expect(seen).toHaveLength(1)
    await client.post('/', {})
    expect(await client.post('/', {}, { idempotent: true })).toEqual({ count: 4 })
  })

  it('sends a POST again that was refused as not now', async () => {
    const { client } = await against((_, response, count) =>
      count === 1 ? answer(response, 503, {}) : answer(response, 200, { count }),
    )
    expect(await client.post('/', {})).toEqual({ count: 2 })
  })

  it('gives up after its attempts, with a coded error', async () => {
    const { client, seen } = await against((_, response) => answer(response, 503, { code: 'X_BUSY', message: 'Busy.' }), {
      retries: 1,
    })
    expect(await errorOf(client.get('/'))).toMatchObject({ code: 'X_BUSY', status: 503, retry: true })
    expect(seen).toHaveLength(2)
  })

  it('does not wait for ever, neither for an answer nor in the middle of one', async () => {
    const { client } = await against(
      (request, response) => (request.url === '/half' ? void response.writeHead(200).write('{') : undefined),
      { retries: 0, timeoutMs: 60 },
    )
    expect(await errorOf(client.get('/'))).toMatchObject({ code: 'UPSTREAM_TIMEOUT', status: 504 })
    expect((await errorOf(client.get('/half'))).code).toMatch(/^UPSTREAM_/)
  })

  it('says that nobody is there', async () => {
    const { client } = await against(() => undefined)
    opened.splice(0).forEach(({ stop }) => stop())
    expect(await errorOf(client.get('/', { retries: 0 }))).toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      details: { reason: 'ECONNREFUSED' },
    })
  })

  it('says that it is no JSON', async () => {
    const { client } = await against((_, response) => void response.end('<html>'))
    expect(await errorOf(client.get('/'))).toMatchObject({ code: 'UPSTREAM_ANSWER' })
  })

  it('moves bytes both ways as streams', async () => {
    const { client, seen } = await against((request, response) =>
      request.method === 'PUT' ? answer(response, 200, { put: true }) : void response.end(Buffer.alloc(100_000, 7)),
    )
    expect(await client.upload('/blob', Readable.from([Buffer.from('ab'), Buffer.from('c')]))).toEqual({ put: true })
    expect(seen[0]).toMatchObject({ body: 'abc' })
    let size = 0
    for await (const chunk of await client.download('/blob')) size += (chunk as Buffer).length
    expect(size).toBe(100_000)
    expect((await client.bytes('/blob')).length).toBe(100_000)
  })

  it('can be called off', async () => {
    const { client } = await against(() => undefined)
    const signal = AbortSignal.timeout(30)
    await expect(client.get('/', { signal })).rejects.toThrow()
  })

  it('refuses what is no path of its base', async () => {
    const client: Client = createClient({ baseUrl: 'http://127.0.0.1:1' })
    await expect(client.get('http://evil.example/')).rejects.toThrow('is no path')
    client.close()
  })
})
