import { type DuckDBConnection } from '@duckdb/node-api'
import { parseIso } from '../ingest/validate-times.ts'
import { type Dialect } from '../offline/dialects.ts'
import { literal, quoted, rowsOf } from '../offline/duckdb.ts'
import { sqlType } from '../offline/duckdb-values.ts'
import { type DatasetPlan } from './decide-plan.ts'
import { type Step } from './steps.ts'

/** An uploaded list of (entity, at): what a dataset is asked for. */
export interface SpineFile {
  /** Absolute path; a Parquet file, whatever was sent. */
  readonly path: string
  /** Columns besides `at`, in their order. */
  readonly columns: readonly string[]
}

/** What was sent as a spine, and what it may come to. */
export interface SentSpine {
  readonly path: string
  readonly format: 'parquet' | 'csv'
  /** The column of instants. */
  readonly at: string
  readonly maxRows: number
  /** Of all texts together, decoded: a small file may hold a large one a million times. */
  readonly maxTextBytes: number
}

/** Names that the tables of a build use themselves. */
const ownColumns = new Set(['rid', 'at', 'at_ms', 'until_ms', 'label'])

const maxColumns = 1_000
const columnName = /^[A-Za-z][A-Za-z0-9_]{0,127}$/

/** The table `spine`: the columns of the file and `at_ms`. */
export const spineStep = ({ path, columns }: SpineFile, dialect: Dialect): Step => ({
  table: 'spine',
  as: `select ${columns.map(dialect.quoted).join(', ')}, at_ms from ${dialect.parquet([path])}`,
})

/** What is wrong with a file that was sent as a spine. */
export class BadSpine extends Error {
  override readonly name = 'BadSpine'
}

/**
 * Checks what was sent and writes it as the spine that datasets read: Parquet, with `at_ms` in place of the column of instants.
 *
 * An instant is ISO 8601 with a zone in CSV, a timestamp (without zone: UTC) in Parquet.
 *
 * @throws BadSpine with words for who sent it.
 */
export async function takeSpine(
  connection: DuckDBConnection,
  sent: SentSpine,
  target: string,
): Promise<{ columns: string[]; rows: number }> {
  const source = sourceOf(sent)
  await refuseTooManyRows(connection, sent)
  const described = await readable(() =>
    rowsOf<{ column_name: string; column_type: string }>(connection, `describe select * from ${source}`),
  )
  const columns = columnsOf(described, sent.at)
  const type = described.find(({ column_name }) => column_name === sent.at)!.column_type
  const texts = described.filter((each) => each.column_type === 'VARCHAR').map(({ column_name }) => column_name)
  const instant = await instantSql(connection, source, sent.at, type)
  const [checked] = await readable(() =>
    rowsOf<{ rows: bigint; without: bigint; bytes: number | null }>(
      connection,
      `select count(*) as rows, count(*) - count(${instant}) as without,
              sum(${texts.map((name) => `coalesce(strlen(${quoted(name)}), 0)`).join(' + ') || '0'})::DOUBLE as bytes from ${source}`,
    ),
  )
  const { rows, without, bytes } = checked!
  if (rows > sent.maxRows) throw tooManyRows(sent)
  if (without > 0n) throw new BadSpine(`${without} rows have no \`${sent.at}\`, or one that is no instant`)
  if ((bytes ?? 0) > sent.maxTextBytes)
    throw new BadSpine(`its texts come to ${bytes} bytes, at most ${sent.maxTextBytes} are taken (4 × FEATURE_STORE_MAX_SPINE)`)
  await readable(() =>
    connection.run(
      `copy (select ${columns.map(quoted).join(', ')}, ${instant} as at_ms from ${source}) to ${literal(target)} (format parquet, compression zstd)`,
    ),
  )
  return { columns, rows: Number(rows) }
}

const sourceOf = ({ path, format }: SentSpine): string =>
  format === 'csv'
    ? `read_csv(${literal(path)}, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', skip = 0, compression = 'none', max_line_size = 1048576)`
    : `read_parquet(${literal(path)})`

function columnsOf(described: readonly { column_name: string; column_type: string }[], at: string): string[] {
  const columns = described.filter(({ column_name }) => column_name !== at)
  if (columns.length === described.length) throw new BadSpine(`it has no column \`${at}\``)
  if (columns.length === 0) throw new BadSpine('it has no column of an entity')
  if (columns.length > maxColumns) throw new BadSpine(`it has ${columns.length} columns, at most ${maxColumns} are taken`)
  for (const { column_name: name, column_type: type } of columns) {
    if (!columnName.test(name) || ownColumns.has(name.toLowerCase()))
      throw new BadSpine(`${JSON.stringify(name.slice(0, 100))} can't be the name of a column`)
    if (type === 'BLOB' || (/[[(]/.test(type) && !type.startsWith('DECIMAL')))
      throw new BadSpine(`${name} is a ${type.slice(0, 60)}, expected plain values`)
  }
  if (new Set(columns.map(({ column_name }) => column_name.toLowerCase())).size < columns.length)
    throw new BadSpine('two of its columns differ in case only')
  return columns.map(({ column_name }) => column_name)
}

const tooManyRows = ({ maxRows }: SentSpine): BadSpine =>
  new BadSpine(`it has more than ${maxRows} rows (FEATURE_STORE_MAX_SPINE_ROWS)`)

/** Before anything of it is decoded: a few bytes of Parquet may stand for billions of rows. */
async function refuseTooManyRows(connection: DuckDBConnection, sent: SentSpine): Promise<void> {
  if (sent.format !== 'parquet') return
  const [found] = await readable(() =>
    rowsOf<{ rows: number | null }>(
      connection,
      `select sum(num_rows)::DOUBLE as rows from parquet_file_metadata(${literal(sent.path)})`,
    ),
  )
  if ((found?.rows ?? 0) > sent.maxRows) throw tooManyRows(sent)
}

async function instantSql(connection: DuckDBConnection, source: string, at: string, type: string): Promise<string> {
  const column = quoted(at)
  if (type.startsWith('TIMESTAMP')) return `epoch_ms(${type.endsWith('ZONE') ? column : `${column}::TIMESTAMP`})`
  if (type !== 'VARCHAR') throw new BadSpine(`\`${at}\` is a ${type.slice(0, 60)}, expected a timestamp`)
  const [odd] = await readable(() =>
    rowsOf<{ at: string }>(
      connection,
      `select ${column} as at from ${source} where ${column} is null or not regexp_full_match(${column}, '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d([.,]\\d+)?)?(Z|[+-]\\d\\d(:?\\d\\d)?)') limit 1`,
    ),
  )
  if (odd)
    throw new BadSpine(
      `\`${at}\` is no ISO 8601 instant with a zone: ${odd.at === null ? 'null' : JSON.stringify(odd.at.slice(0, 60))}`,
    )
  const [first] = await readable(() => rowsOf<{ at: string }>(connection, `select ${column} as at from ${source} limit 1`))
  if (first && Number.isNaN(parseIso(first.at))) throw new BadSpine(`\`${at}\` holds a day that does not exist`)
  return `epoch_ms(try_cast(${column} as TIMESTAMPTZ))`
}

/**
 * Looks for values of the table `spine` that can't be what the views it is joined with have as their keys: they would find nothing, in silence.
 *
 * @returns what is wrong, in words; null when nothing is. Nulls are taken: such a row has no features.
 */
export async function unusableKeys(connection: DuckDBConnection, { joins, label }: DatasetPlan): Promise<string | null> {
  const wanted = new Map<string, string>()
  for (const { view, keys } of joins)
    for (const [index, key] of keys.entries()) if (key.from === 'spine') wanted.set(key.column, view.entity[index]!.type)
  for (const { name, type } of label?.view.entity ?? []) wanted.set(name, type)
  for (const [column, type] of wanted) {
    const cast = `try_cast(${quoted(column)} as ${sqlType[type as keyof typeof sqlType]})`
    const [odd] = await rowsOf<{ rows: bigint }>(
      connection,
      `select count(*) as rows from spine where ${quoted(column)} is not null and ${cast} is null`,
    )
    if (odd!.rows > 0n) return `${odd!.rows} values of the spine's column ${column} are no ${type}`
  }
  return null
}

/** What DuckDB can't read is the sender's fault. */
async function readable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof BadSpine) throw error
    throw new BadSpine(
      `it can't be read: ${String((error as Error).message)
        .split('\n')[0]!
        .replaceAll(/['"][^'"]*\/[^'"]*['"]/g, 'the file')
        .slice(0, 200)}`,
    )
  }
}
