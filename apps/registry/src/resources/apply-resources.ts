import { type Database, type Tx } from '@cascata/messaging'
import { type Kind, type Resource, ResourceErrors, readResources, resourceKey, type SourcedResource } from '@cascata/resources'
import { type Clock, currentPrincipal, mayAccess, requireAccess } from '@cascata/service'
import { record } from '../audit/audit.store.ts'
import { resourceNotFound, resourcesInUse, resourcesInvalid, viewInUse } from '../errors.ts'
import { type Applied, decideApply, decideDelete, type Plan, type Step } from './decide-apply.ts'
import { decidePrune, type Unnamed } from './decide-prune.ts'
import { factOf } from './facts.ts'
import {
  allResources,
  findResource,
  lockResources,
  markDeleted,
  type ResourceName,
  type Revision,
  saveRevision,
  servingVersions,
} from './resources.store.ts'

interface Parts {
  db: Database
  clock: Clock
}

/** A stream of documents and where it comes from. */
export interface Stream {
  readonly text: string
  /** How errors call it. */
  readonly file: string
  readonly commit: string | null
  /** Whether what it leaves out of its namespaces shall go. */
  readonly prune: boolean
}

/** What applying a stream would do, beside what stands. */
export interface PlannedStream extends Plan {
  /** What the stream leaves out of its namespaces, as far as the caller may see it: what `prune` deletes. */
  readonly unnamed: readonly (Revision & Unnamed)[]
  /** The newest revision of what is applied now, by key. */
  readonly standing: ReadonlyMap<string, Revision>
}

/** Reads a stream that the caller may apply; who prunes must be let to the whole of its namespaces. Throws `REG_RESOURCES_INVALID` with every place that is wrong. */
const read = ({ text, file, prune }: Stream): SourcedResource[] => {
  try {
    const stream = readResources(text, { file })
    for (const { resource } of stream) requireAccess(resource.metadata.namespace, prune ? undefined : resource.metadata.name)
    return stream
  } catch (error) {
    if (error instanceof ResourceErrors) throw resourcesInvalid({ errors: error.errors }, { cause: error })
    throw error
  }
}

const decide = async (db: Pick<Tx, 'query'>, documents: readonly SourcedResource[]): Promise<PlannedStream> => {
  const revisions = await allResources(db)
  const plan = decideApply(revisions, documents)
  const named = documents.map(({ resource }) => resource)
  const unnamed = decidePrune(revisions, { named, serving: await servingVersions(db) })
  return {
    ...plan,
    unnamed: unnamed.filter(({ resource: { metadata } }) => mayAccess(metadata.namespace, metadata.name)),
    standing: new Map(revisions.filter(({ deleted }) => !deleted).map((each) => [resourceKey(each.resource), each])),
  }
}

/** What applying a stream would do. Changes nothing. */
export const planResources =
  ({ db }: Pick<Parts, 'db'>) =>
  async (stream: Stream): Promise<PlannedStream> =>
    decide(db, read(stream))

/** Views before models: who follows the log knows what a model reads before the model. */
const order: Record<Kind, number> = { FeatureView: 0, Model: 1 }

/** What became of a stream. */
export interface AppliedStream {
  readonly steps: readonly Step[]
  /** In the order in which they went: models, then views. */
  readonly pruned: readonly Revision[]
}

/**
 * Applies a stream, all or nothing; applying it again changes nothing. With `prune`, what it leaves out of its namespaces goes.
 * Revisions, the record and the facts are one transaction. Throws `REG_RESOURCES_INVALID`, `REG_RESOURCES_IN_USE`.
 */
export const applyResources =
  ({ db, clock }: Parts) =>
  async (stream: Stream): Promise<AppliedStream> => {
    const documents = read(stream)
    return db.transaction(async (tx) => {
      await lockResources(tx)
      const { steps, errors, unnamed } = await decide(tx, documents)
      if (errors.length > 0) throw resourcesInvalid({ errors })
      const origin = { commit: stream.commit, at: new Date(clock.now()), by: currentPrincipal().name }
      const changing = steps.filter(({ action }) => action !== 'unchanged')
      for (const step of changing.toSorted((one, other) => order[one.resource.kind] - order[other.resource.kind])) {
        await write(tx, step, origin)
      }
      const pruned = stream.prune ? unnamed.toSorted((one, other) => order[other.resource.kind] - order[one.resource.kind]) : []
      const kept = pruned.filter(({ inUse }) => inUse.length > 0)
      if (kept.length > 0)
        throw resourcesInUse({ resources: kept.map(({ resource, inUse }) => `${resourceKey(resource)}: ${inUse.join(', ')}`) })
      for (const each of pruned) await remove(tx, each, { commit: stream.commit })
      return { steps, pruned }
    })
  }

const write = async (
  tx: Tx,
  { resource, revision, generation, action, changes }: Step,
  origin: { commit: string | null; at: Date; by: string },
) => {
  const applied = { resource, revision, generation, deleted: false }
  await saveRevision(tx, applied, origin)
  const details = { action, revision, commit: origin.commit, changes: changes.map(({ path, effect }) => ({ path, effect })) }
  await record(tx, {
    who: origin.by,
    action: 'resource.applied',
    namespace: resource.metadata.namespace,
    subject: resourceKey(resource),
    details,
  })
  await tx.publish(factOf(applied, origin.commit))
}

const remove = async (tx: Tx, found: Applied, { commit }: { commit: string | null }): Promise<void> => {
  const { kind, metadata } = found.resource
  const deleted = { ...found, deleted: true, generation: found.generation + 1 }
  await markDeleted(tx, { kind, namespace: metadata.namespace, name: metadata.name }, deleted.generation)
  await record(tx, {
    who: currentPrincipal().name,
    action: 'resource.deleted',
    namespace: metadata.namespace,
    subject: resourceKey(found.resource),
    details: commit === null ? {} : { commit },
  })
  await tx.publish(factOf(deleted, commit))
}

/** Deletes a resource; a view that models read stays. Throws `REG_RESOURCE_NOT_FOUND`, `REG_VIEW_IN_USE`. */
export const deleteResource =
  ({ db }: Pick<Parts, 'db'>) =>
  async (name: ResourceName): Promise<Resource> =>
    db.transaction(async (tx) => {
      await lockResources(tx)
      const found = await findResource(tx, name)
      const subject = `${name.kind}/${name.namespace}/${name.name}`
      if (!found || found.deleted) throw resourceNotFound({ resource: subject })
      const readers = decideDelete(found.resource, await allResources(tx))
      if (readers.length > 0) throw viewInUse({ view: `${name.namespace}/${name.name}`, models: readers })
      await remove(tx, found, { commit: null })
      return found.resource
    })
