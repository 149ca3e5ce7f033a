import { type Route } from './decide-route.ts'
import { type Lease, type ServedVersion } from './model-pool.ts'

/**
 * What answers for a model: a route and its loaded versions, together and unchanging but for versions beside that load later.
 * Whoever answers with it holds it; its versions are let go when it was replaced and nobody holds it any more.
 */
export interface Serving {
  readonly route: Route
  version(version: string): ServedVersion | undefined
  versions(): ServedVersion[]
  hold(): void
  drop(): void
}

export interface OwnedServing extends Serving {
  /** Takes a version that loaded later; lets it go at once when this serving was replaced. */
  add(lease: Lease): void
  /** Resolves when the last holder has let go and every session is freed. */
  retire(): Promise<void>
}

export function servingOf(route: Route, leases: readonly Lease[]): OwnedServing {
  const byVersion = new Map(leases.map((lease) => [lease.version.version, lease]))
  const idle = Promise.withResolvers<void>()
  let holders = 1

  const drop = () => {
    if (--holders === 0) idle.resolve()
  }
  let retired: Promise<void> | undefined
  return {
    route,
    version: (version) => byVersion.get(version)?.version,
    versions: () => [...byVersion.values()].map(({ version }) => version),
    hold: () => void holders++,
    drop,
    add: (lease) => {
      if (retired) void lease.release()
      else byVersion.set(lease.version.version, lease)
    },
    retire: () => {
      if (retired) return retired
      retired = idle.promise.then(async () => {
        await Promise.all([...byVersion.values()].map((lease) => lease.release()))
        byVersion.clear()
      })
      drop()
      return retired
    },
  }
}
