import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

/** An SQL identifier. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** An SQL text. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** The rows of a query as objects; for answers that fit in memory. */
export const rowsOf = async <Row extends object>(connection: DuckDBConnection, sql: string): Promise<Row[]> =>
  (await connection.runAndReadAll(sql)).getRowObjectsJS() as Row[]

/** Runs `work` on a DuckDB of its own that reaches files of `folder` only and spills there beyond `memory` bytes. */
export const withDuck = async <T>(
  { folder, memory }: { folder: string; memory: number },
  work: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> => {
  const spill = join(folder, 'spill')
  await mkdir(spill, { recursive: true })
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '2',
    memory_limit: `${Math.round(memory / 1024 ** 2)}MiB`,
    temp_directory: spill,
  })
  try {
    const connection = await instance.connect()
    await connection.run(`set allowed_directories = [${literal(folder)}]`)
    await connection.run(`set TimeZone = 'UTC'`)
    await connection.run('set enable_external_access = false')
    await connection.run('set lock_configuration = true')
    return await work(connection)
  } finally {
    instance.closeSync()
  }
}
