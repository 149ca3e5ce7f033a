import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import {
  BOOLEAN,
  DOUBLE,
  DuckDBDataChunk,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBValue,
  INTEGER,
} from '@duckdb/node-api'
import { type NamedField, type View } from '../feature-views/view.ts'
import { type RowBatch } from '../ingest/row-batch.ts'
import { type Duck, literal, quoted } from './duckdb.ts'
import { loadType, storedSql, toDuck } from './duckdb-values.ts'

/** A segment that was written and is durable, but counts only once the manifest names it. */
export interface WrittenSegment {
  /** Relative to the folder of segments. */
  readonly file: string
  readonly revision: number
  readonly rows: number
  readonly deletes: number
  readonly bytes: number
  readonly sha256: string
  /** Of the rows, tombstones aside; null when there is none. Unix ms. */
  readonly eventTime: { readonly min: number; readonly max: number } | null
}

/** Writes the rows of one revision of a view. Not for concurrent use. */
export interface SegmentWriter {
  /** @param now The ingest clock, in Unix ms. */
  write(batch: RowBatch, now: number): Promise<WrittenSegment>
  close(): void
}

const chunkRows = 2048

interface LoadColumn {
  name: string
  type: DuckDBType
  /** SQL that makes the stored column of the loaded one. */
  stored: string
  values: (batch: RowBatch, from: number, to: number) => readonly DuckDBValue[]
}

const asTime = (name: string) => `${storedSql('timestamp', quoted(name))} as ${quoted(name)}`

const fieldColumn = ({ name, type }: NamedField, index: number): LoadColumn => {
  const convert = toDuck(type)
  return {
    name,
    type: loadType(type),
    stored: `${storedSql(type, quoted(name))} as ${quoted(name)}`,
    values: (batch, from, to) => {
      const values = batch.values[index]!.slice(from, to)
      return convert ? values.map((value) => (value === null ? null : convert(value))) : (values as DuckDBValue[])
    },
  }
}

const metaColumn = (name: string, type: DuckDBType, values: LoadColumn['values'], stored = quoted(name)): LoadColumn => ({
  name,
  type,
  stored,
  values,
})

const columnsOf = (view: View): LoadColumn[] => [
  ...view.fields.map(fieldColumn),
  metaColumn('__partition', INTEGER, (batch, from, to) => batch.partitions.slice(from, to)),
  metaColumn('__offset', DOUBLE, (batch, from, to) => batch.offsets.slice(from, to), `"__offset"::BIGINT as "__offset"`),
  metaColumn('__epoch', INTEGER, (batch, from, to) => batch.epochs.slice(from, to)),
  metaColumn('__event_time', DOUBLE, (batch, from, to) => batch.eventTimes.slice(from, to), asTime('__event_time')),
  metaColumn('__available_at', DOUBLE, (batch, from, to) => batch.availableAts.slice(from, to), asTime('__available_at')),
  metaColumn('__deleted', BOOLEAN, (batch, from, to) => batch.deleted.slice(from, to)),
]

/** Opens a writer. Rows pass through a temporary table, a new one a flush: a truncated one would keep its memory. */
export async function openSegmentWriter(duck: Duck, folder: string, view: View): Promise<SegmentWriter> {
  const connection = await duck.connect()
  const columns = columnsOf(view)
  const declared = columns.map(({ name, type }) => `${quoted(name)} ${type.toString()}`).join(', ')
  const stored = columns.map((column) => column.stored).join(', ')

  return {
    async write(batch, now) {
      const file = join(String(view.id), `${randomUUID()}.parquet`)
      const path = join(folder, file)
      await mkdir(dirname(path), { recursive: true })
      await connection.run(`create or replace temp table batch (${declared})`)
      try {
        await load(connection, columns, batch)
        await connection.run(
          `copy (select ${stored}, epoch_ms(${now}::BIGINT)::TIMESTAMPTZ as __ingested_at, ${view.revision}::INTEGER as __revision from batch)
           to ${literal(path)} (format parquet, compression zstd)`,
        )
      } catch (error) {
        await rm(path, { force: true })
        throw error
      } finally {
        await connection.run('drop table batch')
      }
      return {
        file,
        revision: view.revision,
        rows: batch.count - batch.deletes,
        deletes: batch.deletes,
        eventTime: spanOf(batch),
        ...(await settle(path)),
      }
    },
    close: () => connection.closeSync(),
  }
}

async function load(connection: DuckDBConnection, columns: readonly LoadColumn[], batch: RowBatch): Promise<void> {
  const types = columns.map(({ type }) => type)
  const appender = await connection.createAppender('batch')
  for (let from = 0; from < batch.count; from += chunkRows) {
    const to = Math.min(from + chunkRows, batch.count)
    const chunk = DuckDBDataChunk.create(types, to - from)
    columns.forEach(({ values }, index) => chunk.setColumnValues(index, values(batch, from, to)))
    appender.appendDataChunk(chunk)
  }
  appender.closeSync()
}

/** Makes a file durable, its name included. */
export async function settle(path: string): Promise<{ bytes: number; sha256: string }> {
  for (const each of [path, dirname(path)]) {
    const handle = await open(each, 'r')
    await handle.sync()
    await handle.close()
  }
  return { bytes: (await stat(path)).size, sha256: await sha256Of(path) }
}

/** The SHA-256 of a file, in hex. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

function spanOf(batch: RowBatch): WrittenSegment['eventTime'] {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let index = 0; index < batch.count; index += 1) {
    if (batch.deleted[index]) continue
    min = Math.min(min, batch.eventTimes[index]!)
    max = Math.max(max, batch.eventTimes[index]!)
  }
  return max >= min ? { min, max } : null
}
