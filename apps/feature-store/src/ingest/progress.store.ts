import { type OffsetRange, type Tx } from '@cascata/messaging'
import { groupOf, type View } from '../feature-views/view.ts'
import { importPartition } from '../imports/file-rows.ts'
import { decideWatermark, mayBeLeft, type PartitionProgress } from './decide-watermark.ts'

/** Adds the partitions of a topic that are not known yet, and where each ends now. */
export const noteEnds = async (
  tx: Pick<Tx, 'query'>,
  viewId: number,
  topic: string,
  ends: ReadonlyMap<number, number>,
): Promise<void> => {
  await tx.query(
    `insert into view_partition (view_id, topic, partition, end_offset)
     select $1, $2, bound.* from unnest($3::int[], $4::bigint[]) as bound
     on conflict (view_id, topic, partition) do update set end_offset = excluded.end_offset
      where view_partition.end_offset <> excluded.end_offset`,
    [viewId, topic, [...ends.keys()], [...ends.values()]],
  )
}

/** Records what a flush has seen of each partition. */
export const noteProgress = async (
  tx: Tx,
  viewId: number,
  ranges: readonly OffsetRange[],
  highs: ReadonlyMap<number, number>,
  now: number,
): Promise<void> => {
  await tx.query(
    `insert into view_partition (view_id, topic, partition, high, last_record_at)
     select $1, seen.*, $5 from unnest($2::text[], $3::int[], $4::bigint[]) as seen
     on conflict (view_id, topic, partition) do update
        set high = greatest(view_partition.high, excluded.high), last_record_at = excluded.last_record_at`,
    [
      viewId,
      ranges.map(({ topic }) => topic),
      ranges.map(({ partition }) => partition),
      ranges.map(({ partition }) => highs.get(partition) ?? null),
      now,
    ],
  )
}

interface Progress extends Pick<PartitionProgress, 'high' | 'lastRecordAt'> {
  readonly partition: number
  readonly next: number
}

/** What is known of the partitions of a view. */
export const progressOf = (tx: Pick<Tx, 'query'>, view: View): Promise<Progress[]> =>
  tx.query<Progress>(
    `select known.partition, known.high::float8 as high, known.last_record_at::float8 as "lastRecordAt",
            coalesce(cursor.next_offset, 0)::float8 as next
       from view_partition known
       left join cursor on cursor.consumer = $2 and cursor.topic = known.topic and cursor.partition = known.partition
      where known.view_id = $1 and known.topic = $3`,
    [view.id, groupOf(view), view.spec.source.topic],
  )

/** A look at the ends of a topic's partitions. */
export interface Look {
  readonly ends: ReadonlyMap<number, number>
  /** What had been seen of each partition before the look, where that may be less than what has been seen now. */
  readonly highs?: ReadonlyMap<number, number | null>
}

/**
 * The watermark as the partitions of a view have it now; the view is locked by the caller.
 *
 * @param look Taken after the rows were read that move the watermark on; null: none was taken, so no partition is left behind.
 * @returns `needsLook`: whether a look would have told more.
 */
export const nextWatermark = async (
  tx: Tx,
  view: View,
  before: number | null,
  now: number,
  look: Look | null,
): Promise<{ watermark: number | null; needsLook: boolean }> => {
  const { idleAfter } = view.spec.source
  const known = await progressOf(tx, view)
  const imported = known.find(({ partition }) => partition === importPartition)?.high ?? null
  const partitions = known
    .filter(({ partition }) => partition !== importPartition)
    .map(({ partition, high, lastRecordAt, next }) => ({
      high: look?.highs ? (look.highs.get(partition) ?? null) : high,
      lastRecordAt,
      caughtUp: next >= (look?.ends.get(partition) ?? Number.POSITIVE_INFINITY),
    }))
  return {
    watermark: decideWatermark(before, partitions, idleAfter, now, imported),
    needsLook: partitions.some((partition) => mayBeLeft(partition, idleAfter, now)),
  }
}

/** Remembers with which cursors a watermark was reached: a dataset needs the one that holds for its snapshot. */
export const logWatermark = async (tx: Tx, view: View, watermark: number): Promise<void> => {
  await tx.query(
    `insert into watermark_log (view_id, watermark, cursors)
     select $1, $2, coalesce(json_agg(json_build_array(partition, epoch, next_offset)), '[]'::json) from (
       select partition, epoch, next_offset from cursor where consumer = $3 and topic = $4
       union all select $5, 0, max(base_offset + rows) from import where view_id = $1 and state = 'done' having count(*) > 0) reached`,
    [view.id, watermark, groupOf(view), view.spec.source.topic, importPartition],
  )
}

/** Forgets watermarks that no dataset under way can ask for. */
export const pruneWatermarks = async (tx: Pick<Tx, 'query'>, viewId: number, keep = 10_000): Promise<void> => {
  await tx.query(
    `delete from watermark_log where view_id = $1
        and id < (select id from watermark_log where view_id = $1 order by id desc offset $2 limit 1)`,
    [viewId, keep],
  )
}
