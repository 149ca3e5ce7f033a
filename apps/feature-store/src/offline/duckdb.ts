import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api'

/** An engine of its own: what it may take of memory, threads and disk is its limit. */
export interface Duck {
  connect(): Promise<DuckDBConnection>
  close(): void
}

/**
 * Opens an in-memory DuckDB that spills to `<folder>/spill` beyond its memory, and reaches files under `folder` only.
 *
 * @param memory Bytes.
 */
export async function openDuck({
  folder,
  name,
  memory,
  threads,
}: {
  folder: string
  name: string
  memory: number
  threads: number
}): Promise<Duck> {
  const spill = join(folder, 'spill', name)
  await mkdir(spill, { recursive: true })
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(threads),
    memory_limit: `${Math.round(memory / 1024 ** 2)}MiB`,
    temp_directory: spill,
    preserve_insertion_order: 'true',
  })
  const connection = await instance.connect()
  await connection.run(`set allowed_directories = [${literal(folder)}]`)
  await connection.run(`set TimeZone = 'UTC'`)
  await connection.run('set enable_external_access = false')
  await connection.run('set lock_configuration = true')
  connection.closeSync()
  return { connect: () => instance.connect(), close: () => instance.closeSync() }
}

/** An SQL identifier. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** An SQL text. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** The rows of a query as objects; for small answers. */
export const rowsOf = async <Row = Record<string, DuckDBValue>>(connection: DuckDBConnection, sql: string): Promise<Row[]> =>
  (await connection.runAndReadAll(sql)).getRowObjectsJS() as Row[]

/** Runs statements one after the other. */
export const runAll = async (connection: DuckDBConnection, statements: readonly string[]): Promise<void> => {
  for (const statement of statements) await connection.run(statement)
}
