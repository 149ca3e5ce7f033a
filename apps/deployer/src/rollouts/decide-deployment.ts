import { decideRollout, type Look } from './decide-rollout.ts'
import { type Deployment, type Plan, type Rollout } from './deployment.ts'
import {
  begin,
  type Change,
  complete,
  forward,
  freshVersion,
  move,
  replaceChampion,
  rollBack,
  supersedeWaiting,
  andThen,
  toFull,
  unchanged,
  withVersion,
} from './transitions.ts'

/** Whatever may change what serves for a model. */
export type Input =
  | { is: 'applied'; revision: number; plan: Plan }
  | { is: 'deleted'; revision: number }
  | { is: 'approved'; version: string; rollout: string; by: string; comparison: Rollout['comparison'] }
  | { is: 'rejected'; version: string; by: string }
  | { is: 'loaded'; version: string }
  | { is: 'failed'; version: string; code: string; rollout: string }
  | { is: 'findingOpened'; version: string; finding: string; type: string }
  | { is: 'findingClosed'; version: string; finding: string }
  | { is: 'ripened'; cutoff: number }
  | ({ is: 'looked' } & Omit<Look, 'now'>)
  | { is: 'pause'; by: string }
  | { is: 'resume'; by: string }
  | { is: 'promote'; by: string }
  | { is: 'rollback'; by: string; to: string | null; rollout: string }

/** Why a person's command is not carried out. */
export type Refusal =
  'no model' | 'no rollout' | 'not paused' | 'cannot pause' | 'nothing before' | 'unknown version' | 'serves already'

export type Decided = Change | { refused: Refusal }

/**
 * What an input does to a deployment: the whole state machine of rollouts, replayable over recorded history.
 *
 * @param now Unix ms
 */
export const decideDeployment = (deployment: Deployment, input: Input, now: number): Decided => {
  switch (input.is) {
    case 'applied':
      return begin({ ...deployment, revision: input.revision, plan: input.plan, deleted: false }, now)
    case 'deleted':
      return onDeleted({ ...deployment, revision: input.revision }, now)
    case 'approved':
      return onApproved(deployment, input, now)
    case 'rejected':
      return onRejected(deployment, input, now)
    case 'loaded':
      return unchanged(withVersion(deployment, input.version, { loaded: true }))
    case 'failed':
      return onFailed(deployment, input, now)
    case 'findingOpened':
    case 'findingClosed':
      return onFinding(deployment, input, now)
    case 'ripened':
      return unchanged({ ...deployment, cutoff: Math.max(deployment.cutoff ?? input.cutoff, input.cutoff) })
    case 'looked':
      return onLook(deployment, { ...input, now })
    case 'pause':
      return onPause(deployment, input.by, now)
    case 'resume':
      return onResume(deployment, input.by, now)
    case 'promote':
      return onPromote(deployment, input.by, now)
    case 'rollback':
      return onRollback(deployment, input, now)
    default:
      return input satisfies never
  }
}

const onLook = (deployment: Deployment, look: Look): Change => {
  const { rollout } = deployment
  if (!rollout) return begin(deployment, look.now)
  const verdict = decideRollout(rollout, deployment.versions[rollout.version] ?? freshVersion(), deployment.cutoff, look)
  switch (verdict.is) {
    case 'stay':
      return unchanged(deployment)
    case 'forward':
      return forward(deployment, look.now, verdict.reason)
    case 'back':
      return rollBack(deployment, look.now, verdict.reason)
    case 'complete':
      return complete(deployment, look.now, verdict.reason)
    case 'hold':
      return rollout.phase.is === 'shadow' || rollout.phase.is === 'step'
        ? move(
            deployment,
            'held',
            { is: 'held', step: rollout.phase.is === 'step' ? rollout.phase.step : 0, since: look.now, reason: verdict.reason },
            verdict.reason,
          )
        : unchanged(deployment)
    default:
      return verdict satisfies never
  }
}

type Approved = Extract<Input, { is: 'approved' }>

/** Gates never go back: neither to a version that was taken out, nor behind one that came later. A person may. */
const isStale = ({ versions, champion, rollout, waiting }: Deployment, { version, by }: Approved): boolean => {
  if (champion === version || rollout?.version === version || waiting?.version === version) return true
  if (by !== 'gates') return false
  const standing = versions[version]?.standing
  return (
    standing === 'rolledback' ||
    standing === 'rejected' ||
    [champion, rollout?.version, waiting?.version].some((other) => other && Number(other) > Number(version))
  )
}

const onApproved = (deployment: Deployment, input: Approved, now: number): Change => {
  if (isStale(deployment, input)) return unchanged(deployment)
  const { version, rollout: id, comparison } = input
  const waiting: Rollout = {
    id,
    version,
    champion: null,
    comparison,
    plan: null,
    phase: { is: 'pending' },
    randomised: null,
    evidence: {},
  }
  const superseded = supersedeWaiting(deployment, now, `version ${version} is approved`)
  return andThen(superseded, (next) => {
    const queued = withVersion({ ...next, waiting }, version, { standing: 'approved' })
    return queued.rollout?.phase.is === 'baking'
      ? complete(queued, now, `version ${version} is approved: the bake ends`)
      : begin(queued, now)
  })
}

const onRejected = (deployment: Deployment, { version, by }: { version: string; by: string }, now: number): Change => {
  const { rollout, waiting, champion } = deployment
  if (champion === version) return unchanged(deployment)
  const rejected = (change: Change): Change => ({
    ...change,
    deployment: withVersion(change.deployment, version, { standing: 'rejected' }),
  })
  if (rollout?.version === version) return rejected(rollBack(deployment, now, `rejected by ${by}`))
  if (waiting?.version === version) return rejected(supersedeWaiting(deployment, now, `rejected by ${by}`))
  return rejected(unchanged(deployment))
}

/** One replica that cannot load a candidate is enough. A champion that was loaded before is another matter: of that replica, not of the version. */
const onFailed = (
  deployment: Deployment,
  { version, code, rollout: id }: Extract<Input, { is: 'failed' }>,
  now: number,
): Change => {
  const reason = `it cannot be loaded: ${code}`
  if (deployment.rollout?.version === version) return rollBack(deployment, now, reason)
  if (deployment.waiting?.version === version) return supersedeWaiting(deployment, now, reason)
  if (deployment.champion !== version || deployment.versions[version]?.loaded || deployment.rollout) return unchanged(deployment)
  return andThen(replaceChampion(deployment, deployment.history.at(-1) ?? null, now, reason, id), (next) => begin(next, now))
}

const onFinding = (
  deployment: Deployment,
  input: Extract<Input, { is: 'findingOpened' | 'findingClosed' }>,
  now: number,
): Change => {
  const known = deployment.versions[input.version]
  if (!known) return unchanged(deployment)
  const { [input.finding]: _, ...others } = known.findings
  const findings = input.is === 'findingOpened' ? { ...others, [input.finding]: input.type } : others
  const noted = withVersion(deployment, input.version, { findings })
  return noted.rollout?.phase.is === 'baking' ? onLook(noted, { now, evidence: null }) : unchanged(noted)
}

const onDeleted = (deployment: Deployment, now: number): Change => {
  const reason = 'the Model was deleted'
  const ended: Rollout[] = deployment.rollout ? [{ ...deployment.rollout, phase: { is: 'superseded', at: now, reason } }] : []
  const { deployment: without, ended: waiting } = supersedeWaiting({ ...deployment, rollout: null }, now, reason)
  return {
    deployment: { ...without, plan: null, deleted: true, champion: null, history: [], last: null },
    facts: [],
    ended: [...ended, ...waiting],
  }
}

const onPause = (deployment: Deployment, by: string, now: number): Decided => {
  const phase = deployment.rollout?.phase
  if (!phase) return { refused: 'no rollout' }
  const paused = (step: number, elapsed: number) =>
    move(deployment, 'paused', { is: 'paused', step, elapsed, by }, `paused by ${by}`)
  if (phase.is === 'shadow') return paused(0, now - phase.since)
  if (phase.is === 'step') return paused(phase.step, now - phase.since)
  if (phase.is === 'held') return paused(phase.step, 0)
  return { refused: 'cannot pause' }
}

/** Goes on where it stood; a step that was held gets its time once more. */
const onResume = (deployment: Deployment, by: string, now: number): Decided => {
  const phase = deployment.rollout?.phase
  if (!phase) return { refused: 'no rollout' }
  if (phase.is !== 'paused' && phase.is !== 'held') return { refused: 'not paused' }
  const since = phase.is === 'paused' ? now - phase.elapsed : now
  return move(
    deployment,
    'stepped',
    phase.step === 0 ? { is: 'shadow', since } : { is: 'step', step: phase.step, since },
    `resumed by ${by}`,
  )
}

const onPromote = (deployment: Deployment, by: string, now: number): Decided => {
  const { rollout } = deployment
  if (!rollout) return { refused: 'no rollout' }
  return rollout.phase.is === 'baking'
    ? complete(deployment, now, `promoted by ${by}`)
    : toFull(deployment, now, `promoted by ${by}`, true)
}

const onRollback = (
  deployment: Deployment,
  { by, to, rollout: id }: Extract<Input, { is: 'rollback' }>,
  now: number,
): Decided => {
  const { plan, rollout, waiting, champion, history } = deployment
  const reason = `rolled back by ${by}`
  const standing = to === null ? undefined : deployment.versions[to]?.standing
  if (!plan) return { refused: 'no model' }
  if (to !== null && (standing === undefined || standing === 'rejected')) return { refused: 'unknown version' }
  if (to !== null && to === (rollout ? rollout.version : champion)) return { refused: 'serves already' }

  const target = to ?? (rollout ? champion : history.at(-1))
  if (target === undefined || target === null) return { refused: 'nothing before' }
  const named = waiting?.version === target ? supersedeWaiting(deployment, now, reason) : unchanged(deployment)
  const queue = named.deployment.waiting
  const alone = rollout
    ? andThen(named, (next) => rollBack({ ...next, waiting: null }, now, reason))
    : andThen(named, (next) => unchanged({ ...next, waiting: null }))
  const replaced = target === champion ? alone : andThen(alone, (next) => replaceChampion(next, target, now, reason, id))
  return andThen(replaced, (next) => begin({ ...next, waiting: queue }, now))
}
