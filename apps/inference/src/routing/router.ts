import { setTimeout as pause } from 'node:timers/promises'
import { type Cause } from '@cascata/events'
import { type Logger } from '@cascata/service'
import { ModelRefused } from '../models/model-refused.ts'
import { type VersionName } from '../models/version-files.ts'
import { type Metrics } from '../metrics.ts'
import { isNewer, versionsOf, type Route } from './decide-route.ts'
import { type Lease, type ModelPool, type ServedVersion } from './model-pool.ts'
import { servingOf, type OwnedServing, type Serving } from './serving.ts'

/** What a replica tells the platform of its versions. */
export interface Tells {
  loaded(route: Route, version: ServedVersion, cause: Cause | undefined): void
  failed(route: Route, version: string, refused: ModelRefused, cause: Cause | undefined): void
}

export interface Router {
  /** Takes a route when every version in its split is loaded; until then, and when one cannot be, the last one answers. */
  apply(route: Route, cause?: Cause): void
  /** The model was deleted. */
  remove(key: string): void
  /** @param key `namespace/model` */
  find(key: string): Serving | undefined
  serving(): Serving[]
  /** Versions that the routes name which answer or are being loaded. */
  names(): VersionName[]
  /** Resolves when no route is being loaded. */
  settled(): Promise<void>
  stop(): Promise<void>
}

interface Parts {
  pool: ModelPool
  tells: Tells
  metrics: Metrics
  log: Logger
  /** Called when what answers has changed. */
  onChange(): void
}

export const keyOf = ({ namespace, model }: { namespace: string; model: string }): string => `${namespace}/${model}`

export function startRouter({ pool, tells, metrics, log, onChange }: Parts): Router {
  const current = new Map<string, OwnedServing>()
  const wanted = new Map<string, Route>()
  const working = new Set<Promise<void>>()
  const stopping = new AbortController()

  const track = (work: Promise<void>) => {
    const tracked: Promise<void> = work
      .catch((error: unknown) => log.error({ err: error }, 'a route could not be taken'))
      .finally(() => working.delete(tracked))
    working.add(tracked)
  }
  const isWanted = (route: Route) => wanted.get(keyOf(route)) === route && !stopping.signal.aborted

  /** A version, tried again while the registry is away and the route is still the newest. */
  const lease = async (route: Route, version: string, cause: Cause | undefined): Promise<Lease | undefined> => {
    const name: VersionName = { namespace: route.namespace, model: route.model, version }
    for (let attempt = 0; isWanted(route); attempt++) {
      try {
        const { fresh, ...found } = await pool.acquire(name)
        metrics.loaded.set(pool.size)
        if (fresh) {
          metrics.loadSeconds.observe(found.version.loadMs / 1000)
          tells.loaded(route, found.version, cause)
          log.info(
            { ...name, loadMs: Math.round(found.version.loadMs), placement: found.version.loaded.placement },
            'a version is loaded',
          )
        }
        return found
      } catch (error) {
        if (stopping.signal.aborted) return undefined
        // A crash may have another cause than this model: once is not enough to condemn it.
        if (error instanceof ModelRefused && (error.code !== 'INF_MODEL_CRASHED' || attempt > 0)) {
          metrics.loadFailures.inc({ model: keyOf(route), code: error.code })
          log.error({ ...name, code: error.code, reason: error.message }, 'a version cannot be loaded')
          tells.failed(route, version, error, cause)
          return undefined
        }
        log.warn({ ...name, err: error }, 'a version could not be fetched and is tried again')
        await pause(Math.min(5_000, 100 * 2 ** attempt), undefined, { signal: stopping.signal }).catch(() => undefined)
      }
    }
    return undefined
  }

  const take = async (route: Route, cause: Cause | undefined): Promise<void> => {
    const { answering, beside } = versionsOf(route)
    const leases = await Promise.all(answering.map((version) => lease(route, version, cause)))
    const found = leases.filter((each) => each !== undefined)
    if (found.length < answering.length || !supersedes(route)) {
      await Promise.all(found.map((each) => each.release()))
      return
    }
    const serving = servingOf(route, found)
    replace(keyOf(route), serving)
    for (const version of beside) track(lease(route, version, cause).then((each) => each && serving.add(each)))
  }
  /** A route that loaded slowly does not replace a newer one. */
  const supersedes = (route: Route) =>
    !stopping.signal.aborted && wanted.has(keyOf(route)) && isNewer(route, current.get(keyOf(route))?.route)

  const replace = (key: string, next: OwnedServing | undefined) => {
    const last = current.get(key)
    if (next) {
      current.set(key, next)
      metrics.generation.set({ model: key }, next.route.generation)
      log.info(
        { model: key, generation: next.route.generation, champion: next.route.champion, candidate: next.route.candidate },
        'a route is taken',
      )
    } else current.delete(key)
    if (last) track(last.retire().then(() => metrics.loaded.set(pool.size)))
    onChange()
  }

  return {
    apply(route, cause) {
      const key = keyOf(route)
      if (stopping.signal.aborted || !isNewer(route, wanted.get(key))) return
      wanted.set(key, route)
      track(take(route, cause))
    },
    remove(key) {
      wanted.delete(key)
      if (current.has(key)) replace(key, undefined)
    },
    find: (key) => current.get(key),
    serving: () => [...current.values()],
    names: () =>
      [...[...current.values()].map(({ route }) => route), ...wanted.values()].flatMap((route) => {
        const { answering, beside } = versionsOf(route)
        return [...answering, ...beside].map((version) => ({ namespace: route.namespace, model: route.model, version }))
      }),
    async settled() {
      while (working.size > 0) await Promise.all(working)
    },
    async stop() {
      stopping.abort()
      await Promise.all([...current.values()].map((serving) => serving.retire()))
      while (working.size > 0) await Promise.all(working)
    },
  }
}
