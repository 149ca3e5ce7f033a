import { type Deployment, type Phase, type Plan, type Rollout, shareOf, stepOf, type VersionState } from './deployment.ts'

/** A fact about a rollout, before it is an event. */
export interface RolloutFact {
  is: 'started' | 'stepped' | 'held' | 'paused' | 'baking' | 'completed' | 'rolledback'
  rollout: Rollout
  step: number
  share: number
  reason: string
}

/** A deployment, what is to be said of how it became so, and the rollouts that left it. */
export interface Change {
  deployment: Deployment
  facts: RolloutFact[]
  ended: Rollout[]
}

export const unchanged = (deployment: Deployment): Change => ({ deployment, facts: [], ended: [] })

export const freshVersion = (): VersionState => ({ standing: 'approved', loaded: false, findings: {} })

export const withVersion = (deployment: Deployment, version: string, patch: Partial<VersionState>): Deployment => ({
  ...deployment,
  versions: { ...deployment.versions, [version]: { ...(deployment.versions[version] ?? freshVersion()), ...patch } },
})

/** Goes on with a change: what `next` says and ends comes after. */
export const andThen = (change: Change, next: (deployment: Deployment) => Change): Change => {
  const { deployment, facts, ended } = next(change.deployment)
  return { deployment, facts: [...change.facts, ...facts], ended: [...change.ended, ...ended] }
}

const factOf = (is: RolloutFact['is'], rollout: Rollout, reason: string): RolloutFact => ({
  is,
  rollout,
  step: stepOf(rollout),
  share: shareOf(rollout),
  reason,
})

/** Moves the rollout under way to another phase, and says so. */
export const move = (deployment: Deployment, is: RolloutFact['is'], phase: Phase, reason: string): Change => {
  const rollout = { ...deployment.rollout!, phase }
  return { deployment: { ...deployment, rollout }, facts: [factOf(is, rollout, reason)], ended: [] }
}

/** A gate that could not tell asks for twice the units, and is no licence to promote. */
const planFor = (plan: Plan, { comparison }: Rollout): Plan =>
  comparison === 'inconclusive' ? { ...plan, units: plan.units * 2, onInconclusive: 'rollback' } : plan

/** Starts what waits, when nothing is under way. */
export const begin = (deployment: Deployment, now: number): Change => {
  const { waiting, plan, champion } = deployment
  if (deployment.rollout || !waiting || !plan || deployment.deleted) return unchanged(deployment)
  const rollout: Rollout = { ...waiting, champion, plan: planFor(plan, waiting) }
  const started: Deployment = { ...deployment, waiting: null, rollout }
  const why = `version ${rollout.version} is approved`

  if (champion === null) {
    const full = { ...rollout, phase: { is: 'completed', at: now, reason: 'the first version' } as const }
    return andThen({ deployment: started, facts: [factOf('started', full, why)], ended: [] }, (next) =>
      complete(next, now, 'the first version'),
    )
  }
  if (plan.shadow > 0) return move(started, 'started', { is: 'shadow', since: now }, why)
  if (plan.steps.length > 0) return move(started, 'started', { is: 'step', step: 1, since: now }, why)
  return andThen({ deployment: started, facts: [factOf('started', rollout, why)], ended: [] }, (next) =>
    toFull(next, now, 'no steps'),
  )
}

/** The next share of the traffic, or all of it. */
export const forward = (deployment: Deployment, now: number, reason: string): Change => {
  const rollout = deployment.rollout!
  const step = stepOf(rollout) + 1
  return step <= rollout.plan!.steps.length
    ? move(deployment, 'stepped', { is: 'step', step, since: now }, reason)
    : toFull(deployment, now, reason)
}

/** All of the traffic. Then a bake, unless there is nothing to wait for: no bake asked for, or no row that was given to a side by chance. */
export const toFull = (deployment: Deployment, now: number, reason: string, byPerson = false): Change => {
  const { plan, randomised, comparison } = deployment.rollout!
  if (comparison === 'inconclusive' && plan!.steps.length === 0 && !byPerson)
    return rollBack(deployment, now, 'the gate was inconclusive, and without steps nothing more would be learned')
  if (plan!.bake !== null && randomised !== null) return move(deployment, 'baking', { is: 'baking', since: now }, reason)
  return complete(deployment, now, reason)
}

/** The version of the rollout is the champion; the next one may begin. */
export const complete = (deployment: Deployment, now: number, reason: string): Change => {
  const rollout: Rollout = { ...deployment.rollout!, phase: { is: 'completed', at: now, reason } }
  const { champion, history } = deployment
  const served = withVersion(
    {
      ...deployment,
      rollout: null,
      last: rollout,
      champion: rollout.version,
      history: champion === null ? history : [...history.filter((old) => old !== rollout.version), champion].slice(-20),
    },
    rollout.version,
    { standing: 'served' },
  )
  return andThen({ deployment: served, facts: [factOf('completed', rollout, reason)], ended: [rollout] }, (next) =>
    begin(next, now),
  )
}

/** The version of the rollout is taken out; the champion answers everything. */
export const rollBack = (deployment: Deployment, now: number, reason: string): Change => {
  const before = deployment.rollout!
  const rollout: Rollout = { ...before, phase: { is: 'rolledback', at: now, reason } }
  const fact: RolloutFact = { is: 'rolledback', rollout, step: stepOf(before), share: 0, reason }
  const history = deployment.history.filter((old) => old !== rollout.version)
  const without = withVersion({ ...deployment, rollout: null, history }, rollout.version, { standing: 'rolledback' })
  return andThen({ deployment: without, facts: [fact], ended: [rollout] }, (next) => begin(next, now))
}

/**
 * Puts another version in the champion's place, at once. What brought the champion counts as rolled back.
 *
 * @param id of the rollout to speak of when the champion was not brought by one
 */
export const replaceChampion = (deployment: Deployment, to: string | null, now: number, reason: string, id: string): Change => {
  const { champion, history, last } = deployment
  const brought: Rollout | null = last?.version === champion ? last : null
  const rollout: Rollout = {
    ...(brought ?? {
      id,
      version: champion ?? to!,
      comparison: 'skipped',
      plan: deployment.plan,
      randomised: null,
      evidence: {},
    }),
    champion: to,
    phase: { is: 'rolledback', at: now, reason },
  }
  const place = to === null ? -1 : history.indexOf(to)
  const next: Deployment = {
    ...deployment,
    champion: to,
    last: null,
    history: place < 0 ? history.filter((old) => old !== champion) : history.slice(0, place),
  }
  const out = champion === null ? next : withVersion(next, champion, { standing: 'rolledback' })
  const served = to === null ? out : withVersion(out, to, { standing: 'served' })
  return { deployment: served, facts: [{ is: 'rolledback', rollout, step: 0, share: 0, reason }], ended: [rollout] }
}

/** Ends what waits without a word: no event speaks of it. */
export const supersedeWaiting = (deployment: Deployment, now: number, reason: string): Change =>
  deployment.waiting
    ? {
        deployment: { ...deployment, waiting: null },
        facts: [],
        ended: [{ ...deployment.waiting, phase: { is: 'superseded', at: now, reason } }],
      }
    : unchanged(deployment)
