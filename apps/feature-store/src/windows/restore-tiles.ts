import { type Database, type Tx } from '@cascata/messaging'
import { type ViewRows } from '../datasets/history-sql.ts'
import { groupOf, type View } from '../feature-views/view.ts'
import { revisionsOf } from '../feature-views/views.store.ts'
import { type Duck } from '../offline/duckdb.ts'
import { type Segment, type SegmentStore } from '../offline/segments.store.ts'
import { builtTiles, seenEntities, type TileRange } from './build-tiles.ts'
import { type Built, oldestTiles } from './tile-runs.ts'
import { type TileCursor, type TiledView, type TileStore } from './tile-store.ts'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

/** What segments hold, and up to where that is what was read. */
export interface TileSource {
  readonly segments: readonly Segment[]
  readonly cursors: readonly TileCursor[]
}

export const isTiled = (view: View): view is View & TiledView => view.windows !== null

/** The segments of a view with the cursors that they were committed with; the view is locked, or the transaction sees one instant. */
export async function tileSource(tx: Executor, segments: SegmentStore, view: View): Promise<TileSource> {
  const cursors = await tx.query<TileCursor>(
    'select partition, epoch, next_offset::float8 as next from cursor where consumer = $1 and topic = $2 order by partition',
    [groupOf(view), view.spec.source.topic],
  )
  return { segments: await segments.list(tx, view.id), cursors }
}

/** Segments as rows of the view's present revision. */
export async function rowsOf(db: Executor, view: View, files: readonly Segment[]): Promise<ViewRows> {
  const revisions = await revisionsOf(db, view.id)
  const fieldsOf = (revision: number) => new Set(Object.keys(revisions.get(revision)?.fields ?? {}))
  return { view, whole: files, cut: [], snapshot: [], fieldsOf }
}

/** The greatest number of a tile. */
const lastTile = 2 ** 31 - 1

/** Which tiles live, a range a level. */
export const livingTiles = (view: TiledView, watermark: number | null): TileRange[] =>
  oldestTiles(view.windows, watermark).map((from, level) => ({ level, from, to: lastTile }))

/** Fills a generation that was begun with what segments have: who was seen, and the tiles that live. Returns how many entities there are. */
export async function restoreTiles(
  { db, duck, tiles }: { db: Database; duck: Duck; tiles: TileStore },
  view: View & TiledView,
  { generation, watermark, segments }: { generation: number; watermark: number | null; segments: readonly Segment[] },
): Promise<number> {
  if (segments.length === 0) return 0
  const rows = await rowsOf(db, view, segments)
  const oldest = oldestTiles(view.windows, watermark)
  const connection = await duck.connect()
  let entities = 0
  const merge = (some: readonly Built[]) => tiles.merge(view, generation, some, oldest)
  try {
    for await (const some of seenEntities(connection, rows)) {
      entities += some.length
      await merge(some)
    }
    for (const range of livingTiles(view, watermark))
      for await (const some of builtTiles(connection, rows, range)) await merge(some)
    return entities
  } finally {
    connection.closeSync()
  }
}
