import { type IncomingMessage } from 'node:http'
import { type Socket } from 'node:net'
import { type FastifyInstance } from 'fastify'

/** How long a body may stand still, and what counts as going on: one that drips holds a connection for nothing. */
export interface Patience {
  /** In ms. */
  idleMs: number
  /** Bytes that have to come within `idleMs`. */
  leastBytes: number
}

interface Arriving {
  socket: Socket
  bytes: number
  since: number
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

/**
 * Ends requests whose body has stopped coming. There is no limit to a whole request: a large upload over a thin line takes its
 * time. A body that waits for us, as its route does not read on, is not its sender's fault.
 */
export const endSlowBodies = (
  fastify: FastifyInstance,
  { idleMs, leastBytes }: Patience,
  onSlow: (socket: Socket) => void,
): void => {
  const arriving = new Map<IncomingMessage, Arriving>()
  const look = () => {
    const now = performance.now()
    for (const [request, seen] of arriving) {
      const { socket, bytes, since } = seen
      if (request.complete || socket.destroyed) arriving.delete(request)
      else if (socket.bytesRead - bytes >= leastBytes || request.readableLength > 0) {
        seen.bytes = socket.bytesRead
        seen.since = now
      } else if (now - since >= idleMs) {
        arriving.delete(request)
        onSlow(socket)
      }
    }
  }
  const timer = setInterval(look, idleMs / 4)
  timer.unref()

  fastify.addHook('onRequest', ({ raw }, _reply, next) => {
    if (hasBody(raw)) arriving.set(raw, { socket: raw.socket, bytes: raw.socket.bytesRead, since: performance.now() })
    next()
  })
  fastify.addHook('onResponse', ({ raw }, _reply, next) => {
    arriving.delete(raw)
    next()
  })
  fastify.addHook('onClose', (_instance, next) => {
    clearInterval(timer)
    next()
  })
}
