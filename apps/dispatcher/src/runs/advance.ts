import { type Cause } from '@cascata/events'
import { type Fact, type Tx } from '@cascata/messaging'
import { randomUUID } from 'node:crypto'
import { lockModel } from '../models/models.store.ts'
import { type Outcome } from '../triggers/training-state.ts'
import { type Failure, type Run, type RunDetails, type RunState } from './run.ts'
import { lockRun, updateRun } from './runs.store.ts'
import { Interrupted, type Tools } from './tools.ts'

export interface Step {
  to?: RunState
  change?: Parameters<typeof updateRun>[2]
  details?: RunDetails
  /** What is said about it, each caused by the one before. Made with an id, so that it can be a cause. */
  facts?: ((id: string) => Fact)[]
}

/**
 * Moves a run on in one transaction: its model's lock, the run as it was expected, the change, what is said.
 *
 * @throws Interrupted when the run is not as expected any more, or is to be cancelled.
 */
export async function advance(
  { db, clock, metrics }: Pick<Tools, 'db' | 'clock' | 'metrics'>,
  run: Run,
  step: Step,
): Promise<void> {
  await db.transaction(async (tx) => {
    await lockModel(tx, run)
    const now = await lockRun(tx, run.id)
    if (!now || now.state !== run.state || now.cancel !== null) throw new Interrupted()
    await write(tx, now, step, new Date(clock.now()))
  })
  if (step.to) metrics.stage.observe({ state: run.state }, (clock.now() - Date.parse(run.stageAt)) / 1_000)
}

async function write(tx: Tx, run: Run, { to, change = {}, details = {}, facts = [] }: Step, now: Date): Promise<void> {
  const causedBy = await say(tx, run.causedBy, facts)
  await updateRun(
    tx,
    run.id,
    { ...change, ...(to ? { state: to, stageAt: now } : {}), ...(causedBy ? { causedBy } : {}) },
    details,
  )
}

/** Publishes facts as a chain of causes; the last one is what comes next is caused by. */
export async function say(tx: Tx, first: Cause | null, facts: ((id: string) => Fact)[]): Promise<Cause | null> {
  let causedBy = first
  for (const make of facts) {
    const id = randomUUID()
    await tx.publish(make(id), causedBy ? { causedBy } : {})
    causedBy = { ...causedBy, id, correlationid: causedBy?.correlationid ?? id }
  }
  return causedBy
}

export interface End extends Step {
  to: Extract<RunState, 'approved' | 'rejected' | 'failed' | 'cancelled'>
  outcome: Outcome
  failure?: Failure
}

/** Ends a run, whatever state it is in, and tells the triggers how. False when it has ended before. */
export async function endRun({ db, clock, metrics, weigh }: Tools, run: Run, end: End): Promise<boolean> {
  const done = await db.transaction(async (tx) => {
    await lockModel(tx, run)
    const now = await lockRun(tx, run.id)
    if (!now || now.endedAt !== null) return false
    if (now.cancel !== null && end.to !== 'cancelled') throw new Interrupted()
    const at = new Date(clock.now())
    const failure = end.failure ? { failure: end.failure } : {}
    await write(tx, now, { ...end, change: { ...end.change, ...failure, endedAt: at, awaiting: false } }, at)
    const cause = { is: 'ended' as const, run: run.id, trigger: run.trigger, outcome: outcomeFor(now, end.outcome) }
    await weigh(tx, run, cause, run.causedBy ?? undefined)
    return true
  })
  if (!done) return false
  metrics.runs.inc({ outcome: end.to })
  metrics.stage.observe({ state: run.state }, (clock.now() - Date.parse(run.stageAt)) / 1_000)
  if (end.failure) metrics.failures.inc({ code: end.failure.code })
  return true
}

/** What a client registered is no result of our triggers: however it ends, nothing is backed off. */
export const outcomeFor = ({ details }: Run, outcome: Outcome): Outcome => (details.registered ? 'cancelled' : outcome)

export const identityOf = ({ namespace, model, revision }: Run) => ({ namespace, model, revision })
