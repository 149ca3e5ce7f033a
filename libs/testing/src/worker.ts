import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { eventually } from './eventually.ts'
import { marks } from './test-home.ts'

export interface WorkerOptions {
  args?: string[]
  /** Added to the environment of the test. */
  env?: Record<string, string>
  cwd?: string
}

/** How a process ended. */
export interface End {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A TypeScript file in a process of its own. */
export interface Worker {
  pid: number
  /** What it printed so far: each line of JSON parsed, other lines as text. */
  lines: unknown[]
  /** Its error output so far. */
  errors(): string
  /** The first line, past or to come, that satisfies `test`. */
  line<T = any>(test: (line: any) => boolean, timeout?: number): Promise<T>
  /** Writes a line of JSON to its standard input. */
  tell(message: unknown): void
  /** kill -9, with its group. */
  kill(): Promise<End>
  /** SIGTERM. */
  terminate(): Promise<End>
  /** SIGSTOP: alive, holds its connections and locks, does nothing. */
  freeze(): void
  thaw(): void
  died(): Promise<End>
}

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    return line
  }
}

/** Runs a TypeScript file (erasable syntax) by Node in a process group of its own. It is ended with the test run at the latest. */
export const spawnWorker = async (file: string | URL, { args = [], env = {}, cwd }: WorkerOptions = {}): Promise<Worker> => {
  const path = typeof file === 'string' ? file : fileURLToPath(file)
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path, ...args], {
    detached: true,
    cwd,
    env: { ...process.env, ...marks(), NODE_OPTIONS: '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const lines: unknown[] = []
  let errors = ''
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(parsed(line)))
  child.stderr.on('data', (chunk) => (errors = (errors + chunk).slice(-20_000)))
  child.stdin.on('error', () => {})
  const ended = new Promise<End>((resolve) => child.on('close', (code, signal) => resolve({ code, signal })))
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject))
  const signal = (name: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, name)
  }
  return {
    pid: child.pid!,
    lines,
    errors: () => errors,
    line: (test, timeout = 20_000) =>
      eventually(
        () => {
          const found = lines.find((line) => test(line))
          if (found === undefined)
            throw new Error(`The worker has not said it. So far: ${JSON.stringify(lines.slice(-20))}\n${errors}`)
          return found as any
        },
        { timeout },
      ),
    tell: (message) => void child.stdin.write(`${JSON.stringify(message)}\n`),
    kill: () => (signal('SIGKILL'), ended),
    terminate: () => (signal('SIGTERM'), ended),
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    died: () => ended,
  }
}
