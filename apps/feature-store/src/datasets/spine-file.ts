import { type DuckDBConnection } from '@duckdb/node-api'
import { parseIso } from '../ingest/validate-times.ts'
import { literal, quoted, rowsOf } from '../offline/duckdb.ts'

/** An uploaded list of (entity, at): what a dataset is asked for. */
export interface SpineFile {
  /** Absolute path; a Parquet file, whatever was sent. */
  readonly path: string
  /** Columns besides `at`, in their order. */
  readonly columns: string[]
}

/** Names that the tables of a build use themselves. */
const ownColumns = new Set(['rid', 'at_ms', 'until_ms', 'label'])

const columnName = /^[A-Za-z][A-Za-z0-9_]{0,127}$/

/** Statement that makes the table `spine`: the columns of the file and `at_ms`. */
export const spineSql = ({ path, columns }: SpineFile): string =>
  `create temp table spine as select ${columns.map(quoted).join(', ')}, at_ms from read_parquet(${literal(path)})`

/** What is wrong with a file that was sent as a spine. */
export class BadSpine extends Error {
  override readonly name = 'BadSpine'
}

/**
 * Checks what was sent and writes it as the spine that datasets read: Parquet, with `at_ms` in place of `at`.
 *
 * `at` is an instant: ISO 8601 with a zone in CSV, a timestamp (without zone: UTC) in Parquet.
 *
 * @throws BadSpine with words for who sent it.
 */
export async function takeSpine(
  connection: DuckDBConnection,
  { path, format }: { path: string; format: 'parquet' | 'csv' },
  target: string,
): Promise<{ columns: string[]; rows: number }> {
  const source =
    format === 'csv'
      ? `read_csv(${literal(path)}, header = true, all_varchar = true, delim = ',')`
      : `read_parquet(${literal(path)})`
  const described = await readable(() =>
    rowsOf<{ column_name: string; column_type: string }>(connection, `describe select * from ${source}`),
  )
  const columns = described.map(({ column_name }) => column_name).filter((name) => name !== 'at')
  const at = described.find(({ column_name }) => column_name === 'at')
  const odd = columns.find((name) => !columnName.test(name) || ownColumns.has(name))
  if (!at) throw new BadSpine('it has no column `at`')
  if (columns.length === 0) throw new BadSpine('it has no column of an entity')
  if (odd !== undefined) throw new BadSpine(`${JSON.stringify(odd.slice(0, 100))} can't be the name of a column`)
  const instant = await instantSql(connection, source, at.column_type)
  const [checked] = await readable(() =>
    rowsOf<{ rows: bigint; without: bigint }>(
      connection,
      `select count(*) as rows, count(*) - count(${instant}) as without from ${source}`,
    ),
  )
  if (checked!.without > 0n) throw new BadSpine(`${checked!.without} rows have no \`at\`, or one that is no instant`)
  await readable(() =>
    connection.run(
      `copy (select ${columns.map(quoted).join(', ')}, ${instant} as at_ms from ${source}) to ${literal(target)} (format parquet, compression zstd)`,
    ),
  )
  return { columns, rows: Number(checked!.rows) }
}

async function instantSql(connection: DuckDBConnection, source: string, type: string): Promise<string> {
  if (type.startsWith('TIMESTAMP')) return `epoch_ms(${type.endsWith('ZONE') ? '"at"' : '"at"::TIMESTAMP'})`
  if (type !== 'VARCHAR') throw new BadSpine(`\`at\` is a ${type}, expected a timestamp`)
  const [odd] = await readable(() =>
    rowsOf<{ at: string }>(
      connection,
      `select "at" from ${source} where "at" is null or not regexp_full_match("at", '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d([.,]\\d+)?)?(Z|[+-]\\d\\d(:?\\d\\d)?)') limit 1`,
    ),
  )
  if (odd)
    throw new BadSpine(
      `\`at\` is no ISO 8601 instant with a zone: ${odd.at === null ? 'null' : JSON.stringify(odd.at.slice(0, 60))}`,
    )
  const [first] = await readable(() => rowsOf<{ at: string }>(connection, `select "at" from ${source} limit 1`))
  if (first && Number.isNaN(parseIso(first.at))) throw new BadSpine('`at` holds a day that does not exist')
  return `epoch_ms(try_cast("at" as TIMESTAMPTZ))`
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
        .replaceAll(/'[^']*\/[^']*'/g, 'the file')
        .slice(0, 200)}`,
    )
  }
}
