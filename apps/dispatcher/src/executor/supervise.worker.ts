import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { boundedLog } from './bounded-log.ts'
import { type Exit, type Job } from './executor.ts'
import { jobFiles, readJson, writeJson } from './job-folder.ts'
import { endAll, identify, residentBytes, signalGroup } from './processes.ts'
import { progressReader } from './progress-lines.ts'

/*
 * Stands beside one job: starts it in a process group of its own, watches its limits, and writes down how it ended.
 * It outlives the dispatcher; whoever reads the folder later knows what became of the job.
 */

const folder = process.argv[2] as string
const job = readJson<Job>(folder, jobFiles.spec) as Job
const { limits } = job
const mark = `CASCATA_JOB=${job.env.CASCATA_JOB}`
const graceMs = 3_000
const startedAt = Date.now()

let ending: Exit['reason'] | undefined

const claim = (): boolean => {
  try {
    writeFileSync(join(folder, jobFiles.supervisor), JSON.stringify(identify(process.pid)), { flag: 'wx' })
    return true
  } catch {
    return false
  }
}

const finish = (exit: Pick<Exit, 'reason' | 'code' | 'signal' | 'error' | 'leftBehind'>): never => {
  writeJson(folder, jobFiles.exit, { ...exit, startedAt, endedAt: Date.now() })
  process.exit(0)
}

/** The command behind the limits that the kernel keeps, where `prlimit` is there. */
const limited = (): string[] => {
  const found = process.platform === 'linux' && spawnSync('prlimit', ['--version'], { stdio: 'ignore' }).status === 0
  const data = limits.memoryBytes + 2 ** 30
  return found ? ['prlimit', '--core=0', `--fsize=${limits.outputBytes}`, `--data=${data}`, '--', ...job.command] : job.command
}

const sizeOf = (path: string): number => {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (!stat) return 0
  return stat.isDirectory() ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0) : stat.size
}

const stop = (child: ChildProcess, reason: Exit['reason']): void => {
  if (ending) return
  ending = reason
  const leader = child.pid as number
  signalGroup(leader, reason === 'cancelled' || reason === 'deadline' ? 'SIGTERM' : 'SIGKILL')
  setTimeout(() => endAll(leader, mark), graceMs)
}

const watch = (child: ChildProcess, printed: () => number): NodeJS.Timeout =>
  setInterval(() => {
    const now = Date.now()
    utimesSync(join(folder, jobFiles.heartbeat), now / 1000, now / 1000)
    if (now - startedAt > limits.timeoutMs) stop(child, 'deadline')
    else if (printed() > limits.printedBytes) stop(child, 'flood')
    else if (residentBytes(child.pid as number) > limits.memoryBytes) stop(child, 'memory')
    else if (sizeOf(join(folder, jobFiles.output)) + sizeOf(join(folder, jobFiles.scratch)) > limits.outputBytes)
      stop(child, 'output')
  }, 250)

/** Serving goes before training on the same machine. */
const beKind = (pid: number): void => {
  try {
    setPriority(pid, 5)
  } catch {
    // It has ended already.
  }
}

const run = (): void => {
  for (const name of [jobFiles.output, jobFiles.scratch]) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, jobFiles.heartbeat), '')
  const log = boundedLog(folder)
  const lines = progressReader((progress) => writeJson(folder, jobFiles.progress, progress))
  const [program, ...args] = limited() as [string, ...string[]]
  const child = spawn(program, args, { cwd: job.cwd, env: job.env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  child.once('error', (cause) =>
    finish({
      reason: 'not started',
      code: null,
      signal: null,
      error: { code: 'TRAINER_NOT_STARTED', message: cause.message },
      leftBehind: 0,
    }),
  )
  child.once('spawn', () => {
    writeJson(folder, jobFiles.child, identify(child.pid as number))
    beKind(child.pid as number)
    const timer = watch(child, log.total)
    const flushing = setInterval(log.flush, 1_000)
    process.on('SIGTERM', () => stop(child, 'cancelled'))
    process.on('uncaughtException', ({ message }) => {
      endAll(child.pid as number, mark)
      finish({ reason: 'lost', code: null, signal: null, error: { code: 'TRAINER_LOST', message }, leftBehind: 0 })
    })
    child.once('exit', (code, signal) => {
      clearInterval(timer)
      // Whoever still holds the pipes is among those that were left behind.
      const leftBehind = endAll(child.pid as number, mark)
      setTimeout(() => {
        clearInterval(flushing)
        log.flush()
        const full =
          code !== 0 && sizeOf(join(folder, jobFiles.output)) + sizeOf(join(folder, jobFiles.scratch)) >= limits.outputBytes
        const tooLarge = signal === 'SIGXFSZ' || full ? 'output' : undefined
        finish({ reason: ending ?? tooLarge ?? 'exit', code, signal, error: lines.error(), leftBehind: ending ? 0 : leftBehind })
      }, 50)
    })
  })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', log.write)
  child.stdout.on('data', lines.write)
}

if (existsSync(join(folder, jobFiles.exit)) || !claim()) process.exit(0)
run()
