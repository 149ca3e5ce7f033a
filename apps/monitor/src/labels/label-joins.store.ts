import { type Database, type Tx } from '@cascata/messaging'
import { type Span } from '../predictions/predictions.store.ts'

/** A join that is under way: a span of predictions, and the dataset that has their labels. */
export interface LabelJoin extends Span {
  readonly dataset: string | null
  readonly attempts: number
  readonly startedAt: Date
  /** Whether it is time to look at it. */
  readonly due: boolean
}

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

export const findJoin = async (db: Executor, model: string): Promise<LabelJoin | undefined> =>
  (
    await db.query<LabelJoin>(
      `select model, from_at as "from", late_from_seq::float8 as "lateFromSeq", to_at as "to", up_to_seq::float8 as "upToSeq", dataset, attempts, started_at as "startedAt",
         not_before <= now() as due from label_join where model = $1`,
      [model],
    )
  )[0]

export const beginJoin = (tx: Tx, { model, from, lateFromSeq, to, upToSeq }: Span) =>
  tx.query(
    `insert into label_join (model, from_at, late_from_seq, to_at, up_to_seq) values ($1, $2, $3, $4, $5) on conflict do nothing`,
    [model, from, lateFromSeq, to, upToSeq],
  )

export const keepDataset = (db: Executor, model: string, dataset: string) =>
  db.query(`update label_join set dataset = $2, started_at = now(), not_before = now() where model = $1`, [model, dataset])

/** Looks again after a while. */
export const waitFor = (db: Executor, model: string, ms: number) =>
  db.query(`update label_join set not_before = now() + make_interval(secs => $2 / 1000.0) where model = $1`, [model, ms])

/** Asks for the dataset anew after a while. */
export const startAgain = (db: Executor, model: string, ms: number) =>
  db.query(
    `update label_join set dataset = null, attempts = attempts + 1, not_before = now() + make_interval(secs => $2 / 1000.0) where model = $1`,
    [model, ms],
  )

/** Ends a join; false when another replica has ended it before. */
export const endJoin = async (tx: Tx, { model, to, dataset }: LabelJoin): Promise<boolean> =>
  (
    await tx.query(`delete from label_join where model = $1 and to_at = $2 and dataset = $3 returning 1 as one`, [
      model,
      to,
      dataset,
    ])
  ).length > 0

/** Drops a join: its model is gone, or nothing of it can be joined. */
export const dropJoin = (db: Executor, model: string) => db.query(`delete from label_join where model = $1`, [model])
