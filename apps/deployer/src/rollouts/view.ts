import { type RouteContent } from './decide-route.ts'
import { type Rollout, shareOf, stepOf } from './deployment.ts'
import { type KeptDeployment, rolloutOf, type RolloutRow } from './deployments.store.ts'

const iso = (ms: number): string => new Date(ms).toISOString()

/** A rollout as the API shows it. */
export const rolloutView = (rollout: Rollout) => {
  const { id, version, champion, comparison, plan, phase, evidence, randomised } = rollout
  return {
    rollout: id,
    version,
    champion,
    state: phase.is,
    step: stepOf(rollout),
    steps: plan?.steps ?? [],
    share: shareOf(rollout),
    since: 'since' in phase ? iso(phase.since) : 'at' in phase ? iso(phase.at) : null,
    reason: 'reason' in phase ? phase.reason : 'by' in phase ? `paused by ${phase.by}` : null,
    comparison,
    randomised: randomised ? { from: iso(randomised.from), to: iso(randomised.to) } : null,
    evidence,
  }
}

export const rolloutRowView = (row: RolloutRow) => ({
  model: `${row.namespace}/${row.model}`,
  ...rolloutView(rolloutOf(row)),
  createdAt: row.created_at.toISOString(),
  changedAt: row.changed_at.toISOString(),
})

const empty: Pick<RouteContent, 'split' | 'warm'> = { split: [], warm: [] }

/** What serves for a model, and why. */
export const routeView = ({ deployment, route, generation }: KeptDeployment) => {
  const { namespace, model, history, rollout, waiting, versions } = deployment
  const { split, warm, champion, candidate, shadow } = route ?? {
    ...empty,
    champion: null,
    candidate: undefined,
    shadow: undefined,
  }
  return {
    namespace,
    model,
    generation,
    serving: champion,
    candidate: candidate ?? null,
    shadow: shadow ?? null,
    split,
    warm,
    history,
    rollout: rollout ? rolloutView(rollout) : null,
    waiting: waiting ? rolloutView(waiting) : null,
    versions: Object.entries(versions).map(([version, { standing, loaded, findings }]) => ({
      version,
      standing,
      loaded,
      findings: Object.values(findings),
    })),
  }
}
