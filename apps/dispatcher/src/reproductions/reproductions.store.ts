import { type Database } from '@cascata/messaging'
import { type Failure } from '../runs/run.ts'
import { type Outcome, type Reproduction } from './reproduction.ts'

const columns = `id, namespace, model, version, state, asked_by as "askedBy", requested_at as "requestedAt", ended_at as "endedAt", result, failure`

export type NewReproduction = Pick<Reproduction, 'id' | 'namespace' | 'model' | 'version' | 'askedBy'>

/** Asks for a version to be made once more; one that waits already is the answer. */
export async function askReproduction(db: Database, asked: NewReproduction, now: Date): Promise<Reproduction> {
  return db.transaction(async (tx) => {
    const { id, namespace, model, version, askedBy } = asked
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `${db.schema} reproduction ${namespace}/${model}/${version}`,
    ])
    const [waiting] = await tx.query<Reproduction>(
      `select ${columns} from reproduction where namespace = $1 and model = $2 and version = $3 and ended_at is null`,
      [namespace, model, version],
    )
    if (waiting) return waiting
    const [row] = await tx.query<Reproduction>(
      `insert into reproduction (id, namespace, model, version, asked_by, requested_at) values ($1, $2, $3, $4, $5, $6) returning ${columns}`,
      [id, namespace, model, version, askedBy, now],
    )
    return row!
  })
}

export const findReproduction = async (db: Database, id: string): Promise<Reproduction | undefined> =>
  (await db.query<Reproduction>(`select ${columns} from reproduction where id = $1`, [id]))[0]

/** Newest first. */
export const reproductionsOf = (
  db: Database,
  namespace: string,
  model: string,
  version: string | null,
): Promise<Reproduction[]> =>
  db.query<Reproduction>(
    `select ${columns} from reproduction where namespace = $1 and model = $2 and ($3::text is null or version = $3)
      order by position desc limit 100`,
    [namespace, model, version],
  )

/** How many wait or are at work. */
export const openReproductions = async (db: Database): Promise<number> =>
  (await db.query<{ count: number }>('select count(*)::int as count from reproduction where ended_at is null'))[0]!.count

/** The oldest one that has not ended, as being worked on. */
export const takeReproduction = async (db: Database): Promise<Reproduction | undefined> =>
  (
    await db.query<Reproduction>(
      `update reproduction set state = 'working' where id = (select id from reproduction where ended_at is null order by position limit 1)
       returning ${columns}`,
    )
  )[0]

export const endReproduction = async (
  db: Database,
  id: string,
  ended: { result: Outcome } | { failure: Failure },
  now: Date,
): Promise<void> => {
  const [result, failure] = 'result' in ended ? [ended.result, null] : [null, ended.failure]
  await db.query('update reproduction set state = $2, result = $3, failure = $4, ended_at = $5 where id = $1', [
    id,
    result ? 'done' : 'failed',
    result && JSON.stringify(result),
    failure && JSON.stringify(failure),
    now,
  ])
}
