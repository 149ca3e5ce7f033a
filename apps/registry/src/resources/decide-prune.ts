import { type Model, modelsReading, qualifiedName, type Resource, resourceKey } from '@cascata/resources'
import { type Applied } from './decide-apply.ts'

/** A resource of a namespace that the stream names, although no document of the stream is about it. */
export interface Unnamed extends Applied {
  /** Why it may not go, one reason each; empty when nothing needs it. */
  readonly inUse: readonly string[]
}

interface Stream {
  readonly named: readonly Resource[]
  /** The version that serves, or stands by to, of each model that has one, by `namespace/name`. */
  readonly serving: ReadonlyMap<string, string>
}

const isModel = (resource: Resource): resource is Model => resource.kind === 'Model'

/**
 * What a stream leaves out of the namespaces that it names; those of other namespaces are not looked at, so none of them can go.
 *
 * A model stays while a version of it serves, and a view while a model reads it that is in the stream, or stays itself.
 */
export const decidePrune = <Known extends Applied>(
  applied: readonly Known[],
  { named, serving }: Stream,
): (Known & Unnamed)[] => {
  const keys = new Set(named.map(resourceKey))
  const namespaces = new Set(named.map(({ metadata }) => metadata.namespace))
  const leftOut = applied.filter(
    ({ resource, deleted }) => !deleted && namespaces.has(resource.metadata.namespace) && !keys.has(resourceKey(resource)),
  )
  const versionOf = (model: Model): string | undefined => serving.get(qualifiedName(model.metadata))
  const serves = leftOut
    .map(({ resource }) => resource)
    .filter((resource) => isModel(resource) && versionOf(resource) !== undefined)
  const staying = [...named, ...serves].filter(isModel)

  const reasons = (resource: Resource): string[] => {
    if (!isModel(resource)) return modelsReading(resource, staying).map(({ metadata }) => `${qualifiedName(metadata)} reads it`)
    const version = versionOf(resource)
    return version === undefined ? [] : [`its version ${version} serves, or stands by to`]
  }
  return leftOut.map((each) => ({ ...each, inUse: reasons(each.resource) }))
}
