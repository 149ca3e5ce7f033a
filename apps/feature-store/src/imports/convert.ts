import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type DuckDBValue } from '@duckdb/node-api'
import { itemType } from '@cascata/resources'
import { type Erasures } from '../erasure/late-rows.ts'
import { recordDecoder } from '../formats/decode.ts'
import { schemaRegistry } from '../formats/schema-registry.ts'
import { type View, viewOf } from '../feature-views/view.ts'
import { compileValidator, type RawRecord } from '../ingest/validate-rows.ts'
import { type Duck, literal, quoted, rowsOf } from '../offline/duckdb.ts'
import { sqlType } from '../offline/duckdb-values.ts'
import { openSegmentWriter, settle, type WrittenSegment } from '../offline/segment-writer.ts'
import { columnSql, type ColumnSql, rowSure } from './column-sql.ts'
import { fileDecoder, importPartition, recordOf, rowReader } from './file-rows.ts'
import { convertLines } from './convert-lines.ts'
import { columnsOfFile, type FileColumns, ImportRefused, stageCsv } from './file-columns.ts'
import { batchRows, type Converted, type Converting, merged, takeIn } from './take-rows.ts'

export type ImportFormat = 'parquet' | 'csv' | 'ndjson'

/** A file to be converted to segments. */
export interface ConvertJob {
  readonly view: Pick<View, 'id' | 'namespace' | 'name' | 'revision' | 'spec'>
  /** Absolute path. */
  readonly path: string
  readonly format: ImportFormat
  /** Rows before this one were converted before. */
  readonly fromRow: number
  /** Offset of the first row of the file. */
  readonly firstOffset: number
  /** The ingest clock, Unix ms. */
  readonly now: number
  readonly erasures: Erasures
  /** Where segments lie. */
  readonly folder: string
  readonly maxRows: number
}

/** Rows that make one segment. */
const rowsAtOnce = 1_000_000
/**
 * Converts a file to segments, a bounded number of rows at a time, and gives what came of each.
 *
 * Rows that SQL finds certainly good are written by SQL; all others go through the live rules themselves.
 *
 * @throws ImportRefused when the file can't be read as rows of the view.
 */
export async function* convert(duck: Duck, job: ConvertJob): AsyncGenerator<Converted> {
  const view = viewOf(job.view, job.view.spec)
  const connection = await duck.connect()
  const writer = await openSegmentWriter(duck, job.folder, view)
  const validator = compileValidator(view, fileDecoder(recordDecoder('json', schemaRegistry(null))))
  const converting: Converting = { job, view, connection, validator, writer }
  try {
    if (job.format === 'ndjson') yield* convertLines(converting)
    else yield* convertColumns(converting)
  } finally {
    writer.close()
    connection.closeSync()
  }
}

async function* convertColumns(converting: Converting): AsyncGenerator<Converted> {
  const { job, connection, view } = converting
  const isText = job.format === 'csv'
  const path = isText ? await stageCsv(connection, job.path) : job.path
  const file = await columnsOfFile(connection, path)
  if (file.rows > job.maxRows) throw new ImportRefused(`it has more than ${job.maxRows} rows (FEATURE_STORE_MAX_IMPORT_ROWS)`)
  const columns = fieldsOf(view, file, isText)
  for (let from = job.fromRow; from < file.rows; from += rowsAtOnce) {
    const to = Math.min(from + rowsAtOnce, file.rows)
    yield await convertRange(converting, path, columns, from, to)
  }
}

/** How the columns of a file become the fields of a view. */
function fieldsOf(view: View, { types }: FileColumns, isText: boolean): ColumnSql[] {
  return view.fields.flatMap((field): ColumnSql[] => {
    const type = types.get(field.name)
    if (type === undefined) {
      if (field.nullable && !view.spec.entity.includes(field.name)) return []
      throw new ImportRefused(`it has no column ${field.name}, and has ${[...types.keys()].slice(0, 20).join(', ')}`)
    }
    if (isText && itemType(field.type) !== undefined)
      throw new ImportRefused(
        `the field ${field.name} is a ${field.type}, and a cell of CSV holds no list: use Parquet or JSON lines`,
      )
    const column = columnSql(field, type, view.spec.eventTime.format, isText)
    if (!column) throw new ImportRefused(`its column ${field.name} is a ${type}, and the field is a ${field.type}`)
    return [column]
  })
}

async function convertRange(
  converting: Converting,
  path: string,
  columns: readonly ColumnSql[],
  from: number,
  to: number,
): Promise<Converted> {
  const { job, view } = converting
  const source = `(select *, file_row_number as __row from read_parquet(${literal(path)}, file_row_number = true)
    where file_row_number >= ${from} and file_row_number < ${to})`
  const sure = job.erasures.known.length > 0 ? 'false' : sureSql(view, columns, job.now)
  const written = sure === 'false' ? null : await writeSure(converting, source, columns, sure)
  if (written?.rows === to - from) return { toRow: to, segments: [written], rejected: 0, reasons: {}, sample: [], ignored: 0 }
  const rest = await takeUnsure(converting, source, columns, sure, to)
  return { ...rest, segments: [...(written && written.rows > 0 ? [written] : []), ...rest.segments] }
}

const eventTimeOf = (view: View, columns: readonly ColumnSql[]): ColumnSql =>
  columns.find(({ field }) => field.name === view.spec.eventTime.field)!

function sureSql(view: View, columns: readonly ColumnSql[], now: number): string {
  const known = `epoch_ms(${eventTimeOf(view, columns).value}) + ${view.spec.source.lag} <= ${now}`
  return ['true', ...columns.map(({ sure }) => sure), rowSure(view, columns), known].join(' and ')
}

/** Writes the rows that are certainly good. */
async function writeSure(
  { job, view, connection }: Converting,
  source: string,
  columns: readonly ColumnSql[],
  sure: string,
): Promise<WrittenSegment> {
  const file = join(String(view.id), `${randomUUID()}.parquet`)
  const path = join(job.folder, file)
  await mkdir(dirname(path), { recursive: true })
  const time = eventTimeOf(view, columns).value
  const values = new Map(columns.map(({ field, value }) => [field.name, value]))
  const fields = view.fields.map(({ name, type }) => `${values.get(name) ?? `null::${sqlType[type]}`} as ${quoted(name)}`)
  await readable(() =>
    connection.run(
      `copy (select ${fields.join(', ')}, ${importPartition}::INTEGER as __partition, (__row + ${job.firstOffset})::BIGINT as __offset,
               0::INTEGER as __epoch, ${time} as __event_time, ${time} + to_milliseconds(${view.spec.source.lag}) as __available_at,
               false as __deleted, epoch_ms(${job.now}::BIGINT)::TIMESTAMPTZ as __ingested_at, ${view.revision}::INTEGER as __revision
             from ${source} where ${sure}) to ${literal(path)} (format parquet, compression zstd)`,
    ),
  )
  const [span] = await rowsOf<{ rows: number; min: number | null; max: number | null }>(
    connection,
    `select count(*)::DOUBLE as rows, epoch_ms(min(__event_time))::DOUBLE as min, epoch_ms(max(__event_time))::DOUBLE as max from read_parquet(${literal(path)})`,
  )
  const { rows, min, max } = span!
  return {
    file,
    revision: view.revision,
    rows,
    deletes: 0,
    eventTime: min === null ? null : { min, max: max! },
    ...(await settle(path)),
  }
}

/** Gives the rows that are not certainly good to the live rules. */
async function takeUnsure(
  converting: Converting,
  source: string,
  columns: readonly ColumnSql[],
  sure: string,
  to: number,
): Promise<Converted> {
  const { connection, view, job } = converting
  const read = rowReader(view, columns)
  const raws = columns.map(({ raw }) => raw)
  const result = await readable(() =>
    connection.stream(`select ${['__row::DOUBLE', ...raws].join(', ')} from ${source} where not coalesce(${sure}, false)`),
  )
  const parts: Converted[] = []
  let records: RawRecord[] = []
  for (;;) {
    const chunk = await readable(() => result.fetchChunk())
    if (!chunk || chunk.rowCount === 0) break
    for (const [row, ...values] of chunk.getRows() as [number, ...DuckDBValue[]][])
      records.push(recordOf(read(values), job.firstOffset + row))
    if (records.length < batchRows) continue
    parts.push(await takeIn(converting, records, to))
    records = []
  }
  parts.push(await takeIn(converting, records, to))
  return parts.reduce(merged)
}

async function readable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw ImportRefused.of(error)
  }
}
