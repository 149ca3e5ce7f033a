import { type DataOf, type routeChanged } from '@cascata/events'
import { BUCKETS } from '@cascata/statistics'
import { type Deployment, isOver, shareOf, stepOf } from './deployment.ts'

export type Route = DataOf<typeof routeChanged>
/** What a route says, apart from which generation says it. */
export type RouteContent = Omit<Route, 'generation' | 'revision'>

const all = (version: string) => [{ version, from: 0, to: BUCKETS }]

/** Candidate first: it owns [0, share) and only gains buckets as the share grows, so a unit that it has stays with it. */
const splitOf = (champion: string, candidate: string, share: number): Route['split'] => {
  const edge = Math.round(share * BUCKETS)
  if (edge <= 0) return all(champion)
  if (edge >= BUCKETS) return all(candidate)
  return [
    { version: candidate, from: 0, to: edge },
    { version: champion, from: edge, to: BUCKETS },
  ]
}

/**
 * What should serve for a deployment.
 *
 * While a rollout is on its steps its version also scores in shadow what it does not answer. In bake it is the champion, with the old one warm
 * beside it: an answer it fails is given by the old one.
 */
export const decideRoute = ({ namespace, model, champion, rollout }: Deployment): RouteContent => {
  const name = { namespace, model }
  if (rollout && rollout.phase.is !== 'pending' && !isOver(rollout.phase) && rollout.champion !== null) {
    const during = { ...name, rollout: rollout.id, step: stepOf(rollout) }
    if (rollout.phase.is === 'baking')
      return { ...during, champion: rollout.version, split: all(rollout.version), warm: [rollout.champion] }
    return {
      ...during,
      champion: rollout.champion,
      candidate: rollout.version,
      split: splitOf(rollout.champion, rollout.version, shareOf(rollout)),
      shadow: rollout.version,
      warm: [],
    }
  }
  return champion === null ? { ...name, champion, split: [], warm: [] } : { ...name, champion, split: all(champion), warm: [] }
}

/** Whether a route differs from what was said last, so that it takes a new generation. */
export const sameRoute = (a: RouteContent | null, b: RouteContent): boolean => a !== null && canonical(a) === canonical(b)

const canonical = ({ namespace, model, champion, candidate, split, shadow, warm, rollout, step }: RouteContent) =>
  JSON.stringify([
    namespace,
    model,
    champion,
    candidate,
    split.map(({ version, from, to }) => [version, from, to]),
    shadow,
    warm,
    rollout,
    step,
  ])
