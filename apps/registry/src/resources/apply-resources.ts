import { type Database, type Tx } from '@cascata/messaging'
import { type Kind, type Resource, ResourceErrors, readResources, resourceKey, type SourcedResource } from '@cascata/resources'
import { type Clock, currentPrincipal, requireAccess } from '@cascata/service'
import { record } from '../audit/audit.store.ts'
import { resourceNotFound, resourcesInvalid, viewInUse } from '../errors.ts'
import { decideApply, decideDelete, type Plan, type Step } from './decide-apply.ts'
import { factOf } from './facts.ts'
import { allResources, findResource, lockResources, markDeleted, type ResourceName, saveRevision } from './resources.store.ts'

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
}

/** Reads a stream that the caller may apply; throws `REG_RESOURCES_INVALID` with every place that is wrong. */
const read = ({ text, file }: Stream): SourcedResource[] => {
  try {
    const stream = readResources(text, { file })
    for (const { resource } of stream) requireAccess(resource.metadata.namespace, resource.metadata.name)
    return stream
  } catch (error) {
    if (error instanceof ResourceErrors) throw resourcesInvalid({ errors: error.errors }, { cause: error })
    throw error
  }
}

/** What applying a stream would do. Changes nothing. */
export const planResources =
  ({ db }: Pick<Parts, 'db'>) =>
  async (stream: Stream): Promise<Plan> =>
    decideApply(await allResources(db), read(stream))

/** Views before models: who follows the log knows what a model reads before the model. */
const order: Record<Kind, number> = { FeatureView: 0, Model: 1 }

/**
 * Applies a stream, all or nothing; applying it again changes nothing.
 * Revisions, the record and the facts are one transaction.
 */
export const applyResources =
  ({ db, clock }: Parts) =>
  async (stream: Stream): Promise<readonly Step[]> => {
    const documents = read(stream)
    return db.transaction(async (tx) => {
      await lockResources(tx)
      const { steps, errors } = decideApply(await allResources(tx), documents)
      if (errors.length > 0) throw resourcesInvalid({ errors })
      const changing = steps.filter(({ action }) => action !== 'unchanged')
      const origin = { commit: stream.commit, at: new Date(clock.now()), by: currentPrincipal().name }
      for (const step of changing.toSorted((one, other) => order[one.resource.kind] - order[other.resource.kind])) {
        await write(tx, step, origin)
      }
      return steps
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
      const deleted = { ...found, deleted: true, generation: found.generation + 1 }
      await markDeleted(tx, name, deleted.generation)
      await record(tx, { who: currentPrincipal().name, action: 'resource.deleted', namespace: name.namespace, subject })
      await tx.publish(factOf(deleted, null))
      return found.resource
    })
