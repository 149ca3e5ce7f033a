/** What the deployer says of a model, as far as a command needs it. */
export interface RouteSeen {
  readonly serving: string | null
  readonly rollout: { readonly version: string; readonly state: string } | null
  readonly waiting: { readonly version: string } | null
  readonly versions: readonly { readonly version: string; readonly standing: string }[]
}

/** How the deployer is asked to make a version the champion. */
export type ChampionDecision =
  | { readonly is: 'stands' }
  | { readonly is: 'promote' }
  | { readonly is: 'rollback' }
  | { readonly is: 'refused'; readonly why: 'not approved' | 'waits' }

/**
 * A client moves `champion`: the rollout under way is promoted, a version that has served is brought back, and nothing else is done:
 * what was never approved does not come to serve by an alias.
 */
export const decideChampion = (route: RouteSeen | null, version: string): ChampionDecision => {
  if (!route) return { is: 'refused', why: 'not approved' }
  if (route.serving === version) return { is: 'stands' }
  if (route.rollout?.version === version) return { is: 'promote' }
  if (route.waiting?.version === version) return { is: 'refused', why: 'waits' }
  const standing = route.versions.find((each) => each.version === version)?.standing
  return standing === 'served' || standing === 'rolledback' ? { is: 'rollback' } : { is: 'refused', why: 'not approved' }
}
