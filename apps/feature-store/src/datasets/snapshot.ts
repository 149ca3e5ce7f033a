import { type Snapshot } from '@cascata/events'
import { type Database, type Messaging } from '@cascata/messaging'
import { qualified, groupOf, type View } from '../feature-views/view.ts'
import { revisionsOf, type StoredView } from '../feature-views/views.store.ts'
import { importPartition } from '../imports/file-rows.ts'
import { importedUpTo } from '../imports/imports.store.ts'
import { type Segment, type SegmentStore } from '../offline/segments.store.ts'
import { type Pinned } from './datasets.store.ts'
import { type SnapshotPart, type ViewRows } from './history-sql.ts'

/** The end offsets of the topics of views, and of what was imported, now. */
export const pinViews = async (
  db: Pick<Database, 'query'>,
  topics: Messaging['topics'],
  views: readonly StoredView[],
): Promise<Pinned[]> =>
  Promise.all(
    views.map(async ({ view }) => {
      const { topic } = view.spec.source
      const imported = await importedUpTo(db, view.id)
      const bounds = await topics.bounds(topic)
      const ends = [...bounds].map(([partition, { high }]) => ({ partition, to: high })).sort((a, b) => a.partition - b.partition)
      if (imported > 0) ends.push({ partition: importPartition, to: imported })
      return { view: view.name, viewId: view.id, topic, ends }
    }),
  )

interface Cursor {
  partition: number
  epoch: number
  next: number
}

const cursorsOf = (db: Pick<Database, 'query'>, view: View, topic: string): Promise<Cursor[]> =>
  db.query<Cursor>('select partition, epoch, next_offset::float8 as next from cursor where consumer = $1 and topic = $2', [
    groupOf(view),
    topic,
  ])

/** The first view that has not read up to where it was pinned, and how many records it lacks; null when all have. */
export async function behind(
  db: Pick<Database, 'query'>,
  pinned: readonly Pinned[],
  views: ReadonlyMap<string, StoredView>,
): Promise<{ view: string; missing: number } | null> {
  for (const { view: name, topic, ends } of pinned) {
    const { view } = views.get(name)!
    const next = new Map((await cursorsOf(db, view, topic)).map((cursor) => [cursor.partition, cursor.next]))
    const missing = ends
      .filter(({ partition }) => partition !== importPartition)
      .reduce((sum, { partition, to }) => sum + Math.max(0, to - (next.get(partition) ?? 0)), 0)
    if (missing > 0) return { view: qualified(view), missing }
  }
  return null
}

/** A view as of a snapshot: which rows it has, and what the watermark was. */
export interface ViewSnapshot {
  readonly rows: ViewRows
  /** Of the segments. */
  readonly bytes: number
  readonly snapshot: Snapshot
  /** Unix ms; null before the first. */
  readonly watermark: number | null
}

/** Reads the manifest and the log of watermarks as of where a view was pinned. The view has read up to there. */
export async function viewSnapshot(
  db: Database,
  segments: SegmentStore,
  { view: name, topic, ends }: Pinned,
  { view }: StoredView,
): Promise<ViewSnapshot> {
  const epochs = new Map((await cursorsOf(db, view, topic)).map(({ partition, epoch }) => [partition, epoch]))
  const parts: SnapshotPart[] = ends.map(({ partition, to }) => ({ partition, to, epoch: epochs.get(partition) ?? 0 }))
  const files = (await segments.list(db, view.id)).filter((segment) => segment.ranges.some((range) => overlaps(range, parts)))
  await segments.fetch(files)
  const [cut, whole] = [files.filter((file) => !isWhole(file, parts)), files.filter((file) => isWhole(file, parts))]
  const revisions = await revisionsOf(db, view.id)
  const fieldsOf = (revision: number) => new Set(Object.keys(revisions.get(revision)?.fields ?? {}))
  return {
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    rows: { view, whole, cut, snapshot: parts, fieldsOf },
    snapshot: parts.map(({ partition, epoch, to }) => ({ view: name, topic, partition, epoch, to })),
    watermark: await watermarkAt(db, view, parts),
  }
}

type Range = Segment['ranges'][number]

const exists = ({ partition, epoch }: Range, offset: number, parts: readonly SnapshotPart[]): boolean => {
  const part = parts.find((each) => each.partition === partition)
  return part !== undefined && (epoch < part.epoch || (epoch === part.epoch && offset < part.to))
}

const overlaps = (range: Range, parts: readonly SnapshotPart[]): boolean => exists(range, range.from, parts)

const isWhole = ({ ranges }: Segment, parts: readonly SnapshotPart[]): boolean =>
  ranges.every((range) => exists(range, range.to - 1, parts))

/** The last watermark that was reached with no row read from behind the snapshot. */
async function watermarkAt(db: Database, { id }: View, parts: readonly SnapshotPart[]): Promise<number | null> {
  const [found] = await db.query<{ watermark: number }>(
    `select watermark::float8 as watermark from watermark_log
      where view_id = $1 and not exists (
        select 1 from json_array_elements(cursors::json) as cursor
          left join unnest($2::int[], $3::int[], $4::bigint[]) as part (partition, epoch, upto) on part.partition = (cursor->>0)::int
         where part.partition is null and (cursor->>2)::bigint > 0
            or (cursor->>1)::int > part.epoch
            or ((cursor->>1)::int = part.epoch and (cursor->>2)::bigint > part.upto))
      order by id desc limit 1`,
    [id, parts.map(({ partition }) => partition), parts.map(({ epoch }) => epoch), parts.map(({ to }) => to)],
  )
  return found?.watermark ?? null
}
