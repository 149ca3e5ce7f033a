import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { run } from './run.ts'
import { type Shell } from './shell.ts'

/** A request as a service under test sees it. */
export interface Asked {
  method: string
  url: string
  body: string
  headers: IncomingMessage['headers']
}

/** What a service answers: a status and a body; objects go out as JSON. */
export type Answer = readonly [status: number, body: unknown]

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return body
}

/** An HTTP service on a free port that answers what `answer` says and remembers what it was asked. */
export async function service(
  answer: (asked: Asked) => Answer,
): Promise<{ url: string; asked: Asked[]; close(): Promise<void> }> {
  const asked: Asked[] = []
  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    const one = { method: request.method ?? '', url: request.url ?? '', body: await bodyOf(request), headers: request.headers }
    asked.push(one)
    const [status, body] = answer(one)
    response.writeHead(status, { 'content-type': 'application/json' }).end(typeof body === 'string' ? body : JSON.stringify(body))
  }
  const server = createServer((request, response) => void respond(request, response).catch(() => response.destroy()))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () => {
      server.closeAllConnections()
      return new Promise((done) => server.close(() => done()))
    },
  }
}

/** The same, closed when the test that asks for it is over. */
export async function serving(answer: (asked: Asked) => Answer): ReturnType<typeof service> {
  const started = await service(answer)
  onTestFinished(() => started.close())
  return started
}

export interface Ran {
  code: number
  out: string
  err: string
}

/** Runs a command line as `main.ts` does, with a shell that keeps what it is told. */
export async function cascata(
  argv: readonly string[],
  { env = {}, stdin = '', ...rest }: Partial<Omit<Shell, 'stdin'>> & { stdin?: string } = {},
): Promise<Ran> {
  let [out, err] = ['', '']
  const code = await run(argv, {
    env: { CASCATA_HOME: '/nonexistent', ...env },
    cwd: process.cwd(),
    root: process.cwd(),
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    stdin: () => Promise.resolve(stdin),
    colour: false,
    width: undefined,
    signal: new AbortController().signal,
    ...rest,
  })
  return { code, out, err }
}
