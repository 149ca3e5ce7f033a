import { connect, type Socket } from 'node:net'

/** What one kind of request came to: answers a second, latencies in ms. */
export interface Exchanged {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly total: number
  readonly bytes: number
}

export interface Exchange {
  readonly url: string
  readonly connections: number
  readonly seconds: number
  /** Bodies, taken in turn. */
  readonly bodies: readonly string[]
  readonly headers?: Record<string, string>
}

const emptyLine = Buffer.from('\r\n\r\n')

/**
 * Loads a URL over keep-alive connections, one request under way on each. It writes prepared bytes and looks for little more than the
 * length of an answer, so that it takes as little as can be of the machine it shares, and latencies are finer than a millisecond.
 *
 * @throws Error at an answer that is not 200.
 */
export async function exchange({ url, connections, seconds, bodies, headers = {} }: Exchange): Promise<Exchanged> {
  const requests = bodies.map((body) => requestOf(url, body, headers))
  await measured(url, requests, connections, Math.min(2, seconds))
  return measured(url, requests, connections, seconds)
}

function requestOf(url: string, body: string, headers: Record<string, string>): Buffer {
  const { host, pathname } = new URL(url)
  const named = { host, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers }
  const head = Object.entries(named).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`POST ${pathname} HTTP/1.1\r\n${head.join('')}\r\n${body}`)
}

async function measured(url: string, requests: readonly Buffer[], connections: number, seconds: number): Promise<Exchanged> {
  const latencies: number[] = []
  let bytes = 0
  let next = 0
  const begun = performance.now()
  const until = begun + seconds * 1_000
  const { hostname, port } = new URL(url)
  const one = async () => {
    const talk = talkTo(connect(Number(port), hostname).setNoDelay(true))
    for (let now = performance.now(); now < until;) {
      bytes = await talk.ask(requests[next++ % requests.length]!)
      const after = performance.now()
      latencies.push(after - now)
      now = after
    }
    talk.end()
  }
  await Promise.all(Array.from({ length: connections }, one))
  const took = (performance.now() - begun) / 1_000
  const sorted = Float64Array.from(latencies).sort()
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)]!
  return { perSecond: sorted.length / took, p50: at(0.5), p99: at(0.99), total: sorted.length, bytes }
}

/** One connection: asks, and gives the size of the answer's body. */
function talkTo(socket: Socket) {
  let answered: { resolve: (bytes: number) => void; reject: (error: Error) => void } | undefined
  let parts: Buffer[] = []
  let expected = -1
  let received = 0
  let body = 0
  socket.on('data', (part) => {
    parts.push(part)
    received += part.length
    if (expected < 0) {
      const head = parts.length === 1 ? part : Buffer.concat(parts)
      const end = head.indexOf(emptyLine)
      if (end < 0) return
      const text = head.toString('latin1', 0, end)
      if (!text.startsWith('HTTP/1.1 200')) return answered?.reject(new Error(`${head.toString('utf8').slice(0, 600)}`))
      body = Number(/content-length: (\d+)/i.exec(text)?.[1])
      expected = end + 4 + body
    }
    if (received < expected) return
    parts = []
    expected = -1
    received = 0
    answered?.resolve(body)
  })
  socket.on('error', (error) => answered?.reject(error))
  return {
    ask: (request: Buffer) =>
      new Promise<number>((resolve, reject) => {
        answered = { resolve, reject }
        socket.write(request)
      }),
    end: () => socket.destroy(),
  }
}
