import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type DuckDBConnection } from '@duckdb/node-api'
import { type Database, type OffsetRange, type Tx } from '@cascata/messaging'
import { type View } from '../feature-views/view.ts'
import { lockView, revisionsOf } from '../feature-views/views.store.ts'
import { onlineOrderColumns } from '../online/online-order.ts'
import { type Duck, literal, quoted, rowsOf } from '../offline/duckdb.ts'
import { metaColumns, scanSql } from '../offline/segment-columns.ts'
import { settle, type WrittenSegment } from '../offline/segment-writer.ts'
import { type Segment, type SegmentStore } from '../offline/segments.store.ts'
import { type FileSpan, packDays } from './decide-compaction.ts'

export interface CompactParts {
  readonly db: Database
  readonly duck: Duck
  readonly segments: SegmentStore
  /** Where segments lie. */
  readonly folder: string
}

const dayOf = 'epoch_ms(__event_time) // 86400000 - (epoch_ms(__event_time) % 86400000 < 0)::INTEGER'

/**
 * Writes segments anew, as files of whole days in the order of their keys, without the rows of erased entities, and puts them in the
 * place of the old ones. Those stay for a while, for who reads them.
 *
 * @param erasures How many erasures of the view are known: the segments name those that they may still hold.
 * @returns The rows that were written; null when one of the segments was dropped meanwhile, so that nothing was changed.
 */
export async function compact(
  parts: CompactParts,
  view: View,
  inputs: readonly Segment[],
  erasures: number,
): Promise<number | null> {
  const { db, segments } = parts
  const written = await rewrite(parts, view, inputs)
  try {
    const swapped = await db.transaction(async (tx) => {
      if (!(await lockView(tx, view.id))) return false
      await swap(tx, segments, view, { inputs, written, erasures, ranges: mergedRanges(inputs) })
      return true
    })
    if (!swapped) throw new Overtaken()
    return written.reduce((sum, { rows }) => sum + rows, 0)
  } catch (error) {
    await Promise.all(written.map(segments.remove))
    if (error instanceof Overtaken) return null
    throw error
  }
}

/** Writes the rows of segments, or those of them for which `where` is true, as files that the manifest does not name yet. */
export async function rewrite(
  { db, duck, segments, folder }: CompactParts,
  view: View,
  inputs: readonly Segment[],
  where = 'true',
): Promise<WrittenSegment[]> {
  const revisions = await revisionsOf(db, view.id)
  const fieldsOf = (revision: number) => new Set(Object.keys(revisions.get(revision)?.fields ?? {}))
  const scan = scanSql(view, inputs, fieldsOf, [...view.fields.map(({ name }) => name), ...metaColumns, '__deleted'])
  const source = `select * from (${scan}) where ${where}`
  const written: WrittenSegment[] = []
  const connection = await duck.connect()
  try {
    await segments.fetch(inputs)
    const days = await rowsOf<{ day: number; rows: number }>(
      connection,
      `select (${dayOf})::DOUBLE as day, count(*)::DOUBLE as rows from (${source}) group by 1 order by 1`,
    )
    for (const span of packDays(days)) {
      written.push(await write(connection, folder, view, source, span))
      await segments.keep(written.at(-1)!)
    }
    return written
  } catch (error) {
    await Promise.all(written.map(segments.remove))
    throw error
  } finally {
    connection.closeSync()
  }
}

/** Files in the place of segments, whose view is locked. @throws Overtaken when one of the segments was dropped meanwhile */
export async function swap(
  tx: Tx,
  segments: SegmentStore,
  view: View,
  {
    inputs,
    written,
    erasures,
    ranges,
  }: {
    readonly inputs: readonly Segment[]
    readonly written: readonly WrittenSegment[]
    readonly erasures: number
    readonly ranges: readonly OffsetRange[]
  },
): Promise<void> {
  const dropped = await segments.drop(
    tx,
    inputs.map(({ id }) => id),
  )
  if (dropped < inputs.length) throw new Overtaken()
  const place = {
    erasures,
    position: Math.max(...inputs.map(({ position }) => position)),
    ingestedAt: Math.max(...inputs.map(({ ingestedAt }) => ingestedAt)),
  }
  for (const segment of written) await segments.add(tx, view.id, segment, ranges, place)
}

/** A replay, a deletion or an older leader was faster. */
export class Overtaken extends Error {}

async function write(
  connection: DuckDBConnection,
  folder: string,
  view: View,
  source: string,
  { from, to }: FileSpan,
): Promise<WrittenSegment> {
  const file = join(String(view.id), `${randomUUID()}.parquet`)
  const path = join(folder, file)
  await mkdir(dirname(path), { recursive: true })
  const order = [...view.spec.entity.map(quoted), ...onlineOrderColumns].join(', ')
  try {
    await connection.run(
      `copy (select * from (${source}) where epoch_ms(__event_time) >= ${from} and epoch_ms(__event_time) < ${to} order by ${order})
       to ${literal(path)} (format parquet, compression zstd)`,
    )
    const [counted] = await rowsOf<{ rows: number; deletes: number; least: number | null; greatest: number | null }>(
      connection,
      `select count(*) filter (not __deleted)::DOUBLE as rows, count(*) filter (__deleted)::DOUBLE as deletes,
              epoch_ms(min(__event_time) filter (not __deleted))::DOUBLE as least, epoch_ms(max(__event_time) filter (not __deleted))::DOUBLE as greatest
         from read_parquet(${literal(path)})`,
    )
    const { rows, deletes, least, greatest } = counted!
    const eventTime = least === null || greatest === null ? null : { min: least, max: greatest }
    return { file, revision: view.revision, rows, deletes, eventTime, ...(await settle(path)) }
  } catch (error) {
    await rm(path, { force: true })
    throw error
  }
}

/** One range a partition and epoch, from the first to the last offset. */
export const mergedRanges = (inputs: readonly Segment[]): OffsetRange[] =>
  [
    ...Map.groupBy(
      inputs.flatMap(({ ranges }) => ranges),
      ({ topic, partition, epoch }) => JSON.stringify([topic, partition, epoch]),
    ),
  ].map(([, own]) => ({
    ...own[0]!,
    from: Math.min(...own.map(({ from }) => from)),
    to: Math.max(...own.map(({ to }) => to)),
  }))
