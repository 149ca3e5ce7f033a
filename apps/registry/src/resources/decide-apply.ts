import {
  type Change,
  diffResources,
  type Model,
  modelsReading,
  pinModel,
  qualifiedName,
  refusals,
  type Resource,
  type ResourceError,
  resourceKey,
  type SourcedResource,
  validateModel,
  type Views,
  viewsByName,
} from '@cascata/resources'

/** A resource as it stands: its newest document and the counter of its changes, deletions included. */
export interface Applied {
  readonly resource: Resource
  readonly generation: number
  readonly revision: number
  readonly deleted: boolean
}

/** What happens to one document of the stream. */
export interface Step {
  readonly resource: Resource
  readonly action: 'created' | 'changed' | 'unchanged'
  /** The revision that is in force afterwards. */
  readonly revision: number
  readonly generation: number
  readonly changes: readonly Change[]
  /** Applied models that read a changed view, as `namespace/name`. */
  readonly affects: readonly string[]
}

export interface Plan {
  /** In the order of the stream. */
  readonly steps: readonly Step[]
  /** What stands in the way; when there is anything, nothing is applied. */
  readonly errors: readonly ResourceError[]
}

const isModel = (resource: Resource): resource is Model => resource.kind === 'Model'

const living = (applied: readonly Applied[]): Resource[] =>
  applied.filter(({ deleted }) => !deleted).map(({ resource }) => resource)

/** The whole of the resources as it will be: what is applied, with the stream over it. */
const afterwards = (applied: readonly Applied[], stream: readonly SourcedResource[]): Resource[] => {
  const all = new Map(living(applied).map((resource) => [resourceKey(resource), resource]))
  for (const { resource } of stream) all.set(resourceKey(resource), resource)
  return [...all.values()]
}

const step = (resource: Resource, before: Applied | undefined, models: readonly Model[]): Step => {
  const counted = { resource, revision: (before?.generation ?? 0) + 1, generation: (before?.generation ?? 0) + 1 }
  if (!before || before.deleted) return { ...counted, action: 'created', changes: [], affects: [] }
  const changes = diffResources(before.resource, resource, { models })
  if (changes.length === 0) {
    return { resource, action: 'unchanged', revision: before.revision, generation: before.generation, changes, affects: [] }
  }
  const readers = resource.kind === 'FeatureView' ? modelsReading(resource, models) : []
  const matters = changes.some(({ effect }) => effect !== 'none')
  return {
    ...counted,
    action: 'changed',
    changes,
    affects: matters ? readers.map(({ metadata }) => qualifiedName(metadata)) : [],
  }
}

const refused = ({ locate }: SourcedResource, { changes }: Step): ResourceError[] =>
  refusals(changes).map(({ path, why }) => locate({ path: path.split('.'), on: 'value', message: `this cannot change: ${why}` }))

/** What a changed view would do to models that are applied already and not in the stream. */
const broken = ({ locate, resource }: SourcedResource, models: readonly Model[], views: Views): ResourceError[] => {
  if (resource.kind !== 'FeatureView') return []
  return modelsReading(resource, models).flatMap((model) =>
    validateModel(model, views).map(({ message, hint }) =>
      locate({
        path: ['spec'],
        on: 'key',
        message: `the model ${qualifiedName(model.metadata)} would no longer fit: ${message}`,
        hint,
      }),
    ),
  )
}

/**
 * What applying a stream would do, and what stands in the way.
 *
 * Models are checked against the views as they will be, and kept with `view:*` written out. A document that says what is applied already
 * is unchanged: applying twice is applying once. A resource that was deleted is created again, its counter going on.
 */
export const decideApply = (applied: readonly Applied[], stream: readonly SourcedResource[]): Plan => {
  const before = new Map(applied.map((each) => [resourceKey(each.resource), each]))
  const all = afterwards(applied, stream)
  const views = viewsByName(all)
  const appliedModels = living(applied).filter(isModel)
  const inStream = new Set(stream.map(({ resource }) => resourceKey(resource)))
  const others = appliedModels.filter((model) => !inStream.has(resourceKey(model)))

  const judged = stream.map((sourced) => {
    const { resource, locate } = sourced
    const problems = isModel(resource) ? validateModel(resource, views).map(locate) : broken(sourced, others, views)
    if (problems.length > 0) return { problems }
    const pinned = isModel(resource) ? pinModel(resource, views) : resource
    const taken = step(pinned, before.get(resourceKey(resource)), appliedModels)
    return { problems: refused(sourced, taken), taken }
  })
  return {
    steps: judged.flatMap(({ taken }) => (taken ? [taken] : [])),
    errors: judged.flatMap(({ problems }) => problems),
  }
}

/** The models that keep a view from being deleted, as `namespace/name`. */
export const decideDelete = (resource: Resource, applied: readonly Applied[]): string[] =>
  resource.kind === 'FeatureView'
    ? modelsReading(resource, living(applied).filter(isModel)).map(({ metadata }) => qualifiedName(metadata))
    : []
