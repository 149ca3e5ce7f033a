import { type Database, type Tx } from '@cascata/messaging'
import { type DeliveryDecision } from './decide-delivery.ts'

/** A message to another system, as it waits. */
export interface Delivery {
  readonly id: string
  /** A webhook's id, or `openlineage`. */
  readonly target: string
  readonly body: string
  readonly attempts: number
}

/** Where lineage goes that other tools read. */
export const openLineageTarget = 'openlineage'

/** Writes a message with what it tells: it is sent when, and only when, the transaction commits. */
export const enqueue = async (tx: Pick<Tx, 'query'>, target: string, body: object): Promise<void> => {
  await tx.query('insert into delivery (target, body) values ($1, $2)', [target, JSON.stringify(body)])
}

/** The oldest message of each target, where its time has come: one at a time a target, so that a slow one holds nobody else up. */
export const dueDeliveries = (db: Database, limit: number): Promise<Delivery[]> =>
  db.query<Delivery>(
    `select id, target, body, attempts from
       (select distinct on (target) * from delivery where state = 'waiting' and next_at <= clock_timestamp() order by target, position) due
      order by position limit $1`,
    [limit],
  )

/** Notes what became of an attempt. */
export const settle = async (tx: Pick<Tx, 'query'>, { id }: Delivery, decision: DeliveryDecision): Promise<void> => {
  const again = decision.is === 'again'
  await tx.query(
    `update delivery set attempts = attempts + 1, state = $2, answer = $3, next_at = clock_timestamp() + $4 * interval '1 ms' where id = $1`,
    [id, again ? 'waiting' : decision.is, 'why' in decision ? decision.why : null, again ? decision.afterMs : 0],
  )
}

/** Forgets what is over for a week. */
export const forgetOld = async (db: Database): Promise<void> => {
  await db.query(`delete from delivery where state <> 'waiting' and next_at < now() - interval '7 days'`)
}
