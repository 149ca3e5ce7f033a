import { resolve } from 'node:path'

/** What a command sees of the process that it runs in. */
export interface Shell {
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  /** The clone: what `infra` and `dist` lie in, and where a relative `CASCATA_HOME` starts from. */
  root: string
  out(text: string): void
  err(text: string): void
  stdin(): Promise<string>
  /** Whether colours are wanted: a terminal, and no `NO_COLOR`. */
  colour: boolean
  /** Columns of the terminal; undefined when output goes elsewhere. */
  width: number | undefined
  /** Aborted by Ctrl-C and SIGTERM. */
  signal: AbortSignal
}

async function readStdin(process: NodeJS.Process): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** https://no-color.org: any value that is not empty switches colours off; `FORCE_COLOR` switches them on. */
const wantsColour = ({ env, stdout }: NodeJS.Process): boolean => {
  if (env['NO_COLOR']) return false
  return env['FORCE_COLOR'] ? env['FORCE_COLOR'] !== '0' : stdout.isTTY === true && env['TERM'] !== 'dumb'
}

export function shellOf(process: NodeJS.Process): Shell {
  const stopping = new AbortController()
  let interrupts = 0
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      interrupts += 1
      if (interrupts > 1) process.exit(130)
      stopping.abort()
    })
  }
  return {
    env: process.env,
    cwd: process.cwd(),
    root: resolve(import.meta.dirname, '..', '..', '..'),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdin: () => readStdin(process),
    colour: wantsColour(process),
    width: process.stdout.isTTY ? process.stdout.columns : undefined,
    signal: stopping.signal,
  }
}
