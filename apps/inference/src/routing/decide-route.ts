import { type DataOf, type routeChanged } from '@cascata/events'
import { bucketOf } from '@cascata/statistics'

/** What should serve, as the deployer says. */
export type Route = DataOf<typeof routeChanged>

export type AnswerRole = 'champion' | 'candidate'

/** Which version answers a unit, and how likely that was. `bucket` is null for a unit drawn at random. */
export interface Assignment {
  version: string
  role: AnswerRole
  bucket: number | null
  propensity: number
}

const buckets = 10_000

/** Share of the traffic that a version answers. */
export const shareOf = (route: Route, version: string): number =>
  route.split.reduce((sum, part) => (part.version === version ? sum + part.to - part.from : sum), 0) / buckets

const roleOf = (route: Route, version: string): AnswerRole => (version === route.champion ? 'champion' : 'candidate')

/**
 * The version that answers a unit: sticky by keyed hash, the same on every replica, monotone as a share grows.
 *
 * @param chance from 0 to 1, for a request without unit
 */
export function assign(route: Route, unit: string | undefined, chance: number): Assignment {
  const bucket =
    unit === undefined
      ? Math.min(buckets - 1, Math.floor(chance * buckets))
      : bucketOf(route.rollout ?? `${route.namespace}/${route.model}`, unit)
  const version = route.split.find(({ from, to }) => bucket >= from && bucket < to)?.version ?? route.champion ?? ''
  return {
    version,
    role: roleOf(route, version),
    bucket: unit === undefined ? null : bucket,
    propensity: shareOf(route, version),
  }
}

/** The version that scores a row beside its answer: the candidate, for what it does not answer itself. */
export function shadowOf(route: Route, answering: string): string | undefined {
  const shadow = route.shadow ?? route.candidate
  return shadow === answering ? undefined : shadow
}

/** Who answers when a version can't, best first: a rollout never costs a caller an answer. Without a rollout nobody stands beside. */
export function besideOf(route: Route, failing: string): string[] {
  if (failing !== route.champion) return route.champion === null ? [] : [route.champion]
  return route.rollout === undefined ? [] : route.warm.filter((version) => version !== failing)
}

/** `answering`: must be loaded before the route is taken. `beside`: are loaded as well, but a route does not wait for them. */
export function versionsOf(route: Route): { answering: string[]; beside: string[] } {
  const answering = new Set(route.split.map(({ version }) => version))
  if (route.champion !== null) answering.add(route.champion)
  const beside = new Set(
    [route.candidate, route.shadow, ...route.warm].filter((version) => version !== undefined && !answering.has(version)),
  )
  return { answering: [...answering], beside: [...beside] as string[] }
}

/** Whether a route that has arrived replaces what is wanted: only a greater generation does. */
export const isNewer = (route: Route, wanted: Route | undefined): boolean =>
  wanted === undefined || route.generation > wanted.generation
