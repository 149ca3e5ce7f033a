import { setTimeout as sleep } from 'node:timers/promises'
import { fetchAnyPort } from '@cascata/service/any-port'
import type { PlatformFile } from '../platform/files.ts'
import { type Instant } from './flights.ts'

/** An answer that was no success. */
export class Refused extends Error {
  override name = 'Refused'
  readonly status: number
  readonly body: unknown

  constructor(what: string, status: number, body: unknown) {
    const { code = '', message = JSON.stringify(body) } = (body ?? {}) as { code?: string; message?: string }
    super(`${what}: ${status} ${code} ${message}`)
    this.status = status
    this.body = body
  }
}

/** How far a view has read. */
export interface ViewState {
  state: string
  partitions: { nextOffset: number; end: number }[]
}

/** What became of an applied document. */
export interface Applied {
  kind: string
  name: string
  revision: number
  action: string
}

interface Call {
  method?: string
  body?: unknown
  yaml?: string
  at?: Instant
}

/** The platform's HTTP, as anybody would call it. */
export function platformClient({ apps }: PlatformFile) {
  const call = async <Answer>(app: string, path: string, { method = 'GET', body, yaml, at }: Call = {}): Promise<Answer> => {
    const headers: Record<string, string> = {}
    if (yaml !== undefined) headers['content-type'] = 'application/yaml'
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (at !== undefined) headers['cascata-at'] = new Date(at).toISOString()
    const answer = await fetchAnyPort(`${apps[app]!.url}${path}`, {
      method,
      headers,
      body: yaml ?? (body === undefined ? undefined : JSON.stringify(body)),
    })
    const text = await answer.text()
    const parsed = (answer.headers.get('content-type') ?? '').includes('json') ? JSON.parse(text) : text
    if (!answer.ok) throw new Refused(`${method} ${app}${path}`, answer.status, parsed)
    return parsed as Answer
  }

  return {
    get: <Answer>(app: string, path: string, at?: Instant) => call<Answer>(app, path, at === undefined ? {} : { at }),
    post: <Answer>(app: string, path: string, body: unknown, at?: Instant) =>
      call<Answer>(app, path, { method: 'POST', body, ...(at === undefined ? {} : { at }) }),
    apply: (yaml: string) => call<Applied[]>('registry', '/v1/resources', { method: 'PUT', yaml }),
    /** Bytes of a blob. */
    async blob(sha256: string): Promise<Uint8Array> {
      const answer = await fetchAnyPort(`${apps['registry']!.url}/v1/blobs/${sha256}`)
      if (!answer.ok) throw new Refused(`GET blob ${sha256}`, answer.status, await answer.text())
      return new Uint8Array(await answer.arrayBuffer())
    },
    /** Waits until everything published to the views' topics so far can be read. */
    async covered(namespace: string, views: readonly string[], signal: AbortSignal): Promise<void> {
      await Promise.all(
        views.map(async (view) => {
          for (let wait = 10; ; wait = Math.min(2 * wait, 80)) {
            signal.throwIfAborted()
            const { partitions, state } = await call<ViewState>('feature-store', `/v1/views/${namespace}/${view}`)
            if (state === 'active' && partitions.length > 0 && partitions.every(({ nextOffset, end }) => nextOffset >= end))
              return
            await sleep(wait)
          }
        }),
      )
    },
  }
}
export type PlatformClient = ReturnType<typeof platformClient>
