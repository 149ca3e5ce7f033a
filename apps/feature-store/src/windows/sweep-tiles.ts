import { setTimeout as delay } from 'node:timers/promises'
import { type Database } from '@cascata/messaging'
import { type Logger } from '@cascata/service'
import { qualified, type View } from '../feature-views/view.ts'
import { findView, listViews, type StoredView } from '../feature-views/views.store.ts'
import { type FeatureStoreMetrics } from '../metrics.ts'
import { type Duck } from '../offline/duckdb.ts'
import { type SegmentStore } from '../offline/segments.store.ts'
import { builtTiles, type TileRange } from './build-tiles.ts'
import { isTiled, livingTiles, rowsOf, tileSource } from './restore-tiles.ts'
import { type ResetCounts, type TiledView, type TileStore } from './tile-store.ts'
import { tileOf } from './window-plan.ts'

export interface SweepParts {
  readonly db: Database
  readonly duck: Duck
  readonly segments: SegmentStore
  readonly tiles: TileStore
  readonly log: Logger
  readonly metrics: FeatureStoreMetrics
}

/** How often closed tiles are looked for, in ms. */
const every = 30_000

/** Up to where the tiles of each level were set; by view and generation. */
type Progress = Map<string, number[]>

/**
 * Sets the tiles that the watermark has closed since the last time to what the segments have, on one replica. The first time, and so
 * after every start, it is all that live: what Redis lost in part, as a failover may, comes back.
 */
export const sweepingTiles =
  (parts: SweepParts) =>
  async (signal: AbortSignal): Promise<void> => {
    const progress: Progress = new Map()
    while (!signal.aborted) {
      for (const { view } of await listViews(parts.db).catch(() => [] as StoredView[])) {
        if (signal.aborted) return
        if (!isTiled(view)) continue
        await sweepTiles(parts, view, progress).catch((error: unknown) =>
          parts.log.warn({ view: qualified(view), err: error }, 'closed tiles could not be set, and are again'),
        )
      }
      await delay(every, undefined, { signal }).catch(() => {})
    }
  }

/** Sets the tiles of a view that closed since the last time; exported for its test. */
export async function sweepTiles(parts: SweepParts, { namespace, name }: View, progress: Progress): Promise<ResetCounts | null> {
  const { db, segments, log, metrics } = parts
  const taken = await db.transaction(async (tx) => {
    await tx.query('set transaction isolation level repeatable read, read only')
    const stored = await findView(tx, namespace, name)
    return stored && isTiled(stored.view)
      ? { stored, view: stored.view, source: await tileSource(tx, segments, stored.view) }
      : null
  })
  const watermark = taken?.stored.state.watermark ?? null
  if (!taken || watermark === null) return null
  const { view, stored, source } = taken
  const { onlineGeneration: generation } = stored.state
  const key = `${view.id}.${generation}`
  const closed = view.windows.levels.map(({ hop }) => tileOf(watermark, hop))
  const due = livingTiles(view, watermark).flatMap(({ level, from }): TileRange[] => {
    const range = { level, from: Math.max(from, progress.get(key)?.[level] ?? from), to: closed[level]! }
    return range.from < range.to ? [range] : []
  })
  if (due.length > 0) await segments.fetch(source.segments)
  const counts = await reset(parts, view, generation, source, due)
  // Tiles that know of rows which these segments lack are set the next time.
  if (counts.ahead === 0) progress.set(key, closed)
  if (counts.set > 0) metrics.tiles.inc({ namespace, view: name, outcome: 'set' }, counts.set)
  if (counts.differed === 0) return counts
  metrics.tiles.inc({ namespace, view: name, outcome: 'healed' }, counts.differed)
  log.warn({ view: qualified(view), ...counts }, 'tiles of a windowed view had lost, or doubled, rows and were set right')
  return counts
}

async function reset(
  { db, duck, tiles }: SweepParts,
  view: View & TiledView,
  generation: number,
  { segments, cursors }: Awaited<ReturnType<typeof tileSource>>,
  due: readonly TileRange[],
): Promise<ResetCounts> {
  const total = { set: 0, differed: 0, ahead: 0 }
  if (segments.length === 0 || due.length === 0) return total
  const rows = await rowsOf(db, view, segments)
  const connection = await duck.connect()
  try {
    for (const range of due) {
      for await (const some of builtTiles(connection, rows, range)) {
        const counts = await tiles.reset(view, generation, some, cursors)
        total.set += counts.set
        total.differed += counts.differed
        total.ahead += counts.ahead
      }
    }
    return total
  } finally {
    connection.closeSync()
  }
}
