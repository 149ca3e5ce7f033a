import { Readable } from 'node:stream'
import { type ReadableStream } from 'node:stream/web'
import { fetchAnyPort } from '@cascata/service/any-port'
import { CommandError, platformDown } from './errors.ts'

/** An app, over HTTP. Every failure is a `CommandError` with the app's own code, words and hint. */
export interface Api {
  get<T>(path: string, query?: Query): Promise<T>
  /** Undefined for 404. */
  find<T>(path: string, query?: Query): Promise<T | undefined>
  post<T>(path: string, body?: unknown): Promise<T>
  /** Sends text as it is, answers JSON. */
  send<T>(method: 'PUT' | 'POST', path: string, text: string, query?: Query): Promise<T>
  /** With a body as JSON text, where the route wants one. */
  remove<T>(path: string, body?: string): Promise<T>
  /** Sends bytes that may be sent twice, answers JSON. */
  upload<T>(path: string, bytes: Uint8Array<ArrayBuffer>, query?: Query): Promise<T>
  text(path: string, query?: Query): Promise<string>
  download(path: string, query?: Query): Promise<Readable>
}

export type Query = Readonly<Record<string, string | number | undefined>>

/** A path with every value encoded. */
export const path = (parts: TemplateStringsArray, ...values: (string | number)[]): string =>
  parts.reduce((before, text, index) => `${before}${encodeURIComponent(String(values[index - 1]))}${text}`)

interface Call {
  method: string
  path: string
  query?: Query | undefined
  body?: string | Uint8Array<ArrayBuffer>
  contentType?: string
}

const retried = new Set([429, 502, 503, 504])

async function failureOf(app: string, answer: Response, route: string): Promise<CommandError> {
  const text = await answer.text().catch(() => '')
  try {
    const { code, message, hint, details } = JSON.parse(text) as {
      code?: string
      message?: string
      hint?: string
      details?: unknown
    }
    if (typeof code === 'string' && typeof message === 'string')
      return new CommandError(code, message, { hint: hint || undefined, details, status: answer.status })
  } catch {
    // Not JSON: told as it is below.
  }
  if (answer.status === 404)
    return new CommandError('CLI_NO_ROUTE', `${app} does not know ${route}`, {
      hint: 'is it of the same version as this command?',
    })
  return new CommandError('CLI_ANSWER', `${app} answered with status ${answer.status}${text ? `: ${text.slice(0, 300)}` : ''}`, {
    hint: `see \`cascata logs ${app}\``,
  })
}

/** A client of an app at `base`. Retries a few times what says it may be tried again; a GET also after a lost connection. */
export function api(
  app: string,
  base: string,
  { token, timeoutMs = 30_000, signal }: { token: string | undefined; timeoutMs?: number; signal: AbortSignal },
): Api {
  const attempt = (call: Call): Promise<Response> => {
    const pairs = Object.entries(call.query ?? {}).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, String(value)]],
    )
    const url = `${base}${call.path}${pairs.length > 0 ? `?${new URLSearchParams(pairs).toString()}` : ''}`
    return fetchAnyPort(url, {
      method: call.method,
      headers: {
        accept: 'application/json, */*',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
      },
      ...(call.body === undefined ? {} : { body: call.body }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    })
  }

  const perform = async (call: Call): Promise<Response> => {
    for (let tries = 1; ; tries++) {
      const again = tries < 4 && !signal.aborted
      try {
        const answer = await attempt(call)
        if (answer.ok || answer.status === 404 || !retried.has(answer.status) || !again) return answer
        await answer.body?.cancel()
      } catch (error) {
        if (signal.aborted) throw new CommandError('CLI_INTERRUPTED', 'interrupted')
        const cause = (error as { code?: string }).code
        if ((error as Error).name === 'TimeoutError')
          throw new CommandError('CLI_TIMEOUT', `${app} at ${base} did not answer within ${timeoutMs / 1000} s`, {
            hint: `see \`cascata logs ${app}\``,
          })
        const isRepeatable = call.method === 'GET' || typeof call.body === 'object'
        if (cause === 'ECONNREFUSED' || !isRepeatable || !again)
          throw platformDown(`${app} does not answer at ${base}${cause ? ` (${cause})` : ''}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 150 * 2 ** tries))
    }
  }

  const ok = async (call: Call): Promise<Response> => {
    const answer = await perform(call)
    if (!answer.ok) throw await failureOf(app, answer, call.path)
    return answer
  }
  const json = async <T>(call: Call): Promise<T> => {
    const text = await (await ok(call)).text()
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  return {
    get: (route, query) => json({ method: 'GET', path: route, query }),
    async find<T>(route: string, query?: Query) {
      const answer = await perform({ method: 'GET', path: route, query })
      if (answer.status === 404) return undefined
      if (!answer.ok) throw await failureOf(app, answer, route)
      return (await answer.json()) as T
    },
    post: (route, body = {}) => json({ method: 'POST', path: route, body: JSON.stringify(body) }),
    send: (method, route, text, query) => json({ method, path: route, query, body: text, contentType: 'application/yaml' }),
    remove: (route, body) => json({ method: 'DELETE', path: route, ...(body === undefined ? {} : { body }) }),
    upload: (route, bytes, query) =>
      json({ method: 'PUT', path: route, query, body: bytes, contentType: 'application/octet-stream' }),
    text: async (route, query) => (await ok({ method: 'GET', path: route, query })).text(),
    download: async (route, query) => Readable.fromWeb((await ok({ method: 'GET', path: route, query })).body as ReadableStream),
  }
}
