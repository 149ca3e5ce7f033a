import { type Dispatcher } from 'undici'
import { CommandError } from '../../errors.ts'

/** What a server refused for good, or what can't be taken from it, in words. The rest of an import goes on. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** A server to whom requests go. */
export interface Settings {
  /** How people know it, in messages. */
  readonly called: string
  readonly base: string
  readonly authorization: string | undefined
  /** What to do where it lets nobody in. */
  readonly loginHint: string
  readonly signal: AbortSignal
  /** Requests a second at most. */
  readonly rate: number
}

const largestAnswer = 64 * 1024 ** 2
const largestRefusal = 64 * 1024
const passing = new Set([408, 429, 502, 503, 504])

export const interrupted = (): CommandError =>
  new CommandError('CLI_INTERRUPTED', 'interrupted', { hint: 'run it again: it goes on where it stopped' })

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(interrupted())
    const stop = () => (clearTimeout(timer), reject(interrupted()))
    const timer = setTimeout(() => (signal.removeEventListener('abort', stop), resolve()), ms)
    signal.addEventListener('abort', stop, { once: true })
  })

/** Lets one pass every `1/rate` seconds. */
export const pacing = ({ rate, signal }: Settings): (() => Promise<void>) => {
  let next = 0
  return async () => {
    const at = Math.max(performance.now(), next)
    next = at + 1_000 / rate
    const wait = at - performance.now()
    if (wait >= 1) await pause(wait, signal)
  }
}

/** Reads an answer to its end. Throws `Refused` where it is longer than any that is asked for. */
export const textOf = async (
  { statusCode, body }: Dispatcher.ResponseData,
  { called }: Settings,
  most = largestAnswer,
): Promise<string> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > most) throw new Refused(statusCode, 'TOO_LARGE', `${called} sends an answer of more than ${most} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const said = (status: number, text: string): Refused => {
  try {
    const { error_code: code, message } = JSON.parse(text) as { error_code?: unknown; message?: unknown }
    if (typeof code === 'string') return new Refused(status, code.slice(0, 100), String(message).slice(0, 500))
  } catch {
    // Not JSON: told as it is.
  }
  return new Refused(status, `HTTP_${status}`, text.slice(0, 200).replaceAll(/\s+/g, ' ') || `status ${status}`)
}

/** Redirects are not followed: they would lead an import to addresses, with a login, that nobody named. */
const moved = ({ statusCode, headers }: Dispatcher.ResponseData, { called }: Settings): Refused =>
  new Refused(statusCode, 'REDIRECTED', `${called} sends elsewhere: ${String(headers['location']).slice(0, 200)}`)

const refusalOf = async (answer: Dispatcher.ResponseData, settings: Settings): Promise<Refused> => {
  if (answer.statusCode < 400) {
    await answer.body.dump()
    return moved(answer, settings)
  }
  return said(answer.statusCode, await textOf(answer, settings, largestRefusal))
}

const isLogin = ({ status, code, message }: Refused): boolean =>
  status === 401 || code === 'UNAUTHENTICATED' || (status === 403 && message.includes(`'imported' needs`))

const lost = ({ called, base }: Settings, error: unknown): CommandError => {
  const { code, message } = error as { code?: string; message?: string }
  return new CommandError('CLI_SERVER_LOST', `${called} at ${base} does not answer (${code ?? message})`, {
    hint: 'run it again when it does: it goes on where it stopped',
  })
}

/**
 * Sends a request until it is answered, `most` times at most: overload and lost connections may pass.
 *
 * @throws Refused for what the server refuses for good; CommandError where it can't be reached, or lets nobody in
 */
export const answered = async <Answer>(
  settings: Settings,
  send: () => Promise<Dispatcher.ResponseData>,
  read: (answer: Dispatcher.ResponseData) => Promise<Answer>,
  most: number,
): Promise<Answer> => {
  const { called, base, loginHint, signal } = settings
  for (let tried = 1; ; tried += 1) {
    try {
      const answer = await send()
      if (answer.statusCode < 300) return await read(answer)
      const refusal = await refusalOf(answer, settings)
      if (isLogin(refusal))
        throw new CommandError('CLI_LOGIN', `${called} at ${base} says: ${refusal.message}`, { hint: loginHint })
      if (!passing.has(answer.statusCode) || tried >= most) throw refusal
    } catch (error) {
      if (signal.aborted) throw interrupted()
      if (error instanceof Refused || error instanceof CommandError) throw error
      if (tried >= most) throw lost(settings, error)
    }
    await pause(150 * 2 ** tried, signal)
  }
}
