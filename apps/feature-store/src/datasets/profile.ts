import { setImmediate as breathe } from 'node:timers/promises'
import { type DuckDBConnection } from '@duckdb/node-api'
import { type ColumnProfile, type DatasetProfile, profileColumn } from '@cascata/statistics'
import { quoted } from '../offline/duckdb.ts'
import { type Column } from './build-dataset.ts'

/** Rows that a profile looks at, at most: every n-th of a larger dataset, so that the same rows are taken anywhere. */
const profiledRows = 100_000

/**
 * What the columns of a dataset look like, but for those that name a row. Numbers, and times in ms, by moments and quantiles;
 * texts and booleans by their most frequent values; lists and bytes as numbers: how long they are.
 */
export async function profileOf(
  connection: DuckDBConnection,
  source: string,
  columns: readonly Column[],
  naming: readonly string[],
): Promise<DatasetProfile> {
  const profiles: Record<string, ColumnProfile> = {}
  const counted = await connection.runAndReadAll(`select count(*)::DOUBLE from ${source}`)
  const rows = Number(counted.getColumns()[0]![0])
  const step = Math.max(1, Math.ceil(rows / profiledRows))
  const sampled = step === 1 ? source : `(select * from ${source} qualify (row_number() over ()) % ${step} = 0)`
  for (const { name, type } of columns) {
    if (naming.includes(name)) continue
    const reader = await connection.runAndReadAll(`select ${cellSql(quoted(name), type)} from ${sampled}`)
    profiles[name] = profileColumn((reader.getColumns()[0] ?? []) as (number | string | boolean | null)[])
    await breathe()
  }
  return { rows, columns: profiles }
}

function cellSql(column: string, type: string): string {
  if (type.endsWith('[]')) return `len(${column})::DOUBLE`
  if (type === 'BLOB') return `octet_length(${column})::DOUBLE`
  if (type.startsWith('TIMESTAMP')) return `epoch_ms(${column})::DOUBLE`
  return type === 'BIGINT' ? `${column}::DOUBLE` : column
}
