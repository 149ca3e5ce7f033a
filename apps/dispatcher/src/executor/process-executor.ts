import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { type Clock } from '@cascata/service'
import { nodeFor } from '../entries.ts'
import { keptLog } from './bounded-log.ts'
import { type Executor, type Exit, type Job, type JobProgress, type JobStatus } from './executor.ts'
import { ageOf, jobFiles, readJson, writeJson } from './job-folder.ts'
import { endAll, isAlive, type ProcessIdentity } from './processes.ts'

/** A supervisor that has written no heartbeat for so long has lost its lease. */
const leaseMs = 30_000
/** Time for a supervisor to come up. */
const startMs = 15_000

/**
 * Runs jobs as processes of this machine. A supervisor process beside each job keeps its limits and writes its end into the job's folder,
 * so a dispatcher that was killed finds the job again, at work or ended; when the supervisor itself is gone, the job is ended and lost.
 */
export function processExecutor({ clock }: { clock: Clock }): Executor {
  const supervise = (folder: string): void => {
    const [program, ...args] = nodeFor('executor/supervise.worker') as [string, ...string[]]
    const env = { PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin' } // eslint-disable-line no-restricted-properties -- where prlimit is found
    spawn(program, [...args, folder], { detached: true, stdio: 'ignore', env }).unref()
  }

  return {
    async submit(job) {
      await mkdir(job.folder, { recursive: true })
      if (!readJson<Job>(job.folder, jobFiles.spec)) writeJson(job.folder, jobFiles.spec, job)
      // A dispatcher that died in between left a job that nobody started; of two supervisors the first one claims it.
      const begun = readJson(job.folder, jobFiles.supervisor) ?? readJson(job.folder, jobFiles.exit)
      if (!begun) supervise(job.folder)
    },

    async status({ folder }): Promise<JobStatus> {
      const spec = readJson<Job>(folder, jobFiles.spec)
      if (!spec) return { is: 'unknown' }
      const exit = readJson<Exit>(folder, jobFiles.exit)
      if (exit) return { is: 'ended', exit }
      const supervisor = readJson<ProcessIdentity>(folder, jobFiles.supervisor)
      const now = clock.now()
      const beat = ageOf(folder, jobFiles.heartbeat, now)
      const age = Number.isFinite(beat) ? beat : ageOf(folder, jobFiles.spec, now)
      const holds = supervisor ? isAlive(supervisor) && age < leaseMs : age < startMs
      if (!holds) return lose(spec, supervisor, now)
      return {
        is: 'running',
        startedAt: now - ageOf(folder, jobFiles.spec, now),
        progress: readJson<JobProgress>(folder, jobFiles.progress) ?? null,
      }
    },

    async cancel({ folder }) {
      const supervisor = readJson<ProcessIdentity>(folder, jobFiles.supervisor)
      if (supervisor && !readJson(folder, jobFiles.exit) && isAlive(supervisor)) process.kill(supervisor.pid, 'SIGTERM')
    },

    logs: async ({ folder }) => keptLog(folder),
  }
}

/** Nobody watches the job any more: ends what is left of it and writes that down, unless its end was written meanwhile. */
function lose(job: Job, supervisor: ProcessIdentity | undefined, now: number): JobStatus {
  const { folder } = job
  const exit = readJson<Exit>(folder, jobFiles.exit)
  if (exit) return { is: 'ended', exit }
  if (supervisor && isAlive(supervisor)) process.kill(supervisor.pid, 'SIGKILL')
  const child = readJson<ProcessIdentity>(folder, jobFiles.child)
  if (child) endAll(isAlive(child) ? child.pid : -1, `CASCATA_JOB=${job.env.CASCATA_JOB}`)
  const lost: Exit = { reason: 'lost', code: null, signal: null, error: null, leftBehind: 0, startedAt: now, endedAt: now }
  writeJson(folder, jobFiles.exit, lost)
  return { is: 'ended', exit: lost }
}
