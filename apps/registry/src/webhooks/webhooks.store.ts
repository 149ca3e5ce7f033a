import { type Database, type Tx } from '@cascata/messaging'
import { record } from '../audit/audit.store.ts'
import { type DeliveryDecision, mostFailures } from '../deliveries/decide-delivery.ts'
import { bodyOf, type Said, type Webhook, type WebhookEvent, type WebhookStatus } from './webhook.ts'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

const columns = `webhook_id, name, description, url, sealed, events, status,
  creation_timestamp::float8 as creation_timestamp, last_updated_timestamp::float8 as last_updated_timestamp`

export type NewWebhook = Omit<Webhook, 'creation_timestamp' | 'last_updated_timestamp'>

/** Keeps a new webhook; `now` in Unix ms. */
export const addWebhook = async (db: Executor, webhook: NewWebhook, now: number): Promise<Webhook> => {
  const { webhook_id, name, description, url, sealed, events, status } = webhook
  const [row] = await db.query<Webhook>(
    `insert into webhook (webhook_id, name, description, url, sealed, events, status, creation_timestamp, last_updated_timestamp)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $8) returning ${columns}`,
    [webhook_id, name, description, url, sealed, JSON.stringify(events), status, now],
  )
  return row!
}

export const findWebhook = async (db: Executor, id: string): Promise<Webhook | undefined> =>
  (await db.query<Webhook>(`select ${columns} from webhook where webhook_id = $1`, [id]))[0]

/** Webhooks by age, at most `limit` after the one named `after`. */
export const listWebhooks = (db: Executor, { after, limit }: { after?: string | undefined; limit: number }): Promise<Webhook[]> =>
  db.query<Webhook>(
    `select ${columns} from webhook where $1::text is null
        or (creation_timestamp, webhook_id) > (select creation_timestamp, webhook_id from webhook where webhook_id = $1)
      order by creation_timestamp, webhook_id limit $2`,
    [after ?? null, limit],
  )

export interface WebhookChange {
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly url?: string | undefined
  /** As `Secrets` sealed it. */
  readonly sealed?: string | undefined
  readonly events?: readonly WebhookEvent[] | undefined
  readonly status?: WebhookStatus | undefined
}

/** Changes what is given; one that is made active again starts with a clean record. Undefined when there is none. */
export const changeWebhook = async (
  db: Executor,
  id: string,
  change: WebhookChange,
  now: number,
): Promise<Webhook | undefined> => {
  const { name, description, url, sealed, events, status } = change
  const rows = await db.query<Webhook>(
    `update webhook set name = coalesce($2, name), description = coalesce($3, description), url = coalesce($4, url),
        sealed = coalesce($5, sealed), events = coalesce($6, events), status = coalesce($7, status),
        failures = case when $7 = 'ACTIVE' then 0 else failures end, last_updated_timestamp = $8
      where webhook_id = $1 returning ${columns}`,
    [id, name, description, url, sealed, events && JSON.stringify(events), status, now],
  )
  return rows[0]
}

/** Removes a webhook and what waits for it; false when there was none. */
export const removeWebhook = async (tx: Tx, id: string): Promise<boolean> => {
  await tx.query('delete from delivery where target = $1', [id])
  return (await tx.query('delete from webhook where webhook_id = $1 returning 1 as one', [id])).length > 0
}

/**
 * Tells the webhooks that ask for it what this transaction does: one row a webhook, sent after the commit, whatever happens to this process.
 * `now` in Unix ms.
 */
export const sayToWebhooks = async (tx: Executor, said: Said, now: number): Promise<void> => {
  const { entity, action } = said
  await tx.query(
    `insert into delivery (target, body) select webhook_id, $1 from webhook where status = 'ACTIVE' and events @> $2::jsonb
      order by creation_timestamp`,
    [JSON.stringify(bodyOf(said, now)), JSON.stringify([{ entity, action }])],
  )
}

/** Counts messages that were lost in a row, and switches a webhook off that loses too many. Other targets are left alone. */
export const afterDelivery = async (tx: Tx, target: string, decision: DeliveryDecision): Promise<void> => {
  if (decision.is === 'again') return
  const [row] = await tx.query<{ name: string; status: WebhookStatus; failures: number }>(
    `update webhook set failures = case when $2 then 0 else failures + 1 end where webhook_id = $1 returning name, status, failures`,
    [target, decision.is === 'delivered'],
  )
  if (!row || row.status !== 'ACTIVE' || row.failures < mostFailures) return
  await tx.query(`update webhook set status = 'DISABLED' where webhook_id = $1`, [target])
  await tx.query(
    `update delivery set state = 'given-up', answer = 'the webhook was switched off' where target = $1 and state = 'waiting'`,
    [target],
  )
  const details = { name: row.name, failures: row.failures, why: 'why' in decision ? decision.why : null }
  await record(tx, { who: 'registry', action: 'webhook.disabled', namespace: 'default', subject: `webhook/${target}`, details })
}
