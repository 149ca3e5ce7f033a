import { type DuckDBConnection, type DuckDBValue } from '@duckdb/node-api'
import { type Database, type Tx } from '@cascata/messaging'
import { type Clock, type Logger } from '@cascata/service'
import { writeTombstones } from '../erasure/tombstones.ts'
import { qualified, type View } from '../feature-views/view.ts'
import { endBuilding, lockView, revisionsOf, type StoredView } from '../feature-views/views.store.ts'
import { encodeKey } from '../ingest/entity-key.ts'
import { emptyBatch, type RowBatch } from '../ingest/row-batch.ts'
import { type FeatureStoreMetrics } from '../metrics.ts'
import { type Duck, quoted } from '../offline/duckdb.ts'
import { fromDuck, readSql } from '../offline/duckdb-values.ts'
import { scanSql, type SegmentFile } from '../offline/segment-columns.ts'
import { type SegmentStore } from '../offline/segments.store.ts'
import { isTiled, restoreTiles, tileSource, type TileSource } from '../windows/restore-tiles.ts'
import { type TileStore } from '../windows/tile-store.ts'
import { onlineOrderColumns } from './online-order.ts'
import { type OnlineStore } from './online-store.ts'

export interface RebuildParts {
  readonly db: Database
  readonly online: OnlineStore
  readonly tiles: TileStore
  readonly duck: Duck
  readonly segments: SegmentStore
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: FeatureStoreMetrics
}

/**
 * Restores a view's online rows when Redis does not have them (all): it is new, was emptied, or a rebuild was cut off.
 * One replica does it, the others go on.
 */
export async function rebuildWhenLost(parts: RebuildParts, { view, state }: StoredView): Promise<void> {
  if ((await parts.online.generation(view)) === state.onlineGeneration) return
  const session = await parts.db.connect()
  try {
    const lock = [`${parts.db.schema} rebuild ${view.id}`]
    const { rows } = await session.query<{ locked: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 0)) as locked',
      lock,
    )
    if (!rows[0]?.locked) return
    const [now] = await parts.db.query<{ generation: number }>('select online_generation as generation from view where id = $1', [
      view.id,
    ])
    if (now && (await parts.online.generation(view)) !== now.generation) await rebuild(parts, view)
  } finally {
    await session.end()
  }
}

/**
 * Writes the winner of every key from the segments.
 *
 * The generation is raised first, under the lock that commits take: what a flush wrote to Redis before is either in a
 * segment that is read here, or is written again by its own commit. Rows that come meanwhile are compared as always.
 */
export async function rebuild(parts: RebuildParts, { id }: View): Promise<void> {
  const { db, online, log, metrics } = parts
  await online.markIncomplete({ id })
  const begun = await db.transaction(async (tx) => {
    const locked = await lockView(tx, id)
    if (!locked) return null
    await tx.query('update view set online_generation = online_generation + 1 where id = $1', [id])
    return { ...locked, generation: locked.state.onlineGeneration + 1, source: await beginTiles(parts, tx, locked) }
  })
  if (!begun) return
  const { view, generation } = begun
  const rows = await restoreOnline(parts, begun)
  // Another replica that began later restores everything again, and marks its own generation.
  const [now] = await db.query<{ generation: number }>('select online_generation as generation from view where id = $1', [id])
  if (now?.generation !== generation) return
  await online.markComplete({ id }, generation)
  await endBuilding(db, id)
  if (view.windows) await parts.tiles.forget(view, generation)
  if (rows === 0) return
  metrics.rebuilds.inc({ namespace: view.namespace, view: view.name })
  log.info({ view: qualified(view), rows, generation }, 'the online rows of a view were rebuilt')
}

/** Opens a generation of tiles: what is in the segments now comes from them, all else as it is read. Null: the view serves rows. */
async function beginTiles({ tiles, segments }: RebuildParts, tx: Tx, { view, state }: StoredView): Promise<TileSource | null> {
  if (!isTiled(view)) return null
  const source = await tileSource(tx, segments, view)
  await tiles.begin(view, state.onlineGeneration + 1, source.cursors)
  return source
}

async function restoreOnline(
  parts: RebuildParts,
  { view, state, generation, source }: StoredView & { generation: number; source: TileSource | null },
): Promise<number> {
  if (source && isTiled(view)) {
    await parts.segments.fetch(source.segments)
    return restoreTiles(parts, view, { generation, watermark: state.watermark, segments: source.segments })
  }
  const rows = await restore(parts, view)
  await writeTombstones(parts.db, parts.online, view)
  return rows
}

/** Writes the winner of every key of some segments, of all unless told; returns how many. */
export async function restore(
  { db, online, duck, segments }: RebuildParts,
  view: View,
  some?: readonly SegmentFile[],
): Promise<number> {
  const files = some ?? (await segments.list(db, view.id))
  await segments.fetch(files)
  if (files.length === 0) return 0
  const revisions = await revisionsOf(db, view.id)
  const fieldsOf = (revision: number) => new Set(Object.keys(revisions.get(revision)?.fields ?? {}))
  const connection = await duck.connect()
  try {
    const columns = [...view.fields.map(({ name }) => name), ...onlineOrderColumns, '__deleted']
    const sql = `select ${view.fields.map(selected).join(', ')},
        epoch_ms(__event_time)::DOUBLE, epoch_ms(__available_at)::DOUBLE, __epoch::INTEGER, __partition::INTEGER, __offset::DOUBLE, __deleted
      from (${scanSql(view, files, fieldsOf, columns)})
      qualify row_number() over (partition by ${view.spec.entity.map(quoted).join(', ')}
        order by ${onlineOrderColumns.map((column) => `${column} desc`).join(', ')}) = 1`
    return await writeAll(connection, sql, view, online)
  } finally {
    connection.closeSync()
  }
}

const selected = ({ name, type }: View['fields'][number]): string => readSql(type, quoted(name))

async function writeAll(connection: DuckDBConnection, sql: string, view: View, online: OnlineStore): Promise<number> {
  const result = await connection.stream(sql)
  let rows = 0
  for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    rows += chunk.rowCount
    await online.write(batchOf(view, chunk.getColumns()))
  }
  return rows
}

function batchOf(view: View, columns: readonly DuckDBValue[][]): RowBatch {
  const fields = view.fields.length
  const batch = emptyBatch(view)
  const entityAt = view.spec.entity.map((name) => view.fields.findIndex((field) => field.name === name))
  const [eventTimes, availableAts, epochs, partitions, offsets, deleted] = columns.slice(fields) as [
    number[],
    number[],
    number[],
    number[],
    number[],
    boolean[],
  ]
  view.fields.forEach((_, index) => batch.values[index]!.push(...columns[index]!.map(fromDuck)))
  for (let row = 0; row < eventTimes.length; row += 1) batch.keys.push(encodeKey(entityAt.map((at) => batch.values[at]![row]!)))
  batch.eventTimes.push(...eventTimes)
  batch.availableAts.push(...availableAts)
  batch.epochs.push(...epochs)
  batch.partitions.push(...partitions)
  batch.offsets.push(...offsets)
  batch.deleted.push(...deleted)
  batch.count = eventTimes.length
  return batch
}
