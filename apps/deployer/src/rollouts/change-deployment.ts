import { isDeepStrictEqual } from 'node:util'
import {
  type Cause,
  type DataOf,
  type EventDefinition,
  rolloutBaking,
  rolloutCompleted,
  rolloutHeld,
  rolloutPaused,
  rolloutRolledBack,
  rolloutStarted,
  rolloutStepped,
  routeChanged,
} from '@cascata/events'
import { fact, type Tx } from '@cascata/messaging'
import { type DeployerMetrics } from '../metrics.ts'
import { decideDeployment, type Input, type Refusal } from './decide-deployment.ts'
import { decideRoute, sameRoute } from './decide-route.ts'
import { type Deployment, type Rollout } from './deployment.ts'
import {
  type KeptDeployment,
  lockDeployment,
  type ModelName,
  saveDeployment,
  saveRollouts,
  saveVersions,
} from './deployments.store.ts'
import { type Change, type RolloutFact } from './transitions.ts'

const definitions: Record<RolloutFact['is'], EventDefinition<DataOf<typeof rolloutStarted>>> = {
  started: rolloutStarted,
  stepped: rolloutStepped,
  held: rolloutHeld,
  paused: rolloutPaused,
  baking: rolloutBaking,
  completed: rolloutCompleted,
  rolledback: rolloutRolledBack,
}

/** What a change needs besides its transaction. */
export interface Changing {
  now: number
  metrics: DeployerMetrics
  /** The event that led to it; without one it belongs to the cascade of the rollout it concerns. */
  causedBy?: Cause
}

const dataOf = ({ namespace, model, revision }: Deployment, { rollout, step, share, reason }: RolloutFact) => ({
  namespace,
  model,
  revision: rollout.plan?.revision ?? revision ?? 1,
  rollout: rollout.id,
  version: rollout.version,
  champion: rollout.champion,
  step,
  share,
  evidence: rollout.evidence,
  reason,
})

const publishFacts = async (
  tx: Tx,
  kept: KeptDeployment,
  { deployment, facts }: Change,
  { causedBy, metrics }: Changing,
): Promise<void> => {
  for (const said of facts) {
    await tx.publish(fact(definitions[said.is], dataOf(deployment, said)), {
      causedBy: causedBy ?? kept.causes[said.rollout.id] ?? undefined,
    })
    metrics.rollouts.inc({ namespace: deployment.namespace, model: deployment.model, fact: said.is })
  }
}

/** Says the route anew when it differs from what was said last; a generation is never used twice. */
const publishRoute = async (
  tx: Tx,
  kept: KeptDeployment,
  { deployment, facts }: Change,
  { causedBy }: Changing,
): Promise<Pick<KeptDeployment, 'route' | 'generation'>> => {
  const route = decideRoute(deployment)
  if (deployment.revision === null || sameRoute(kept.route, route) || (kept.route === null && route.champion === null))
    return kept
  const generation = kept.generation + 1
  const cause = causedBy ?? kept.causes[facts.at(-1)?.rollout.id ?? ''] ?? undefined
  await tx.publish(fact(routeChanged, { ...route, revision: deployment.revision, generation }), { causedBy: cause })
  return { route, generation }
}

const rolloutsOf = ({ deployment: { rollout, waiting }, ended }: Change): Rollout[] => [
  ...ended,
  ...[rollout, waiting].filter((one) => one !== null),
]

const changesNothing = ({ deployment, route }: KeptDeployment, { deployment: next, facts, ended }: Change): boolean =>
  facts.length === 0 && ended.length === 0 && route !== null && isDeepStrictEqual(deployment, next)

/**
 * Puts an input to a model's deployment and carries out what is decided, all in one transaction: state, facts, route.
 *
 * @param inputOf is asked under the lock, so what it reads belongs to the state it is put to; null changes nothing
 */
export const changeDeployment = async (
  tx: Tx,
  name: ModelName,
  inputOf: Input | ((deployment: Deployment) => Promise<{ input: Input; deployment: Deployment } | null>),
  changing: Changing,
): Promise<{ deployment: Deployment; refused?: Refusal }> => {
  const kept = await lockDeployment(tx, name)
  const given = typeof inputOf === 'function' ? await inputOf(kept.deployment) : { input: inputOf, deployment: kept.deployment }
  if (!given) return { deployment: kept.deployment }
  const decided = decideDeployment(given.deployment, given.input, changing.now)
  if ('refused' in decided) return { deployment: kept.deployment, refused: decided.refused }

  if (changesNothing(kept, decided)) return { deployment: kept.deployment }

  await saveRollouts(tx, name, rolloutsOf(decided), changing.causedBy ?? null)
  await saveVersions(tx, decided.deployment, kept.deployment.versions)
  await publishFacts(tx, kept, decided, changing)
  const { route, generation } = await publishRoute(tx, kept, decided, changing)
  await saveDeployment(tx, { ...kept, deployment: decided.deployment, route, generation })
  return { deployment: decided.deployment }
}
