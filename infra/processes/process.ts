import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** A program to run: an argument list, never a shell line. */
export interface Command {
  file: string
  args: string[]
  env: NodeJS.ProcessEnv
  cwd: string
}

/** A process that may have been started by somebody else; the start time tells it from a later one with the same id. */
export interface ProcessRef {
  pid: number
  startTime: string
}

/** Field 22 of /proc/<pid>/stat and the state; undefined for a process that is gone or a zombie. */
const startTimeOf = (pid: number): string | undefined => {
  if (!existsSync('/proc/self/stat')) return signalled(pid, 0) ? 'unknown' : undefined
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

const signalled = (pid: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    process.kill(pid, signal)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

export const refOf = (pid: number): ProcessRef | undefined => {
  const startTime = startTimeOf(pid)
  return startTime === undefined ? undefined : { pid, startTime }
}

export const isAlive = (ref: ProcessRef): boolean => startTimeOf(ref.pid) === ref.startTime

/** Name of the variable by which what a platform started is known even if nobody wrote its id down. */
export const marker = 'STARTED_BY_CASCATA'

/**
 * Starts a program in a session of its own, so that neither Ctrl-C nor the end of its starter reaches it.
 * Output goes straight to files: no pipe breaks when the starter dies.
 */
export const startDetached = (
  command: Command,
  logs: { out: string; err: string },
  onExit?: (how: string) => void,
): Promise<ProcessRef> => {
  for (const file of [logs.out, logs.err]) mkdirSync(dirname(file), { recursive: true })
  const out = openSync(logs.out, 'a')
  const err = openSync(logs.err, 'a')
  const child = spawn(command.file, command.args, {
    cwd: command.cwd,
    env: command.env,
    detached: true,
    stdio: ['ignore', out, err],
  })
  closeSync(out)
  closeSync(err)
  child.unref()
  if (onExit) child.on('exit', (code, signal) => onExit(signal ?? `code ${code}`))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('spawn', () => resolve(refOf(child.pid!) ?? { pid: child.pid!, startTime: 'gone' }))
  })
}

/** Waits until a process is gone. True when it went in time. */
export const gone = async (ref: ProcessRef, withinMs: number): Promise<boolean> => {
  const end = performance.now() + withinMs
  while (isAlive(ref)) {
    if (performance.now() > end) return false
    await delay(20)
  }
  return true
}

/** Sends a signal to a process and all of its group; what is gone already is no error. */
export const signalGroup = (ref: ProcessRef, signal: NodeJS.Signals): void => {
  if (!isAlive(ref)) return
  if (!signalled(-ref.pid, signal)) signalled(ref.pid, signal)
}

/** Asks a process to end and, after `patienceMs`, ends it with its whole group. */
export const stop = async (
  ref: ProcessRef,
  { signal = 'SIGTERM', patienceMs }: { signal?: NodeJS.Signals; patienceMs: number },
): Promise<void> => {
  if (!isAlive(ref)) return
  signalled(ref.pid, signal)
  if (await gone(ref, patienceMs)) return
  signalGroup(ref, 'SIGKILL')
  await gone(ref, 5_000)
}

/**
 * Processes whose environment, command line and working folder satisfy `test` (Linux; elsewhere none is found). Their own environment
 * at the start, not a later one; a program that writes its own title over it, as Redis does, has none.
 */
export const processesWith = (test: (environment: string[], words: string[], folder: string) => boolean): ProcessRef[] => {
  if (!existsSync('/proc/self/environ')) return []
  const found: ProcessRef[] = []
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue
    try {
      const environment = readFileSync(`/proc/${entry}/environ`, 'utf8').split('\0')
      const words = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0')
      const folder = readlinkSync(`/proc/${entry}/cwd`).replace(/ \(deleted\)$/, '')
      const ref = test(environment, words, folder) ? refOf(Number(entry)) : undefined
      if (ref) found.push(ref)
    } catch {
      continue
    }
  }
  return found
}
