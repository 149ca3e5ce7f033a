import { type Database, type Tx } from '@cascata/messaging'
import { type View } from '../feature-views/view.ts'
import { type Erasures, type KnownErasure } from './late-rows.ts'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

/** Where an erased entity is still held, by what can't be rewritten. */
export interface Flagged {
  /** Ids of datasets with their hashes. */
  readonly datasets: readonly { readonly id: string; readonly hash: string }[]
  /** Versions of models that were trained on one of them. */
  readonly versions: readonly { readonly model: string; readonly version: string }[]
}

/** An entity that was erased from a view. Times in Unix ms. */
export interface Erasure {
  readonly number: number
  /** Null once no segment holds it any more. */
  readonly entity: readonly (readonly [field: string, value: string])[] | null
  readonly keySha256: string
  readonly erasedAt: number
  readonly deadline: number
  readonly by: string
  readonly flagged: Flagged
  readonly doneAt: number | null
}

const columns = `number, entity, key_sha256 as "keySha256", erased_at::float8 as "erasedAt", extract(epoch from deadline)::float8 * 1000 as deadline,
  asked_by as by, flagged, extract(epoch from done_at)::float8 * 1000 as "doneAt"`

/** Adds an erasure to a view that the caller has locked. What was derived from its rows is void from then on. */
export const addErasure = async (
  tx: Tx,
  viewId: number,
  {
    entity,
    keySha256,
    erasedAt,
    deadline,
    by,
    flagged,
  }: Omit<Erasure, 'number' | 'doneAt' | 'entity'> & { entity: NonNullable<Erasure['entity']> },
): Promise<Erasure> => {
  const [counted] = await tx.query<{ number: number }>(
    'update view set erasures = erasures + 1, history_generation = history_generation + 1 where id = $1 returning erasures as number',
    [viewId],
  )
  const [added] = await tx.query<Erasure>(
    `insert into erasure (view_id, number, entity, fields, key_sha256, erased_at, deadline, asked_by, flagged)
     values ($1, $2, $3, $4, $5, $6, to_timestamp($7::float8 / 1000), $8, $9) returning ${columns}`,
    [
      viewId,
      counted!.number,
      JSON.stringify(entity),
      JSON.stringify(entity.map(([field]) => field)),
      keySha256,
      erasedAt,
      deadline,
      by,
      JSON.stringify(flagged),
    ],
  )
  // What a rejected row held can't be told by its entity.
  await tx.query('delete from rejected_payload where view_id = $1', [viewId])
  return added!
}

/** The erasures of a view, the newest first. */
export const listErasures = (db: Executor, viewId: number, limit = 100): Promise<Erasure[]> =>
  db.query<Erasure>(`select ${columns} from erasure where view_id = $1 order by number desc limit $2`, [viewId, limit])

/** What rows that come late are known by. */
export const erasuresOf = async (db: Executor, { id }: Pick<View, 'id'>): Promise<Erasures> => {
  const known = await db.query<KnownErasure & { number: number }>(
    'select number, fields, key_sha256 as "keySha256", erased_at::float8 as until from erasure where view_id = $1 order by number',
    [id],
  )
  return { number: known.at(-1)?.number ?? 0, known }
}

/** The erasures whose rows a segment may still hold; the online store needs their tombstones. */
export const pendingErasures = (db: Executor, { id }: Pick<View, 'id'>): Promise<Erasure[]> =>
  db.query<Erasure>(`select ${columns} from erasure where view_id = $1 and entity is not null order by number`, [id])

/** Ends the erasures that no segment holds any more, and forgets of whom they were. Returns how many. */
export const endErasures = async (db: Executor, viewId: number): Promise<number> => {
  const ended = await db.query(
    `update erasure set entity = null, done_at = now() where view_id = $1 and entity is not null
        and number <= coalesce((select min(erasures) from segment where view_id = $1), 2147483647) returning 1 as one`,
    [viewId],
  )
  return ended.length
}
