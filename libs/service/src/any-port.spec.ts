import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fetchAnyPort } from './any-port.ts'

/** Ports that the web's `fetch` refuses, and that nobody else is likely to sit on. */
const blocked = [10080, 6679, 6697, 6669, 5061, 4190]

const server = createServer((request, answer) => {
  if (request.url === '/none') return void answer.writeHead(204).end()
  if (request.url === '/slow') return
  answer.writeHead(request.url === '/lost' ? 404 : 200, { 'content-type': 'text/plain', 'set-cookie': ['a=1', 'b=2'] })
  request.pipe(answer)
})
let base: string

beforeAll(async () => {
  for (const port of blocked)
    if (
      await new Promise((resolve) => {
        server.once('error', () => resolve(false))
        server.listen(port, '127.0.0.1', () => resolve(true))
      })
    )
      break
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

describe('fetchAnyPort', () => {
  it('reaches a port that fetch refuses', async () => {
    await expect(fetch(base)).rejects.toMatchObject({ cause: { message: 'bad port' } })
    const answer = await fetchAnyPort(base, { method: 'POST', body: 'hello', headers: { 'content-type': 'text/plain' } })
    expect([answer.status, await answer.text(), answer.headers.getSetCookie()]).toEqual([200, 'hello', ['a=1', 'b=2']])
  })

  it('answers what went wrong as fetch does', async () => {
    expect((await fetchAnyPort(`${base}/lost`)).ok).toBe(false)
    await (await fetchAnyPort(`${base}/lost`, { method: 'POST', body: 'x'.repeat(1e6) })).body?.cancel()
    const none = await fetchAnyPort(`${base}/none`)
    expect([none.status, none.body]).toEqual([204, null])
  })

  it('gives up with the reason of its signal, and says why nobody is there', async () => {
    await expect(fetchAnyPort(`${base}/slow`, { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
    await expect(fetchAnyPort('http://127.0.0.1:1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})
