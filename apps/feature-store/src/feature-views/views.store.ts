import { type Database, type Tx } from '@cascata/messaging'
import { type FeatureViewSpec } from '@cascata/resources'
import { groupOf, viewOf, type View } from './view.ts'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

/** What changes about a view while it runs. Times in Unix ms. */
export interface ViewState {
  readonly halted: boolean
  /** Its online rows are written anew, as its key or its aggregates have changed. */
  readonly building: boolean
  /** How many of its entities were erased. */
  readonly erasures: number
  readonly onlineGeneration: number
  readonly historyGeneration: number
  readonly watermark: number | null
  readonly accepted: number
  readonly rejected: number
  readonly deleted: number
  readonly ignored: number
  readonly withUnknownFields: number
  /** Rows that were too late for any window. */
  readonly tooLate: number
  readonly lastRowAt: number | null
  /** Id of the fact that told of its last rows. */
  readonly lastFlush: string | null
}

/** A view as it is stored. */
export interface StoredView {
  readonly view: View
  readonly state: ViewState
}

/** What one flush adds to the counters of a view. */
export interface Counts {
  accepted: number
  rejected: number
  deleted: number
  ignored: number
  withUnknownFields: number
}

interface Row extends Omit<ViewState, never> {
  id: number
  namespace: string
  name: string
  revision: number
  spec: FeatureViewSpec
}

const select = `
  select view.id, namespace, name, view.revision, spec, halted, building, erasures,
         online_generation as "onlineGeneration", history_generation as "historyGeneration",
         watermark::float8 as watermark, accepted::float8 as accepted, rejected::float8 as rejected, deleted::float8 as deleted,
         ignored::float8 as ignored, with_unknown_fields::float8 as "withUnknownFields", too_late::float8 as "tooLate", last_row_at::float8 as "lastRowAt", last_flush as "lastFlush"
    from view join view_revision on view_revision.view_id = view.id and view_revision.revision = view.revision`

const stored = ({ id, namespace, name, revision, spec, ...state }: Row): StoredView => ({
  view: viewOf({ id, namespace, name, revision }, spec),
  state,
})

export const listViews = async (db: Executor): Promise<StoredView[]> =>
  (await db.query<Row>(`${select} where deleted_at is null order by namespace, name`)).map(stored)

export const findView = async (db: Executor, namespace: string, name: string): Promise<StoredView | null> => {
  const [row] = await db.query<Row>(`${select} where deleted_at is null and namespace = $1 and name = $2`, [namespace, name])
  return row ? stored(row) : null
}

/** Every revision of a view that rows were, or could have been, validated under. */
export const revisionsOf = async (db: Executor, viewId: number): Promise<Map<number, FeatureViewSpec>> => {
  const rows = await db.query<{ revision: number; spec: FeatureViewSpec }>(
    'select revision, spec from view_revision where view_id = $1',
    [viewId],
  )
  return new Map(rows.map(({ revision, spec }) => [revision, spec]))
}

/** Locks a view for what changes it; null when it was deleted meanwhile. */
export const lockView = async (tx: Tx, viewId: number): Promise<StoredView | null> => {
  const [row] = await tx.query<Row>(`${select} where view.id = $1 and deleted_at is null for update of view`, [viewId])
  return row ? stored(row) : null
}

/**
 * Creates a view, or gives it its new revision.
 *
 * With another key, or other aggregates, its online rows mean something else: it gets another id, and so other keys there,
 * and is built from its segments, which go with it.
 */
export const saveView = async (
  tx: Tx,
  { namespace, name, revision, spec }: { namespace: string; name: string; revision: number; spec: unknown },
): Promise<void> => {
  await moveWhenRekeyed(tx, namespace, name, revision, spec as FeatureViewSpec)
  const [saved] = await tx.query<{ id: number }>(
    `insert into view (namespace, name, revision) values ($1, $2, $3)
     on conflict (namespace, name) where deleted_at is null do update set revision = greatest(view.revision, excluded.revision)
     returning id`,
    [namespace, name, revision],
  )
  await tx.query(
    'insert into view_revision (view_id, revision, spec) values ($1, $2, $3) on conflict (view_id, revision) do update set spec = excluded.spec',
    [saved!.id, revision, JSON.stringify(spec)],
  )
}

async function moveWhenRekeyed(
  tx: Tx,
  namespace: string,
  name: string,
  revision: number,
  { entity, aggregations }: FeatureViewSpec,
): Promise<void> {
  const [present] = await tx.query<Row>(
    `${select} where deleted_at is null and namespace = $1 and name = $2 for update of view`,
    [namespace, name],
  )
  const keyOf = (spec: Pick<FeatureViewSpec, 'entity' | 'aggregations'>) => JSON.stringify([spec.entity, spec.aggregations])
  if (!present || revision <= present.revision || keyOf(present.spec) === keyOf({ entity, aggregations })) return
  const [moved] = await tx.query<{ id: number }>(
    `update view set id = default, building = true, history_generation = history_generation + 1 where id = $1 returning id`,
    [present.id],
  )
  await tx.query('update segment set view_id = $2 where view_id = $1', [present.id, moved!.id])
}

/** The online rows of a view are all there. */
export const endBuilding = async (db: Executor, viewId: number): Promise<void> => {
  await db.query('update view set building = false where id = $1 and building', [viewId])
}

/** Marks a view as deleted and forgets its cursors: one of the same name begins anew. Returns its id, null when there was none. */
export const deleteView = async (tx: Tx, namespace: string, name: string): Promise<number | null> => {
  const [gone] = await tx.query<{ id: number }>(
    'update view set deleted_at = now() where namespace = $1 and name = $2 and deleted_at is null returning id',
    [namespace, name],
  )
  if (gone) await tx.query('delete from cursor where consumer = $1', [groupOf({ namespace, name })])
  return gone?.id ?? null
}

/** Adds what a flush did, and sets the watermark. `told` is the id of the fact that tells of it. */
export const countFlush = async (
  tx: Tx,
  viewId: number,
  { accepted, rejected, deleted, ignored, withUnknownFields }: Counts,
  watermark: number | null,
  now: number,
  told: string | null = null,
): Promise<void> => {
  await tx.query(
    `update view set accepted = accepted + $2, rejected = rejected + $3, deleted = deleted + $4, ignored = ignored + $5,
            with_unknown_fields = with_unknown_fields + $6, watermark = $7, last_row_at = case when $2 > 0 then $8 else last_row_at end,
            last_flush = coalesce($9, last_flush)
      where id = $1`,
    [viewId, accepted, rejected, deleted, ignored, withUnknownFields, watermark, now, told],
  )
}
