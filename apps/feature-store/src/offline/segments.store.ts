import { join } from 'node:path'
import { type Database, type OffsetRange, type Tx } from '@cascata/messaging'
import { type SegmentFile } from './segment-columns.ts'
import { type WrittenSegment } from './segment-writer.ts'

/** A segment as the manifest names it. */
export interface Segment extends SegmentFile {
  readonly id: number
  readonly rows: number
  /** Ranges of offsets whose rows it may hold; `to` is exclusive. */
  readonly ranges: readonly OffsetRange[]
}

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

/** The manifest: what is not named here does not exist. */
export interface SegmentStore {
  /** Names a segment; returns its id. */
  add(tx: Tx, viewId: number, segment: WrittenSegment, ranges: readonly OffsetRange[]): Promise<number>
  /** The segments of a view in the order in which they were committed; only those after `after`, at most `limit`. */
  list(
    db: Executor,
    viewId: number,
    options?: { after?: number; limit?: number; eventTime?: { from: number; to: number } },
  ): Promise<Segment[]>
  /** Forgets the segments of a view; their files go a while later, when nobody reads them any more. */
  dropAll(tx: Tx, viewId: number): Promise<void>
}

export const segmentStore = (folder: string): SegmentStore => ({
  async add(tx, viewId, segment, ranges) {
    const { file, revision, rows, deletes, bytes, sha256, eventTime } = segment
    const [added] = await tx.query<{ id: number }>(
      `with added as (
         insert into segment (view_id, file, revision, rows, deletes, bytes, sha256, min_event_time, max_event_time)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id
       ), ranged as (
         insert into segment_range (segment_id, topic, partition, epoch, from_offset, to_offset)
         select added.id, range.* from added, unnest($10::text[], $11::int[], $12::int[], $13::bigint[], $14::bigint[]) as range
       )
       select id::float8 as id from added`,
      [
        viewId,
        file,
        revision,
        rows,
        deletes,
        bytes,
        sha256,
        eventTime?.min ?? null,
        eventTime?.max ?? null,
        ranges.map((range) => range.topic),
        ranges.map((range) => range.partition),
        ranges.map((range) => range.epoch),
        ranges.map((range) => range.from),
        ranges.map((range) => range.to),
      ],
    )
    return added!.id
  },

  async list(db, viewId, { after = 0, limit = 1_000_000, eventTime } = {}) {
    const found = await db.query<Omit<Segment, 'path'> & { file: string }>(
      `select segment.id::float8 as id, file, revision, rows,
              (select json_agg(json_build_object('topic', topic, 'partition', partition, 'epoch', epoch, 'from', from_offset, 'to', to_offset))
                 from segment_range where segment_id = segment.id) as ranges
         from segment
        where view_id = $1 and dropped_at is null and segment.id > $2
          and ($4::bigint is null or (max_event_time >= $4 and min_event_time < $5))
        order by segment.id limit $3`,
      [viewId, after, limit, eventTime?.from ?? null, eventTime?.to ?? null],
    )
    return found.map(({ file, ...segment }) => ({ ...segment, path: join(folder, file) }))
  },

  async dropAll(tx, viewId) {
    await tx.query('update segment set dropped_at = now() where view_id = $1 and dropped_at is null', [viewId])
  },
})
