import {
  modelPaused,
  modelResumed,
  modelSuspended,
  trainingCoalesced,
  trainingFrozen,
  trainingRefused,
  trainingUnfrozen,
  type Cause as EventCause,
  type TrainingCause,
} from '@cascata/events'
import { fact, type Fact, ringAfter, type Tx } from '@cascata/messaging'
import { type Clock } from '@cascata/service'
import { randomBytes } from 'node:crypto'
import { type DispatcherMetrics } from '../metrics.ts'
import { lockModel, saveModel, type ModelName } from '../models/models.store.ts'
import { inputsNow, modelSpec } from '../models/specs.ts'
import { type Run } from '../runs/run.ts'
import { findRun, insertRun, type Change, updateRun } from '../runs/runs.store.ts'
import { decideTraining } from './decide-training.ts'
import { strongest } from './order.ts'
import { type Cause, type Decision, type Effect, type TrainingState } from './training-state.ts'

/** Weighs a cause for a model, in a transaction: load, decide, write. Undefined when the model is not applied here. */
export type Weigh = (tx: Tx, name: ModelName, cause: Cause, causedBy?: EventCause) => Promise<Decision | undefined>

/** The next run's id: the time in it makes runs sort by age. */
const runId = (now: number): string => `r-${now.toString(36)}-${randomBytes(4).toString('hex')}`

export const weighing =
  ({ clock, metrics }: { clock: Clock; metrics: DispatcherMetrics }): Weigh =>
  async (tx, name, cause, causedBy) => {
    const state = await lockModel(tx, name)
    if (!state) return undefined
    const decision = decideTraining(state, cause, { now: clock.now(), run: runId(clock.now()) })
    await saveModel(tx, decision.next, decision.wakeAt)
    for (const effect of decision.effects) await carryOut(tx, decision.next, effect, { now: clock.now(), metrics, causedBy })
    if (decision.effects.length > 0 || decision.wakeAt !== null) await ringAfter(tx, 'conductor')
    return decision
  }

interface Circumstances {
  now: number
  metrics: DispatcherMetrics
  causedBy: EventCause | undefined
}

async function carryOut(tx: Tx, state: TrainingState, effect: Effect, { now, metrics, causedBy }: Circumstances): Promise<void> {
  const identity = { namespace: state.namespace, model: state.model, revision: state.revision }
  switch (effect.is) {
    case 'request':
      metrics.requests.inc({ trigger: effect.trigger })
      return createRun(tx, state, effect, now)
    case 'coalesce': {
      const run = await findRun(tx, effect.into)
      if (run) await updateRun(tx, run.id, await joinedBy(tx, run, effect.cause, state))
      return tx.publish(fact(trainingCoalesced, { ...identity, into: effect.into, cause: effect.cause }), { causedBy })
    }
    case 'refuse': {
      metrics.refusals.inc({ reason: effect.reason })
      const evidence = effect.reason === 'frozen' ? { by: state.frozenBy } : {}
      return tx.publish(fact(trainingRefused, { ...identity, run: null, reason: effect.reason, evidence, cause: effect.cause }), {
        causedBy,
      })
    }
    case 'cancel':
      return updateRun(tx, effect.run, { cancel: effect.reason })
    default:
      return tx.publish(leverFact(identity, effect), { causedBy })
  }
}

/** What a pending run becomes with one more cause. A changed spec makes it a run of that spec: it has not begun, and no other run would be. */
async function joinedBy(tx: Tx, run: Run, cause: TrainingCause, state: TrainingState): Promise<Change> {
  const causes = [...run.causes, cause].slice(-1_000)
  if (cause.trigger !== 'specChanged') return { causes }
  const trigger = strongest(causes)
  return { causes, trigger, revision: state.revision, ...(await whatIsTrained(tx, state)) }
}

/** The model as it is applied, for a run of it. */
async function whatIsTrained(tx: Tx, state: TrainingState): Promise<Pick<Run, 'priority' | 'spec' | 'inputs'>> {
  const model = await modelSpec(tx, state)
  if (!model) throw new Error(`Model ${state.namespace}/${state.model} has a state and no spec.`)
  return { priority: model.spec.priority, spec: model.spec, inputs: await inputsNow(tx, model) }
}

type Lever = Extract<Effect, { is: 'frozen' | 'unfrozen' | 'suspended' | 'paused' | 'resumed' }>

function leverFact(identity: { namespace: string; model: string; revision: number }, effect: Lever): Fact {
  const said = { ...identity, reason: effect.reason, episode: 'episode' in effect ? effect.episode : null }
  switch (effect.is) {
    case 'frozen':
      return fact(trainingFrozen, said)
    case 'unfrozen':
      return fact(trainingUnfrozen, said)
    case 'suspended':
      return fact(modelSuspended, said)
    case 'paused':
      return fact(modelPaused, { ...said, by: effect.by })
    case 'resumed':
      return fact(modelResumed, { ...said, by: effect.by })
  }
}

async function createRun(tx: Tx, state: TrainingState, effect: Effect & { is: 'request' }, now: number): Promise<void> {
  await insertRun(
    tx,
    {
      id: effect.run,
      namespace: state.namespace,
      model: state.model,
      revision: state.revision,
      trigger: effect.trigger,
      causes: effect.causes,
      episode: effect.episode,
      ...(await whatIsTrained(tx, state)),
      token: randomBytes(24).toString('base64url'),
    },
    new Date(now),
  )
}
