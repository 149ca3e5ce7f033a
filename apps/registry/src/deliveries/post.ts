import { lookup as resolve, type LookupAddress } from 'node:dns'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { type LookupFunction } from 'node:net'
import { hostOf, isPublicAddress, refusalOfUrl } from './public-address.ts'

/** What came back, or why nothing did. */
export type Attempted =
  | { readonly is: 'answered'; readonly status: number; readonly body: string; readonly retryAfterMs?: number }
  | { readonly is: 'unreachable'; readonly why: string }
  /** The address must not be called. */
  | { readonly is: 'forbidden'; readonly why: string }

export interface Message {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface PostSettings {
  /** Hosts that may be private and without TLS; `null` lets every address pass: for URLs that come from the configuration. */
  readonly allowed: readonly string[] | null
  readonly timeoutMs: number
}

/** As much of an answer as is kept. */
const answerBytes = 16_384

class ForbiddenAddress extends Error {}

/** Asks for the addresses of a name and hands on what was checked: the connection goes to that address, whatever the name says a moment later. */
const publicOnly: LookupFunction = (host, options, done) => {
  resolve(host, { ...options, all: true }, (error, found: LookupAddress[]) => {
    if (error) return done(error, '')
    const hidden = found.find(({ address }) => !isPublicAddress(address))
    if (hidden || found.length === 0)
      return done(new ForbiddenAddress(`${host} has the address ${hidden?.address ?? '(none)'}`), '')
    if (options.all) return done(null, found)
    return done(null, found[0]!.address, found[0]!.family)
  })
}

const retryAfter = (value: string | undefined): { retryAfterMs?: number } =>
  value !== undefined && /^\d{1,6}$/.test(value) ? { retryAfterMs: Number(value) * 1_000 } : {}

/** Sends a message once: no redirect is followed, no connection is used twice, and an answer is read as far as it is kept. */
export const post = ({ url: text, headers, body }: Message, { allowed, timeoutMs }: PostSettings): Promise<Attempted> => {
  const refusal = allowed === null ? undefined : refusalOfUrl(text, allowed)
  if (refusal) return Promise.resolve({ is: 'forbidden', why: refusal })
  const url = new URL(text)
  const checked = allowed !== null && !allowed.includes(hostOf(url))
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((settle) => {
    const failed = (error: Error) =>
      settle({ is: error instanceof ForbiddenAddress ? 'forbidden' : 'unreachable', why: error.message || error.name })
    const request = send(
      url,
      {
        method: 'POST',
        headers: { ...headers, 'content-length': Buffer.byteLength(body), 'user-agent': 'cascata' },
        agent: false,
        signal: AbortSignal.timeout(timeoutMs),
        ...(checked ? { lookup: publicOnly } : {}),
      },
      (answer) => {
        let kept = ''
        const done = () => {
          settle({ is: 'answered', status: answer.statusCode ?? 0, body: kept, ...retryAfter(answer.headers['retry-after']) })
          answer.destroy()
        }
        answer.setEncoding('utf8')
        answer.on('data', (chunk: string) => {
          kept = (kept + chunk).slice(0, answerBytes)
          if (kept.length === answerBytes) done()
        })
        answer.on('end', done)
        answer.on('error', failed)
      },
    )
    request.on('error', failed)
    request.end(body)
  })
}
