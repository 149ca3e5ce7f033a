import { spawn } from 'node:child_process'
import { on } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type ConvertJob } from './convert.ts'
import { type FromWorker, type ToWorker } from './convert-messages.ts'
import { ImportRefused } from './file-columns.ts'
import { type Converted } from './take-rows.ts'

/** Beside this module as source; in a bundle the modules have become one, and workers keep their folder. */
const script = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './convert.worker.ts' : './imports/convert.worker.js', import.meta.url),
)

/** The process that read a file died: it took too much memory, or brought the engine down. */
export class ConverterDied extends Error {
  override readonly name = 'ConverterDied'
}

const mebibyte = 1024 ** 2

export interface ConvertSettings {
  /** The service's folder: the engine reaches nothing else. */
  readonly base: string
  /** Bytes of the engine. */
  readonly memory: number
  readonly threads: number
  readonly signal: AbortSignal
}

/**
 * Converts a file in a process of its own, with bounded memory: what a file does to its reader ends there, and look-ups are not slowed.
 * `record` is awaited before the next rows are converted.
 *
 * @throws ImportRefused, ConverterDied, or Error for what may go away (a full disk)
 */
export async function convertFile(
  job: ConvertJob,
  sha256: string,
  { base, memory, threads, signal }: ConvertSettings,
  record: (converted: Converted) => Promise<void>,
): Promise<void> {
  const limit = Math.round(memory / mebibyte) + 2_048
  // `ulimit -d` bounds private writable memory, `-c 0` keeps a crash from writing a core file.
  const child = spawn(
    '/bin/sh',
    [
      '-c',
      'ulimit -c 0; ulimit -d "$1"; shift; exec nice -n 5 "$@"',
      'sh',
      String(limit * 1024),
      process.execPath,
      '--max-old-space-size=768',
      script,
    ],
    {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
      env: { NODE_NO_WARNINGS: '1' },
    },
  )
  const ended = new AbortController()
  child.once('exit', () => ended.abort())
  child.once('error', () => ended.abort())
  const stop = () => child.kill('SIGKILL')
  signal.addEventListener('abort', stop, { once: true })
  try {
    const send = (message: ToWorker) => child.send(message, () => {})
    const messages = on(child, 'message', { signal: ended.signal })
    send({ is: 'job', job, sha256, engine: { folder: base, name: `import-${process.pid}`, memory, threads } })
    for await (const [message] of messages as AsyncIterable<[FromWorker]>) {
      if (message.is === 'done') return
      if (message.is === 'refused') throw new ImportRefused(message.problem)
      if (message.is === 'failed') throw new Error(message.message)
      await record(message.converted)
      send({ is: 'recorded' })
    }
  } catch (error) {
    if ((error as Error).name === 'AbortError')
      throw signal.aborted ? error : new ConverterDied('the process that read the file died')
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
    child.kill('SIGKILL')
  }
}
