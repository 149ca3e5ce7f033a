import { trainingProgressed } from '@cascata/events'
import { fact, pause } from '@cascata/messaging'
import { type Exit, type Job, type JobProgress } from '../executor/executor.ts'
import { identityOf } from './advance.ts'
import { type Run } from './run.ts'
import { findRun, updateRun } from './runs.store.ts'
import { Interrupted, type Tools } from './tools.ts'

/** At most so often a progress is said. */
const progressMs = 2_000
const cancelMs = 1_000

/**
 * Runs a job to its end; a job that was submitted before is waited for. Says its progress, and ends it when the run is to be cancelled.
 *
 * @throws Interrupted when the run was cancelled, or the signal fired: then the job goes on and is taken up by whoever comes next.
 */
export async function perform(tools: Tools, run: Run, job: Job, signal: AbortSignal, attempt?: number): Promise<Exit> {
  const { executor, clock } = tools
  await executor.submit(job)
  let looked = clock.now()
  let said: { at: number; progress: JobProgress | null } = { at: 0, progress: null }
  for (let wait = 20; ; wait = Math.min(wait * 1.5, 200)) {
    const status = await executor.status(job)
    if (status.is === 'ended') return status.exit
    if (signal.aborted) throw new Interrupted()
    const now = clock.now()
    if (now - looked >= cancelMs) {
      looked = now
      await stopIfCancelled(tools, run, job)
    }
    const progress = status.is === 'running' ? status.progress : null
    if (attempt !== undefined && progress && progress.share !== said.progress?.share && now - said.at >= progressMs) {
      said = { at: now, progress }
      await sayProgress(tools, run, attempt, progress)
    }
    await pause(wait, signal)
  }
}

async function stopIfCancelled({ db, executor, clock }: Tools, run: Run, job: Job): Promise<void> {
  const now = await findRun(db, run.id)
  if (now && now.cancel === null && now.state === run.state) return
  await executor.cancel(job)
  for (const end = clock.now() + 10_000; clock.now() < end; await pause(50))
    if ((await executor.status(job)).is === 'ended') break
  throw new Interrupted()
}

export async function sayProgress({ db }: Pick<Tools, 'db'>, run: Run, attempt: number, progress: JobProgress): Promise<void> {
  await db.transaction(async (tx) => {
    await updateRun(tx, run.id, {}, { progress })
    const said = fact(trainingProgressed, {
      ...identityOf(run),
      run: run.id,
      attempt,
      share: progress.share,
      metrics: progress.metrics,
    })
    await tx.publish(said, run.causedBy ? { causedBy: run.causedBy } : {})
  })
}
