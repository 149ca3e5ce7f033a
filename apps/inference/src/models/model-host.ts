import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { InvalidRequest, type InvalidCode } from '../protocol/invalid-request.ts'
import { type HostCommand, type HostReply, type HostResult } from './host-messages.ts'
import { ModelRefused, type ModelRefusedCode } from './model-refused.ts'

/** A process beside this one, with a memory limit, in which models are tried and large batches run. It is started again when it dies. */
export interface ModelHost {
  /** @throws InvalidRequest, ModelRefused, or Error for a run that failed */
  call<C extends HostCommand>(command: C, timeoutMs: number): Promise<HostResult<C>>
  /** Counts the processes so far: what was loaded into an earlier one is gone. */
  incarnation(): number
  pid(): number | undefined
  stop(): Promise<void>
}

interface Pending {
  resolve(value: unknown): void
  reject(error: Error): void
  timer: NodeJS.Timeout
}

/** Beside this module as source; in a bundle the modules have become one, and workers keep their folder. */
const script = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './model-host.worker.ts' : './models/model-host.worker.js', import.meta.url),
)

export interface HostSettings {
  /** Bound of its private memory (RLIMIT_DATA): an allocation beyond it fails in the model's run, not on the machine. */
  memoryMiB: number
  /** Started now, not by its first call. */
  warm: boolean
  onExit?: (why: string) => void
}

export function startModelHost({ memoryMiB, warm, onExit }: HostSettings): ModelHost {
  const pending = new Map<number, Pending>()
  let child: ChildProcess | undefined
  let incarnation = 0
  let lastId = 0
  let stopped = false

  const settle = (id: number): Pending | undefined => {
    const call = pending.get(id)
    if (call) clearTimeout(call.timer)
    pending.delete(id)
    return call
  }
  const running = (): ChildProcess => {
    if (child) return child
    const started = spawnLimited(memoryMiB)
    incarnation++
    child = started
    started.on('message', (reply: HostReply) => {
      const call = settle(reply.id)
      if ('error' in reply) call?.reject(errorOf(reply.error))
      else call?.resolve(reply.value)
    })
    started.once('exit', (code, signal) => {
      if (child === started) child = undefined
      if (stopped) return
      onExit?.(String(signal ?? code))
      for (const id of [...pending.keys()])
        settle(id)!.reject(new ModelRefused('INF_MODEL_CRASHED', `The model's process died (${signal ?? code}).`))
    })
    started.once('error', () => started.kill('SIGKILL'))
    return started
  }
  if (warm) running()

  return {
    incarnation: () => (running(), incarnation),
    pid: () => child?.pid,
    call: (command, timeoutMs) =>
      new Promise((resolve, reject) => {
        if (stopped) return reject(new ModelRefused('INF_MODEL_CRASHED', 'The service is stopping.'))
        const id = ++lastId
        const timer = setTimeout(() => {
          settle(id)?.reject(new ModelRefused('INF_MODEL_TIMEOUT', `The model did not answer within ${timeoutMs} ms.`))
          child?.kill('SIGKILL')
        }, timeoutMs)
        pending.set(id, { resolve: resolve as (value: unknown) => void, reject, timer })
        running().send(
          { id, command },
          (error) => error && settle(id)?.reject(new ModelRefused('INF_MODEL_CRASHED', error.message)),
        )
      }),
    stop: async () => {
      stopped = true
      for (const id of [...pending.keys()]) settle(id)!.reject(new ModelRefused('INF_MODEL_CRASHED', 'The service is stopping.'))
      const last = child
      if (!last || last.exitCode !== null) return
      await new Promise<void>((resolve) => {
        last.once('exit', () => resolve())
        last.kill('SIGKILL')
      })
    },
  }
}

/** `ulimit -d` bounds private writable memory since Linux 4.7; `-c 0` keeps a crash from writing a core file. */
const spawnLimited = (memoryMiB: number): ChildProcess =>
  spawn(
    '/bin/sh',
    ['-c', 'ulimit -c 0; ulimit -d "$1"; shift; exec "$@"', 'sh', String(memoryMiB * 1024), process.execPath, script],
    {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
      env: { NODE_NO_WARNINGS: '1' },
    },
  )

function errorOf({ code, message, details }: Extract<HostReply, { error: unknown }>['error']): Error {
  if (code === undefined) return new Error(message)
  return code.startsWith('INF_MODEL_') || code === 'INF_GOLDEN_MISMATCH'
    ? new ModelRefused(code as ModelRefusedCode, message, details)
    : new InvalidRequest(code as InvalidCode, message, details)
}
