import { trainingFailed, trainingStarted, trainingSucceeded } from '@cascata/events'
import { fact } from '@cascata/messaging'
import { type Exit } from '../executor/executor.ts'
import { type JobFolderFiles, readModelFiles } from './model-files.ts'
import { advance, endRun, identityOf } from './advance.ts'
import { judgeExit } from './judge-exit.ts'
import { perform } from './perform.ts'
import { type Attempt, type Failure, type Run } from './run.ts'
import { runFolder } from './run-folder.ts'
import { findRun, updateRun } from './runs.store.ts'
import { Interrupted, type Tools } from './tools.ts'
import { trainerJob, type TrainerAttempt } from './trainer-job.ts'

export type Trained =
  { is: 'trained'; attempt: number; exit: Exit; files: JobFolderFiles } | { is: 'failed'; attempt: number; failure: Failure }

/**
 * Trains until an attempt leaves a model or the attempts are used up. Attempts that ended before this process began are not repeated.
 *
 * @param which A first fit, or a refit of what it recorded.
 */
export async function trainAttempts(
  tools: Tools,
  run: Run,
  which: Omit<TrainerAttempt, 'attempt'>,
  signal: AbortSignal,
): Promise<Trained> {
  const most = run.spec.train.run.retries + 1
  let last: Failure = { code: 'TRAINER_FAILED', message: 'The trainer was never started.' }
  for (let attempt = 1; attempt <= most; attempt++) {
    const job = await trainerJob(tools, run, { ...which, attempt })
    await noteAttempt(tools, run, { job: job.id, what: which.what, attempt, exit: null })
    const exit = await perform(tools, run, job, signal, attempt)
    await noteAttempt(tools, run, { job: job.id, what: which.what, attempt, exit })
    const judged = judgeExit(exit, job.limits)
    const read =
      judged.is === 'good'
        ? await readModelFiles(runFolder(tools.config.runs, run.id).output(`${which.what}-${attempt}`), tools.config.modelLimit)
        : judged
    if (read.is === 'good') return { is: 'trained', attempt, exit, files: read.files }
    last = read.failure
    tools.log.warn({ run: run.id, attempt, code: last.code }, last.message)
    if (!read.again || attempt === most) return { is: 'failed', attempt, failure: last }
  }
  return { is: 'failed', attempt: most, failure: last }
}

/** Says once that an attempt begins, and keeps how it ended. */
async function noteAttempt({ db }: Tools, run: Run, noted: Attempt): Promise<void> {
  await db.transaction(async (tx) => {
    const now = await findRun(tx, run.id)
    if (!now || now.cancel !== null || now.state !== run.state) throw new Interrupted()
    const known = now.details.attempts ?? []
    const before = known.find(({ job }) => job === noted.job)
    if (before && !noted.exit) return
    const attempts = [...known.filter(({ job }) => job !== noted.job), noted]
    await updateRun(tx, run.id, { attempt: noted.attempt }, { attempts })
    if (before || noted.what !== 'train') return
    const started = fact(trainingStarted, { ...identityOf(run), run: run.id, attempt: noted.attempt, executor: 'process' })
    await tx.publish(started, run.causedBy ? { causedBy: run.causedBy } : {})
  })
}

/** State `training`: the first fit. */
export async function trainRun(tools: Tools, run: Run, signal: AbortSignal): Promise<void> {
  const trained = await trainAttempts(tools, run, { what: 'train', fitted: null }, signal)
  const about = { ...identityOf(run), run: run.id, attempt: trained.attempt, executor: 'process' as const }
  if (trained.is === 'failed') {
    const logs = `/v1/runs/${run.id}/logs`
    const facts = [(id: string) => fact(trainingFailed, { ...about, ...trained.failure, logs }, { id })]
    await endRun(tools, run, { to: 'failed', outcome: 'failed', failure: trained.failure, facts })
    return
  }
  const { exit, files } = trained
  const succeeded = {
    ...about,
    output: `${run.id}/train-${trained.attempt}`,
    metrics: files.metrics,
    durationMs: Math.max(0, Math.round(exit.endedAt - exit.startedAt)),
  }
  await advance(tools, run, {
    to: 'gating',
    details: { trainer: files.report },
    facts: [(id) => fact(trainingSucceeded, succeeded, { id })],
  })
}
