import { join, relative } from 'node:path'
import { type Database, type OffsetRange, type Tx } from '@cascata/messaging'
import { type ErasedRows, type SegmentFile } from './segment-columns.ts'
import { type SegmentFiles } from './segment-files.ts'
import { type WrittenSegment } from './segment-writer.ts'

/** A segment as the manifest names it. */
export interface Segment extends SegmentFile {
  readonly id: number
  /** Its place among the segments of the view: greater than that of all whose rows were there before its last ones. */
  readonly position: number
  readonly rows: number
  readonly bytes: number
  /** Made of others: rows of it may have been read from them. */
  readonly compacted: boolean
  /** It holds no row of the view's erasures up to this one. */
  readonly erasures: number
  /** Unix ms; null when it holds tombstones only. */
  readonly eventTime: { readonly min: number; readonly max: number } | null
  /** When its newest row came, Unix ms. */
  readonly ingestedAt: number
  /** Ranges of offsets whose rows it may hold; `to` is exclusive. */
  readonly ranges: readonly OffsetRange[]
}

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

/** The manifest: what is not named here does not exist. */
export interface SegmentStore {
  /** Makes the file of a segment durable, wherever segments are kept. */
  keep(segment: Pick<WrittenSegment, 'file'>): Promise<void>
  /** Names a segment, whose file is kept first; returns its id. */
  add(
    tx: Tx,
    viewId: number,
    segment: WrittenSegment,
    ranges: readonly OffsetRange[],
    place?: { erasures: number; position?: number; ingestedAt?: number },
  ): Promise<number>
  /** The segments of a view in the order of their positions; only those after `after`, and no more than `limit` positions. */
  list(
    db: Executor,
    viewId: number,
    options?: { after?: number; limit?: number; eventTime?: { from: number; to: number } },
  ): Promise<Segment[]>
  /** Has the files of segments lie where their paths say: before they are read. */
  fetch(segments: readonly Pick<Segment, 'path'>[]): Promise<void>
  /** Removes the file of a segment that nothing names. */
  remove(segment: Pick<WrittenSegment, 'file'>): Promise<void>
  /** Forgets some segments; returns how many were still there. */
  drop(tx: Tx, ids: readonly number[]): Promise<number>
  /** Forgets the segments of a view; their files go a while later, when nobody reads them any more. */
  dropAll(tx: Tx, viewId: number): Promise<void>
}

export const segmentStore = (files: SegmentFiles): SegmentStore => ({
  keep: ({ file }) => files.keep(file),
  fetch: (segments) => files.fetch(segments.map(({ path }) => relative(files.folder, path))),
  remove: ({ file }) => files.remove(file),

  async add(tx, viewId, segment, ranges, { erasures, position, ingestedAt } = { erasures: 0 }) {
    const { file, revision, rows, deletes, bytes, sha256, eventTime } = segment
    await files.keep(file)
    const [added] = await tx.query<{ id: number }>(
      `with added as (
         insert into segment (view_id, file, revision, rows, deletes, bytes, sha256, min_event_time, max_event_time,
                              erasures, position, compacted, ingested_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $15, $16, $16::bigint is not null, to_timestamp($17::float8 / 1000)) returning id
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
        erasures,
        position ?? null,
        ingestedAt ?? null,
      ],
    )
    return added!.id
  },

  async list(db, viewId, { after = 0, limit = 1_000_000, eventTime } = {}) {
    const found = await db.query<Omit<Segment, 'path' | 'erased'> & { file: string; erased: ErasedRows[] | null }>(
      `select segment.id::float8 as id, coalesce(position, segment.id)::float8 as position, file, revision, rows, bytes::float8 as bytes,
              compacted, segment.erasures, extract(epoch from coalesce(ingested_at, created_at))::float8 * 1000 as "ingestedAt",
              case when min_event_time is not null then json_build_object('min', min_event_time, 'max', max_event_time) end as "eventTime",
              (select json_agg(json_build_object('entity', entity, 'until', erased_at) order by number) from erasure
                where erasure.view_id = $1 and entity is not null and number > segment.erasures) as erased,
              (select json_agg(json_build_object('topic', topic, 'partition', partition, 'epoch', epoch, 'from', from_offset, 'to', to_offset))
                 from segment_range where segment_id = segment.id) as ranges
         from segment
        where view_id = $1 and dropped_at is null and coalesce(position, segment.id) > $2
          and ($4::bigint is null or (max_event_time >= $4 and min_event_time < $5))
        order by 2 fetch first ($3) rows with ties`,
      [viewId, after, limit, eventTime?.from ?? null, eventTime?.to ?? null],
    )
    return found.map(({ file, erased, ...segment }) => ({ ...segment, path: join(files.folder, file), erased: erased ?? [] }))
  },

  async drop(tx, ids) {
    const dropped = await tx.query(
      'update segment set dropped_at = now() where id = any($1) and dropped_at is null returning 1 as one',
      [ids],
    )
    return dropped.length
  },

  async dropAll(tx, viewId) {
    await tx.query('update segment set dropped_at = now() where view_id = $1 and dropped_at is null', [viewId])
  },
})
