import type { CloudEvent, EventDefinition } from '@cascata/events'
import type { Database, Tx } from './database.ts'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

/** A value of a compacted topic, as this app has seen it last. */
export interface Latest<Data> {
  key: string
  generation: number
  data: Data
}

/**
 * Keeps the newest value of a key of a compacted topic; false when a newer one was seen before, so this one must have no effect.
 * A value without a `generation` counts as generation 0.
 */
export async function keepLatest(tx: Tx, topic: string, key: string, event: CloudEvent): Promise<boolean> {
  const { generation = 0 } = event.data as { generation?: number }
  const kept = await tx.query(
    `insert into latest (topic, key, type, generation, data) values ($1, $2, $3, $4, $5)
     on conflict (topic, key) do update set type = excluded.type, generation = excluded.generation, data = excluded.data
      where latest.generation < excluded.generation
     returning 1 as one`,
    [topic, key, event.type, generation, JSON.stringify(event.data)],
  )
  return kept.length > 0
}

const columns = 'key, generation::float8 as generation, data'

/** The newest value of a key, when it is of this type: a resource that was deleted is not applied. */
export async function latest<Data>(
  db: Executor,
  definition: EventDefinition<Data>,
  key: string,
): Promise<Latest<Data> | undefined> {
  const rows = await db.query<Latest<Data>>(`select ${columns} from latest where topic = $1 and type = $2 and key = $3`, [
    definition.topic.name,
    definition.type,
    key,
  ])
  return rows[0]
}

/** The newest values of all keys whose newest value is of this type, in the order of keys. */
export async function latestAll<Data>(db: Executor, definition: EventDefinition<Data>): Promise<Latest<Data>[]> {
  return db.query<Latest<Data>>(`select ${columns} from latest where topic = $1 and type = $2 order by key`, [
    definition.topic.name,
    definition.type,
  ])
}
