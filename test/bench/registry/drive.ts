import { Agent, request } from 'node:http'
import { quantile } from '../context.ts'

/** A request of a load. */
export interface Asked {
  method: string
  path: string
  body?: string | Buffer
}

/** An answer of any server that speaks MLflow's protocol. */
export interface Answered {
  status: number
  text: string
}

/** An HTTP client with connections that stay open; bodies are JSON unless they are bytes. */
export const httpClient = (baseUrl: string) => {
  const { hostname, port } = new URL(baseUrl)
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const send = ({ method, path, body }: Asked): Promise<Answered> =>
    new Promise((resolve, reject) => {
      const headers = {
        'content-type': typeof body === 'string' ? 'application/json' : 'application/octet-stream',
        ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
      }
      const sent = request({ hostname, port, agent, method, path, headers }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () => resolve({ status: answer.statusCode!, text: Buffer.concat(chunks).toString() }))
        answer.on('error', reject)
      })
      sent.on('error', reject).end(body)
    })
  /** The JSON of an answer. @throws Error when it is not 2xx */
  const json = async <T>(asked: Asked): Promise<T> => {
    const { status, text } = await send(asked)
    if (status >= 300) throw new Error(`${asked.method} ${asked.path} answered ${status}: ${text.slice(0, 300)}`)
    return (text === '' ? {} : JSON.parse(text)) as T
  }
  return { send, json, close: () => agent.destroy() }
}

export type HttpClient = ReturnType<typeof httpClient>

/** What a load did. */
export interface Driven {
  perSecond: number
  p50: number
  p99: number
  total: number
}

/** Many at once until `count` are done. */
export async function inParallel(count: number, clients: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (next < count) await work(next++)
    }),
  )
}

/**
 * A closed loop: each client asks as soon as it was answered, for a time, after a second of warm-up; what ends after it counts, once a client at least.
 *
 * @param work one unit of the load; it sends what it likes and answers how long each request took, in ms
 */
export async function drive(clients: number, seconds: number, work: (index: number) => Promise<number[]>): Promise<Driven> {
  const samples: number[] = []
  let index = 0
  const from = performance.now() + 1_000
  const until = from + seconds * 1_000
  await Promise.all(
    Array.from({ length: clients }, async () => {
      do {
        const took = await work(index++)
        if (performance.now() >= from) samples.push(...took)
      } while (performance.now() < until)
    }),
  )
  const elapsed = (performance.now() - from) / 1_000
  return { perSecond: samples.length / elapsed, p50: quantile(samples, 0.5), p99: quantile(samples, 0.99), total: samples.length }
}

/** Runs work and says how long it took, in ms. */
export const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now()
  await work()
  return performance.now() - start
}
