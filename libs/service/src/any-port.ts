import { ReadableStream } from 'node:stream/web'
import { type Dispatcher, request } from 'undici'

/** What is asked of `fetchAnyPort`; as of `fetch`, as far as it goes. */
export interface FetchOptions {
  method?: string
  headers?: Record<string, string>
  body?: string | Uint8Array | undefined
  signal?: AbortSignal
}

const withoutBody = new Set([204, 205, 304])

/**
 * `fetch` for addresses of the platform itself. The web's `fetch` refuses some ports as if nothing were there
 * (https://fetch.spec.whatwg.org/#port-blocking), among them 6566, on which Feast and therefore the feature store answer,
 * and 6000 and 10080, to which `CASCATA_PORT_OFFSET` can move an app. Follows no redirects.
 *
 * @throws the error of the connection, with its `code` (`ECONNREFUSED`, …), or the reason of `signal`.
 */
export async function fetchAnyPort(url: string, { method = 'GET', headers, body, signal }: FetchOptions = {}): Promise<Response> {
  const answer = await request(url, {
    method: method as Dispatcher.HttpMethod,
    ...(headers ? { headers } : {}),
    ...(body === undefined ? {} : { body }),
    ...(signal ? { signal } : {}),
  })
  const empty = withoutBody.has(answer.statusCode)
  if (empty) await answer.body.dump()
  return new Response(empty ? null : ReadableStream.from<Uint8Array<ArrayBuffer>>(answer.body), {
    status: answer.statusCode,
    headers: Object.entries(answer.headers).flatMap(([name, value]): [string, string][] =>
      [value ?? []].flat().map((one) => [name, one]),
    ),
  })
}
