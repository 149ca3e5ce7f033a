import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { type Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { upstreamAnswer, upstreamTimeout, upstreamUnreachable } from './client-errors.ts'
import { currentContext, headersOf as contextHeaders } from './context.ts'
import { CodedError, isCodedError } from './errors.ts'
import { type Logger } from './logger.ts'
import { traceHeaders } from './telemetry.ts'

export interface ClientOptions {
  baseUrl: string
  /** Bearer token, from `config.serviceToken`. */
  token?: string | null
  log?: Logger
  /** Time for one attempt until its headers are there, and between two pieces of its body, in ms. */
  timeoutMs?: number
  /** Attempts after the first. */
  retries?: number
  /** Connections kept open at most. */
  connections?: number
}

export interface CallOptions {
  query?: Record<string, string | number | boolean | undefined>
  headers?: Record<string, string>
  timeoutMs?: number
  retries?: number
  /** Whether a call that may have arrived can be sent again; GET, HEAD, PUT and DELETE always can. */
  idempotent?: boolean
  signal?: AbortSignal
}

type Body = Buffer | Readable

interface Call extends CallOptions {
  method: string
  path: string
  body?: Body
  contentType?: string
}

/** Another app, over HTTP. Paths are built with `urlPath`. Every failure is a `CodedError`. */
export interface Client {
  get<T>(path: string, options?: CallOptions): Promise<T>
  post<T>(path: string, body: unknown, options?: CallOptions): Promise<T>
  put<T>(path: string, body: unknown, options?: CallOptions): Promise<T>
  delete<T>(path: string, options?: CallOptions): Promise<T>
  /** A whole body in memory. */
  bytes(path: string, options?: CallOptions): Promise<Buffer>
  /** A body as it comes; the caller reads or destroys it. */
  download(path: string, options?: CallOptions): Promise<Readable>
  /** Raw bytes out, JSON back. A stream is sent once, without a second attempt. */
  upload<T>(path: string, body: Body, options?: CallOptions & { method?: 'PUT' | 'POST'; contentType?: string }): Promise<T>
  close(): void
}

/** A path with every value encoded: `` urlPath`/v1/models/${namespace}/${name}` ``. */
export const urlPath = (parts: TemplateStringsArray, ...values: (string | number)[]): string =>
  parts.reduce((path, part, index) => `${path}${encodeURIComponent(String(values[index - 1]))}${part}`)

const retriedStatus = new Set([429, 502, 503, 504])
const notSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])
const alwaysIdempotent = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])

/** What a failed attempt was, so that it can be decided whether to try again. */
type Failure = { error: CodedError; again: 'always' | 'if idempotent' | 'never'; afterMs?: number }

const readAll = async (stream: Readable): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

const coded = (url: string, status: number, text: string): CodedError => {
  try {
    const { code, message, hint = '', details = {} } = JSON.parse(text) as Partial<CodedError>
    if (typeof code === 'string' && typeof message === 'string')
      return new CodedError({ code, status, retry: retriedStatus.has(status) || status === 500, message, hint, details })
  } catch {
    // Not JSON: told as it is below.
  }
  return upstreamAnswer({ url, status, ...(text ? { reason: text.slice(0, 200) } : {}) })
}

const retryAfterMs = (header: string | undefined): number | undefined =>
  header && /^\d{1,4}$/.test(header) ? Number(header) * 1000 : undefined

const failureOfAnswer = async (url: string, answer: IncomingMessage): Promise<Failure> => {
  const status = answer.statusCode ?? 0
  const error = coded(url, status, (await readAll(answer).catch(() => Buffer.alloc(0))).toString('utf8'))
  if (!retriedStatus.has(status)) return { error, again: 'never' }
  return {
    error,
    again: status === 429 || status === 503 ? 'always' : 'if idempotent',
    afterMs: retryAfterMs(answer.headers['retry-after']),
  }
}

const failureOfError = (url: string, error: NodeJS.ErrnoException, timeoutMs: number): Failure => {
  if (error.name === 'AbortError') throw error
  if (error.message === 'timeout') return { error: upstreamTimeout({ url, timeoutMs }), again: 'if idempotent' }
  const reason = error.code ?? error.message
  return {
    error: upstreamUnreachable({ url, reason }, { cause: error }),
    again: notSent.has(error.code ?? '') ? 'always' : 'if idempotent',
  }
}

/** Full jitter over 50 ms · 2^attempt, at most 2 s; what the other side asks for, up to 5 s, when it says so. */
const backoffMs = (attempt: number, afterMs: number | undefined) =>
  Math.min(afterMs ?? 0, 5_000) || Math.ceil(Math.random() * Math.min(2_000, 50 * 2 ** attempt))

const withQuery = (path: string, query: CallOptions['query']): string => {
  const pairs = Object.entries(query ?? {}).filter((pair): pair is [string, string | number | boolean] => pair[1] !== undefined)
  return pairs.length === 0
    ? path
    : `${path}?${new URLSearchParams(pairs.map(([key, value]): [string, string] => [key, String(value)]))}`
}

/**
 * A client of another app: kept-alive connections, a time limit an attempt, and retries with jittered back-off on connection errors, 429, 502, 503 and 504
 * (a POST only where it can't have been carried out, or with `idempotent`). Errors of the other app keep their code.
 */
export const createClient = ({
  baseUrl,
  token,
  log,
  timeoutMs: defaultTimeout = 10_000,
  retries: defaultRetries = 3,
  connections = 64,
}: ClientOptions): Client => {
  const base = new URL(baseUrl)
  const secure = base.protocol === 'https:'
  const agent = new (secure ? HttpsAgent : HttpAgent)({
    keepAlive: true,
    maxSockets: connections,
    maxFreeSockets: connections,
    scheduling: 'lifo',
    timeout: 60_000,
  })
  const prefix = base.pathname.replace(/\/$/, '')

  const headersOf = ({ headers, body, contentType }: Call): Record<string, string> => {
    const context = currentContext()
    return {
      accept: 'application/json, */*',
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(context ? contextHeaders(context) : {}),
      ...traceHeaders(),
      ...(contentType ? { 'content-type': contentType } : {}),
      ...(Buffer.isBuffer(body) ? { 'content-length': String(body.length) } : {}),
      ...headers,
    }
  }

  const attempt = (call: Call, timeoutMs: number): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { method, body, signal } = call
      const send = secure ? httpsRequest : httpRequest
      const path = prefix + withQuery(call.path, call.query)
      const request = send(
        {
          agent,
          host: base.hostname.replace(/^\[|\]$/g, ''),
          port: base.port || (secure ? 443 : 80),
          method,
          path,
          headers: headersOf(call),
          signal,
          timeout: timeoutMs,
        },
        resolve,
      )
      request.on('timeout', () => request.destroy(new Error('timeout')))
      request.on('error', reject)
      if (body === undefined || Buffer.isBuffer(body)) request.end(body)
      else body.on('error', (error) => request.destroy(error)).pipe(request)
    })

  const tryOnce = async <T>(
    call: Call,
    timeoutMs: number,
    read: (answer: IncomingMessage) => Promise<T> | T,
  ): Promise<{ value: T } | Failure> => {
    const url = `${baseUrl}${call.path}`
    try {
      const answer = await attempt(call, timeoutMs)
      if ((answer.statusCode ?? 0) >= 300) return await failureOfAnswer(url, answer)
      return { value: await read(answer) }
    } catch (error) {
      return isCodedError(error) ? { error, again: 'never' } : failureOfError(url, error as NodeJS.ErrnoException, timeoutMs)
    }
  }

  const run = async <T>(call: Call, read: (answer: IncomingMessage) => Promise<T> | T): Promise<T> => {
    if (!call.path.startsWith('/')) throw new Error(`${call.path} is no path`)
    const { timeoutMs = defaultTimeout, retries = defaultRetries } = call
    const idempotent = call.idempotent ?? alwaysIdempotent.has(call.method)
    const repeatable = call.body === undefined || Buffer.isBuffer(call.body)
    for (let attempts = 0; ; attempts += 1) {
      const result = await tryOnce(call, timeoutMs, read)
      if ('value' in result) return result.value
      const again = repeatable && (result.again === 'always' || (result.again === 'if idempotent' && idempotent))
      if (!again || attempts >= retries) throw result.error
      log?.debug({ url: `${baseUrl}${call.path}`, code: result.error.code, attempt: attempts + 1 }, 'calling again')
      await delay(backoffMs(attempts, result.afterMs), undefined, { signal: call.signal })
    }
  }

  const readJson =
    <T>(path: string) =>
    async (answer: IncomingMessage): Promise<T> => {
      const text = (await readAll(answer)).toString('utf8')
      if (text === '') return undefined as T
      try {
        return JSON.parse(text) as T
      } catch {
        throw upstreamAnswer({ url: `${baseUrl}${path}`, status: answer.statusCode ?? 0, reason: 'the body is not JSON' })
      }
    }
  const json = (body: unknown) => ({ body: Buffer.from(JSON.stringify(body ?? {})), contentType: 'application/json' })

  return {
    get: (path, options) => run({ ...options, method: 'GET', path }, readJson(path)),
    post: (path, body, options) => run({ ...options, method: 'POST', path, ...json(body) }, readJson(path)),
    put: (path, body, options) => run({ ...options, method: 'PUT', path, ...json(body) }, readJson(path)),
    delete: (path, options) => run({ ...options, method: 'DELETE', path }, readJson(path)),
    bytes: (path, options) => run({ ...options, method: 'GET', path }, readAll),
    download: (path, options) => run<Readable>({ ...options, method: 'GET', path }, (answer) => answer),
    upload: (path, body, { method = 'PUT', contentType = 'application/octet-stream', ...options } = {}) =>
      run({ ...options, method, path, body, contentType }, readJson(path)),
    close: () => agent.destroy(),
  }
}
