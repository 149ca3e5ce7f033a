import { type Readable } from 'node:stream'
import { type Dispatcher, request } from 'undici'
import { type z } from 'zod'
import { answered, pacing, Refused, type Settings, textOf } from './requests.ts'

export type Query = Readonly<Record<string, string | number>>

/** A server that speaks MLflow's protocol. Throws `Refused` for what it refuses, CommandError when it can't be reached or lets nobody in. */
export interface MlflowServer {
  readonly base: string
  get<Shape extends z.ZodType>(path: string, shape: Shape, query?: Query): Promise<z.infer<Shape>>
  post<Shape extends z.ZodType>(path: string, shape: Shape, body: object): Promise<z.infer<Shape>>
  /** Asks for what needs no look at its answer. */
  tell(method: 'POST' | 'PATCH', path: string, body: object): Promise<void>
  /** A file as a stream; its bytes where the server says them. */
  read(path: string, query: Query): Promise<{ content: Readable; bytes: number | undefined }>
  write(path: string, content: Readable, bytes: number | undefined): Promise<void>
}

/** What goes with a request, and how long it is where that is known of a stream. */
interface Sent {
  readonly body: string | Readable
  readonly bytes?: number | undefined
}

const idleMs = 120_000
const tries = 5

const headersOf = (authorization: string | undefined, sent: Sent | undefined): Record<string, string> => ({
  // What comes compressed could unpack to anything.
  'accept-encoding': 'identity',
  ...(authorization ? { authorization } : {}),
  ...(sent ? { 'content-type': typeof sent.body === 'string' ? 'application/json' : 'application/octet-stream' } : {}),
  ...(sent?.bytes === undefined ? {} : { 'content-length': String(sent.bytes) }),
})

const lengthOf = ({ statusCode, headers }: Dispatcher.ResponseData): number | undefined => {
  const coding = headers['content-encoding']
  if (coding !== undefined && coding !== 'identity')
    throw new Refused(statusCode, 'COMPRESSED', `the file comes as ${String(coding)}, which was not asked for`)
  const length = Number(headers['content-length'] ?? Number.NaN)
  return Number.isSafeInteger(length) ? length : undefined
}

/** The answer as what is asked of MLflow's. */
const shaped = <Shape extends z.ZodType>(shape: Shape, text: string, called: string, path: string): z.infer<Shape> => {
  try {
    return shape.parse(JSON.parse(text))
  } catch {
    throw new Refused(200, 'NOT_MLFLOW', `${called} answers ${path} with what is not MLflow's: ${text.slice(0, 100)}`)
  }
}

/** Opens a server. Retries what may pass: overload, a lost connection, a server that starts again. */
export function openServer(settings: Settings): MlflowServer {
  const { base, authorization, called, signal } = settings
  const turn = pacing(settings)

  const send = async (method: Dispatcher.HttpMethod, path: string, query: Query, sent?: Sent) => {
    const pairs = Object.entries(query).map(([name, value]): [string, string] => [name, String(value)])
    const url = `${base}${path}${pairs.length > 0 ? `?${new URLSearchParams(pairs).toString()}` : ''}`
    await turn()
    const headers = headersOf(authorization, sent)
    const limits = { headersTimeout: idleMs, bodyTimeout: idleMs, signal }
    return request(url, { method, headers, ...(sent ? { body: sent.body } : {}), ...limits })
  }

  const json = async <Shape extends z.ZodType>(
    shape: Shape,
    method: 'GET' | 'POST',
    path: string,
    query: Query,
    body?: object,
  ): Promise<z.infer<Shape>> => {
    const sent = body && { body: JSON.stringify(body) }
    const text = await answered(
      settings,
      () => send(method, path, query, sent),
      (answer) => textOf(answer, settings),
      tries,
    )
    return shaped(shape, text, called, path)
  }

  const dump = ({ body }: Dispatcher.ResponseData) => body.dump()

  return {
    base,
    get: (path, shape, query = {}) => json(shape, 'GET', path, query),
    post: (path, shape, body) => json(shape, 'POST', path, {}, body),
    tell: (method, path, body) => answered(settings, () => send(method, path, {}, { body: JSON.stringify(body) }), dump, tries),
    read: (path, query) => {
      const opened = (answer: Dispatcher.ResponseData) => Promise.resolve({ content: answer.body, bytes: lengthOf(answer) })
      return answered(settings, () => send('GET', path, query), opened, tries)
    },
    // Once: a stream can't be sent again.
    write: (path, content, bytes) => answered(settings, () => send('PUT', path, {}, { body: content, bytes }), dump, 1),
  }
}
