import { type Database, type Tx } from '@cascata/messaging'
import { type Resource } from '@cascata/resources'
import { type Applied } from './decide-apply.ts'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

/** Where a revision came from. */
export interface Origin {
  readonly commit: string | null
  readonly at: Date
  readonly by: string
}

export interface Revision extends Applied, Origin {}

interface Row {
  kind: string
  document: Resource
  generation: number
  revision: number
  deleted: boolean
  commit: string | null
  applied_at: Date
  applied_by: string
}

export interface ResourceName {
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

const columns =
  'document, generation::float8 as generation, revision::float8 as revision, deleted, commit, applied_at, applied_by'

const toRevision = ({ document, generation, revision, deleted, commit, applied_at: at, applied_by: by }: Row): Revision => ({
  resource: document,
  generation,
  revision,
  deleted,
  commit,
  at,
  by,
})

/** One apply at a time, whoever asks: a plan is about all resources, so all of them are its aggregate. Held to the end of the transaction. */
export const lockResources = async (tx: Tx): Promise<void> => {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended(current_schema() || ' resources', 0))`)
}

/** Every resource ever applied, deleted ones included; deleted ones only carry their counter on. */
export const allResources = async (db: Executor): Promise<Revision[]> =>
  (await db.query<Row>(`select ${columns} from resource order by kind, namespace, name`)).map(toRevision)

/** The newest revision of a resource, undefined when it was never applied. */
export const findResource = async (db: Executor, { kind, namespace, name }: ResourceName): Promise<Revision | undefined> => {
  const rows = await db.query<Row>(`select ${columns} from resource where kind = $1 and namespace = $2 and name = $3`, [
    kind,
    namespace,
    name,
  ])
  return rows[0] && toRevision(rows[0])
}

/** All revisions of a resource, newest first. */
export const revisionsOf = async (db: Executor, { kind, namespace, name }: ResourceName): Promise<Revision[]> => {
  const rows = await db.query<Row>(
    `select document, revision::float8 as generation, revision::float8 as revision, false as deleted, commit, applied_at, applied_by
       from resource_revision where kind = $1 and namespace = $2 and name = $3 order by revision desc`,
    [kind, namespace, name],
  )
  return rows.map(toRevision)
}

/** Writes a revision and makes it the newest. */
export const saveRevision = async (
  tx: Tx,
  { resource, revision, generation }: Applied,
  { commit, at, by }: Origin,
): Promise<void> => {
  const { namespace, name } = resource.metadata
  const written = [resource.kind, namespace, name, revision, JSON.stringify(resource), commit, at, by]
  await tx.query(
    `insert into resource_revision (kind, namespace, name, revision, document, commit, applied_at, applied_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    written,
  )
  await tx.query(
    `insert into resource (kind, namespace, name, revision, document, commit, applied_at, applied_by, generation)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (kind, namespace, name) do update set revision = excluded.revision, document = excluded.document, commit = excluded.commit,
       applied_at = excluded.applied_at, applied_by = excluded.applied_by, generation = excluded.generation, deleted = false`,
    [...written, generation],
  )
}

/** Marks a resource as deleted: its counter goes on by one, its revisions stay. */
export const markDeleted = async (tx: Tx, { kind, namespace, name }: ResourceName, generation: number): Promise<void> => {
  await tx.query('update resource set deleted = true, generation = $4 where kind = $1 and namespace = $2 and name = $3', [
    kind,
    namespace,
    name,
    generation,
  ])
}

/** The version that serves, or stands by to, of each model that has one, by `namespace/name`: as the deployer said last. */
export const servingVersions = async (db: Executor): Promise<Map<string, string>> => {
  const rows = await db.query<{ model: string; version: string }>(
    `select namespace || '/' || model as model, coalesce(said->>'champion', said->>'candidate', said->>'shadow') as version from route
      where coalesce(said->>'champion', said->>'candidate', said->>'shadow') is not null`,
  )
  return new Map(rows.map(({ model, version }) => [model, version]))
}
