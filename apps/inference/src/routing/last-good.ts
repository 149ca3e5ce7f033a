import { type FeatureView, type Model } from '@cascata/resources'
import { type VersionStore } from '../models/version-files.ts'
import { type Route } from './decide-route.ts'
import { keptJson } from './kept-state.ts'
import { type Router } from './router.ts'
import { type SpecBook } from './spec-book.ts'

type KeptSpec = (Model | FeatureView) & { generation: number }

/** The last routes that answered, with the resources they rest on, on this replica's disk: it starts without broker or registry. */
export interface LastGood {
  /** @returns how many routes were there */
  restore(router: Router, specs: SpecBook): Promise<number>
  keepRoutes(router: Router): void
  keepSpecs(specs: SpecBook): void
  /** Resolves when what was given is on disk. */
  flushed(): Promise<void>
}

export function lastGood({
  folder,
  files,
  onError,
}: {
  folder: string
  files: VersionStore
  onError(error: unknown): void
}): LastGood {
  const routes = keptJson<Route[]>(folder, 'routes.json')
  const resources = keptJson<KeptSpec[]>(folder, 'specs.json')
  const writing = new Set<Promise<void>>()
  const track = (write: Promise<void>) => {
    const tracked: Promise<void> = write.catch(onError).finally(() => writing.delete(tracked))
    writing.add(tracked)
  }
  return {
    async restore(router, specs) {
      for (const resource of (await resources.read()) ?? []) specs.put(resource)
      const last = (await routes.read()) ?? []
      for (const route of last) router.apply(route)
      return last.length
    },
    keepRoutes: (router) =>
      track(routes.write(router.serving().map(({ route }) => route)).then(() => files.keepOnly(router.names()))),
    keepSpecs: (specs) => track(resources.write(specs.all())),
    async flushed() {
      while (writing.size > 0) await Promise.all(writing)
    },
  }
}
