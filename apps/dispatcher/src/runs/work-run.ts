import { trainingFailed } from '@cascata/events'
import { backoff, fact, pause } from '@cascata/messaging'
import { isCodedError, runInContext } from '@cascata/service'
import { fetchCandidate } from '../client-versions/fetch-candidate.ts'
import { advance, endRun, identityOf } from './advance.ts'
import { gateRun } from './gate-run.ts'
import { prepareRun } from './prepare-run.ts'
import { refitRun } from './refit-run.ts'
import { atWork, type Failure, type Run } from './run.ts'
import { findRun } from './runs.store.ts'
import { Interrupted, RunFailed, type Tools } from './tools.ts'
import { trainRun } from './train-run.ts'

/** Faults of other services that are borne so often in a row before a run is given up. */
const mostFaults = 60

/**
 * Works on a run until it has ended, is interrupted, or the signal fires. Each state is left in one transaction, and what a state does
 * can be done again: after a kill the next process goes on from the state that was reached.
 */
export async function workRun(tools: Tools, id: string, signal: AbortSignal): Promise<void> {
  const { db, log } = tools
  for (let faults = 0; !signal.aborted;) {
    const run = await findRun(db, id)
    if (!run || !atWork.includes(run.state) || run.awaiting) return
    if (run.cancel !== null) return cancelRun(tools, run)
    try {
      await runInContext(contextOf(run), () => step(tools, run, signal))
      faults = 0
    } catch (cause) {
      if (cause instanceof Interrupted) continue
      const failure = failureOf(cause)
      if (failure || ++faults > mostFaults)
        return failRun(tools, run, failure ?? { code: 'DISP_GAVE_UP', message: (cause as Error).message })
      log.warn({ run: id, err: cause, faults }, 'a step of a run is tried again')
      await pause(backoff(faults, { first: 250, max: 10_000 }), signal)
    }
  }
}

/** What the run asks of other apps follows from what was said of it last. */
const contextOf = ({ id, causedBy }: Run) => ({
  correlationId: causedBy?.correlationid ?? id,
  ...(causedBy ? { cause: causedBy } : {}),
})

async function step(tools: Tools, run: Run, signal: AbortSignal): Promise<void> {
  switch (run.state) {
    case 'training': {
      if (!(await prepareRun(tools, run, signal))) return
      const prepared = await findRun(tools.db, run.id)
      if (prepared?.state !== 'training') return
      const { registered } = prepared.details
      if (!registered) return trainRun(tools, prepared, signal)
      await fetchCandidate(tools, prepared, registered.version)
      return advance(tools, prepared, { to: 'gating', change: { attempt: 1 } })
    }
    case 'gating':
      return gateRun(tools, run, signal)
    case 'refitting':
      return refitRun(tools, run, signal)
    default:
      return
  }
}

/** A fault that trying again does not mend; undefined for one that passes: a service or a database that does not answer. */
function failureOf(cause: unknown): Failure | undefined {
  if (cause instanceof RunFailed) return { code: cause.code, message: cause.message }
  if (!isCodedError(cause)) return undefined
  const status = cause.details.status
  const permanent = typeof status === 'number' ? status >= 400 && status < 500 && status !== 429 && status !== 408 : !cause.retry
  return permanent ? { code: cause.code, message: cause.message } : undefined
}

/** What is said of a run that ends without a model. */
function endedWith(run: Run, failure: Failure) {
  const said = {
    ...identityOf(run),
    run: run.id,
    attempt: Math.max(1, run.attempt),
    executor: 'process' as const,
    ...failure,
    logs: `/v1/runs/${run.id}/logs`,
  }
  return { failure, facts: [(id: string) => fact(trainingFailed, said, { id })] }
}

async function failRun(tools: Tools, run: Run, failure: Failure): Promise<void> {
  await endRun(tools, run, { to: 'failed', outcome: 'failed', ...endedWith(run, failure) }).catch((cause: unknown) => {
    if (!(cause instanceof Interrupted)) throw cause
  })
  await endLog(tools, run, 'FAILED')
}

/** Ends a run that is to be cancelled: nothing of it works any more. */
export async function cancelRun(tools: Tools, run: Run): Promise<void> {
  const why = run.cancel ?? 'cancelled'
  const failure = { code: 'DISP_RUN_CANCELLED', message: `The run was cancelled: ${why}.` }
  await endRun(tools, run, { to: 'cancelled', outcome: 'cancelled', ...endedWith(run, failure) })
  await endLog(tools, run, 'KILLED')
}

async function endLog({ mlflow, clock, log }: Tools, run: Run, status: 'FAILED' | 'KILLED'): Promise<void> {
  if (!run.details.mlflow) return
  await mlflow
    .end(run.details.mlflow, status, clock.now())
    .catch((cause: unknown) => log.warn({ run: run.id, err: cause }, 'the end was not logged'))
}
