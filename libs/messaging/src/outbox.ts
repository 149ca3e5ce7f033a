import type pg from 'pg'

/** A message waiting to be sent. */
export interface OutboxRow {
  topic: string
  key: Buffer | string | null
  value: Buffer | string | null
  headers: Record<string, string>
}

/** The channel that wakes the relay. */
export const outboxChannel = (schema: string) => `outbox_${schema}`

const bytes = (value: Buffer | string | null) => (typeof value === 'string' ? Buffer.from(value) : value)

/** Writes messages with the transaction's effect, as its last statement, and wakes the relay when it commits. */
export async function appendToOutbox(client: pg.ClientBase, schema: string, rows: readonly OutboxRow[]): Promise<void> {
  await client.query(
    `with said as (
       insert into outbox (topic, key, value, headers)
       select topic, key, value, headers
         from unnest($1::text[], $2::bytea[], $3::bytea[], $4::jsonb[]) with ordinality as row (topic, key, value, headers, nth)
        order by nth
     )
     select pg_notify($5, '')`,
    [
      rows.map((row) => row.topic),
      rows.map((row) => bytes(row.key)),
      rows.map((row) => bytes(row.value)),
      rows.map((row) => JSON.stringify(row.headers)),
      outboxChannel(schema),
    ],
  )
}
