import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { fastify as createFastify } from 'fastify'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { endSlowBodies } from './slow-bodies.ts'

const idleMs = 200
const fastify = createFastify({ requestTimeout: 0 })
let slow = 0
let port: number

beforeAll(async () => {
  endSlowBodies(fastify, { idleMs, leastBytes: 4 }, (socket) => (slow++, socket.destroy()))
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  fastify.put('/count', async ({ body }) => {
    let bytes = 0
    for await (const chunk of body as AsyncIterable<Buffer>) bytes += chunk.length
    return { bytes }
  })
  fastify.put('/late', async ({ body }) => {
    await pause(idleMs * 3)
    let bytes = 0
    for await (const chunk of body as AsyncIterable<Buffer>) bytes += chunk.length
    return { bytes }
  })
  await fastify.listen({ port: 0 })
  port = (fastify.server.address() as { port: number }).port
})
afterAll(() => fastify.close())

/** Sends the pieces, each after a quarter of the time that a body may stand still, and gives the answer. */
const send = async (path: string, length: number, pieces: string[]): Promise<string> => {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (data) => (answer += data.toString())).on('error', () => {})
  socket.write(`PUT ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: a/b\r\nconnection: close\r\ncontent-length: ${length}\r\n\r\n`)
  for (const piece of pieces) {
    socket.write(piece)
    await pause(idleMs / 4)
  }
  if (!socket.closed) await once(socket, 'close')
  return answer
}

it('lets a body arrive for as long as it goes on', async () => {
  expect(
    await send(
      '/count',
      80,
      Array.from({ length: 20 }, () => '1234'),
    ),
  ).toContain('{"bytes":80}')
  expect(slow).toBe(0)
})

it('does not blame the sender for a route that reads late', async () => {
  expect(await send('/late', 8, ['12345678'])).toContain('{"bytes":8}')
  expect(slow).toBe(0)
})

it('ends a body that stands still, and one that drips', async () => {
  expect(await send('/count', 80, ['1234'])).toBe('')
  expect(slow).toBe(1)
  expect(
    await send(
      '/count',
      80,
      Array.from({ length: 20 }, () => '1'),
    ),
  ).toBe('')
  expect(slow).toBe(2)
})
