import { type Readable } from 'node:stream'
import { type FastifyRequest } from 'fastify'

/** Of a body whose length nobody said, as much is thrown away before its connection is cut. */
const mostDrained = 16 * 1024 ** 2

/** Throws away what still comes: clients read an answer only when they have sent everything. */
const drain = (request: FastifyRequest, body: Readable): void => {
  const most = request.headers['content-length'] === undefined ? mostDrained : Infinity
  let drained = 0
  body.on('error', () => {})
  body.on('data', (chunk: Buffer) => {
    drained += chunk.length
    if (drained > most) body.destroy()
  })
}

/** The body of a request as content. Who stops reading in the middle (no room, too large) can still answer: the connection lives on. */
export async function* uploaded(request: FastifyRequest): AsyncGenerator<Buffer> {
  const body = request.body as Readable | undefined
  if (!body) return
  let isRead = false
  try {
    yield* body.iterator({ destroyOnReturn: false })
    isRead = true
  } finally {
    if (!isRead) drain(request, body)
  }
}
