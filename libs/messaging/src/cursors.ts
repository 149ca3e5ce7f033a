import type { Database, Tx } from './database.ts'

/** Offsets of one partition: `from` inclusive, `to` exclusive. */
export interface OffsetRange {
  topic: string
  partition: number
  epoch: number
  from: number
  to: number
}

/** Why a partition stands still: the next offset is not in the topic any more, or the topic is another one. */
export interface Gap {
  reason: 'recreated' | 'retention' | 'truncated'
  topic: string
  partition: number
  epoch: number
  /** The offset that was due. */
  next: number
  /** The first and the end offset that the topic has now. */
  low: number
  high: number
  at: string
}

/** How far a consumer has come in a partition; the truth, of which the offset committed to Kafka is only a hint. */
export interface Cursor {
  topic: string
  partition: number
  topicId: string
  epoch: number
  nextOffset: number
  halted: Gap | null
}

/** Another replica moved a cursor first: what this one did with the records must not count. */
export class Fenced extends Error {
  override name = 'Fenced'
}

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

const columns = `topic, partition, topic_id as "topicId", epoch, next_offset::float8 as "nextOffset", halted`

export async function readCursors(db: Executor, consumer: string): Promise<Cursor[]> {
  return db.query<Cursor>(`select ${columns} from cursor where consumer = $1 order by topic, partition`, [consumer])
}

/** Creates a cursor unless another replica has; returns the one that counts. */
export async function createCursor(
  db: Executor,
  consumer: string,
  { topic, partition, topicId, nextOffset }: Cursor,
): Promise<Cursor> {
  await db.query(
    `insert into cursor (consumer, topic, partition, topic_id, epoch, next_offset) values ($1, $2, $3, $4, 0, $5) on conflict do nothing`,
    [consumer, topic, partition, topicId, nextOffset],
  )
  const [cursor] = await db.query<Cursor>(`select ${columns} from cursor where consumer = $1 and topic = $2 and partition = $3`, [
    consumer,
    topic,
    partition,
  ])
  return cursor!
}

/**
 * Moves cursors by compare-and-set, inside of the transaction of the effect.
 *
 * @throws Fenced when one of them is not where this replica took it up.
 */
export async function advance(tx: Tx, consumer: string, ranges: readonly OffsetRange[]): Promise<void> {
  const moved = await tx.query(
    `update cursor set next_offset = range.next
       from unnest($2::text[], $3::int[], $4::int[], $5::bigint[], $6::bigint[]) as range (topic, partition, epoch, due, next)
      where cursor.consumer = $1 and cursor.topic = range.topic and cursor.partition = range.partition
        and cursor.epoch = range.epoch and cursor.next_offset = range.due and cursor.halted is null
     returning cursor.partition`,
    [
      consumer,
      ranges.map((range) => range.topic),
      ranges.map((range) => range.partition),
      ranges.map((range) => range.epoch),
      ranges.map((range) => range.from),
      ranges.map((range) => range.to),
    ],
  )
  if (moved.length !== ranges.length) throw new Fenced(`Another replica of ${consumer} moved on first.`)
}

/** Marks a partition as halted; false when another replica did so, or moved it, first. */
export async function haltCursor(tx: Tx, consumer: string, gap: Gap): Promise<boolean> {
  const marked = await tx.query(
    `update cursor set halted = $5 where consumer = $1 and topic = $2 and partition = $3 and next_offset = $4 and epoch = $6 and halted is null returning 1 as one`,
    [consumer, gap.topic, gap.partition, gap.next, JSON.stringify(gap), gap.epoch],
  )
  return marked.length > 0
}

/** Lets a partition go on from `nextOffset`, in a new epoch. */
export async function resetCursor(
  tx: Tx,
  consumer: string,
  { topic, partition, topicId, nextOffset }: Pick<Cursor, 'topic' | 'partition' | 'topicId' | 'nextOffset'>,
): Promise<void> {
  await tx.query(
    `update cursor set halted = null, epoch = epoch + 1, topic_id = $4, next_offset = $5 where consumer = $1 and topic = $2 and partition = $3`,
    [consumer, topic, partition, topicId, nextOffset],
  )
}
