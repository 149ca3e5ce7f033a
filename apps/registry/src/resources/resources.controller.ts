import { type Database } from '@cascata/messaging'
import { type Kind, kindFrom } from '@cascata/resources'
import { mayAccess, Permission } from '@cascata/service'
import { Controller, Delete, Get, Inject, Param, Query } from '@nestjs/common'
import { kindUnknown, resourceNotFound } from '../errors.ts'
import { Parts } from '../parts.ts'
import { type deleteResource } from './apply-resources.ts'
import { allResources, findResource, type Revision, revisionsOf } from './resources.store.ts'

const kindOf = (word: string): Kind => {
  const kind = kindFrom(word)
  if (!kind) throw kindUnknown({ kind: word.slice(0, 100) })
  return kind
}

const summaryOf = ({ resource, revision, generation, commit, at, by }: Revision) => ({
  kind: resource.kind,
  namespace: resource.metadata.namespace,
  name: resource.metadata.name,
  revision,
  generation,
  commit,
  appliedAt: at.toISOString(),
  appliedBy: by,
})

const answerOf = (revision: Revision) => ({ ...summaryOf(revision), ...revision.resource })

/** Reads and deletes resources; applying them is in `resources.routes.ts`, as its body is no JSON. */
@Controller('v1/resources')
@Permission('viewer')
export class ResourcesController {
  private readonly db: Database
  private readonly remove: ReturnType<typeof deleteResource>

  constructor(@Inject(Parts.database) db: Database, @Inject(Parts.deleteResource) remove: ReturnType<typeof deleteResource>) {
    this.db = db
    this.remove = remove
  }

  /** Everything that is applied, optionally of one kind and namespace. */
  @Get()
  @Permission('viewer', { scope: 'handler' })
  async list(@Query('kind') kind?: string, @Query('namespace') namespace?: string) {
    const wanted = kind === undefined || kind === '' ? undefined : kindOf(kind)
    return (await allResources(this.db))
      .filter(({ deleted, resource: { metadata } }) => !deleted && mayAccess(metadata.namespace, metadata.name))
      .filter(
        ({ resource }) =>
          (wanted === undefined || resource.kind === wanted) && (!namespace || resource.metadata.namespace === namespace),
      )
      .map(answerOf)
  }

  @Get(':kind/:namespace/:name')
  async get(@Param('kind') kind: string, @Param('namespace') namespace: string, @Param('name') name: string) {
    const found = await findResource(this.db, { kind: kindOf(kind), namespace, name })
    if (!found || found.deleted) throw resourceNotFound({ resource: `${kindOf(kind)}/${namespace}/${name}` })
    return answerOf(found)
  }

  /** Every revision, newest first, those of a deleted resource too. */
  @Get(':kind/:namespace/:name/revisions')
  async revisions(@Param('kind') kind: string, @Param('namespace') namespace: string, @Param('name') name: string) {
    const found = await revisionsOf(this.db, { kind: kindOf(kind), namespace, name })
    if (found.length === 0) throw resourceNotFound({ resource: `${kindOf(kind)}/${namespace}/${name}` })
    return found.map(answerOf)
  }

  @Delete(':kind/:namespace/:name')
  @Permission('publisher')
  async delete(@Param('kind') kind: string, @Param('namespace') namespace: string, @Param('name') name: string) {
    const deleted = await this.remove({ kind: kindOf(kind), namespace, name })
    return { kind: deleted.kind, namespace, name, action: 'deleted' }
  }
}
