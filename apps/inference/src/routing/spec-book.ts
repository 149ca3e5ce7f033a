import { type FeatureView, type Model } from '@cascata/resources'
import { type Spec } from '../predict/columns.ts'

type Known = Model | FeatureView

/** The newest revision of every resource that a replica has seen. */
export interface SpecBook {
  put(resource: Known & { generation: number }): void
  remove(kind: Known['kind'], name: string): void
  /** @param key `namespace/model` */
  of(key: string): Spec | undefined
  /** What to keep on disk. */
  all(): (Known & { generation: number })[]
  /** Counts changes: what was derived from an older book is stale. */
  readonly edition: number
}

export function specBook(): SpecBook {
  const models = new Map<string, Model & { generation: number }>()
  const views = new Map<string, FeatureView & { generation: number }>()
  let edition = 0
  return {
    put(resource) {
      const name = `${resource.metadata.namespace}/${resource.metadata.name}`
      const known = resource.kind === 'Model' ? models.get(name) : views.get(name)
      if (known && known.generation >= resource.generation) return
      if (resource.kind === 'Model') models.set(name, resource)
      else views.set(name, resource)
      edition++
    },
    remove(kind, name) {
      if ((kind === 'Model' ? models : views).delete(name)) edition++
    },
    of: (key) => {
      const model = models.get(key)
      return model && { model, views }
    },
    all: () => [...models.values(), ...views.values()],
    get edition() {
      return edition
    },
  }
}
