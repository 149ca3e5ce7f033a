import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api'

/** An engine of its own: what it may take of memory, threads and disk is its limit. */
export interface Duck {
  connect(): Promise<DuckDBConnection>
  close(): void
}

export interface DuckSettings {
  readonly folder: string
  readonly name: string
  /** Bytes. */
  readonly memory: number
  readonly threads: number
  /** How long it may stand by, in ms: then it lets go of its caches and threads. */
  readonly standsBy?: number
}

/** Opens an in-memory DuckDB that spills to `<folder>/spill` beyond its memory, and reaches files under `folder` only. */
async function openInstance({ folder, name, memory, threads }: Omit<DuckSettings, 'standsBy'>): Promise<DuckDBInstance> {
  const spill = join(folder, 'spill', name)
  await mkdir(spill, { recursive: true })
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(threads),
    memory_limit: `${Math.round(memory / 1024 ** 2)}MiB`,
    temp_directory: spill,
    preserve_insertion_order: 'true',
    // Else what was let go of stays with the process: freed pages are given back only by work that comes later.
    allocator_background_threads: 'true',
    allocator_flush_threshold: '16MiB',
  })
  const connection = await instance.connect()
  await connection.run(`set allowed_directories = [${literal(folder)}]`)
  await connection.run(`set TimeZone = 'UTC'`)
  await connection.run('set enable_external_access = false')
  await connection.run('set lock_configuration = true')
  connection.closeSync()
  return instance
}

/** An engine that is there while somebody is connected to it, and for a while after: idle, it holds no memory. */
export async function openDuck({ standsBy = 30_000, ...settings }: DuckSettings): Promise<Duck> {
  let instance: Promise<DuckDBInstance> | null = openInstance(settings)
  let connections = 0
  let closed = false
  let idle: NodeJS.Timeout | undefined
  const end = () => {
    void instance?.then((open) => open.closeSync())
    instance = null
  }
  const left = () => {
    connections -= 1
    if (connections === 0 && !closed) idle = setTimeout(end, standsBy).unref()
  }
  await instance
  return {
    async connect() {
      if (closed) throw new Error(`The engine ${settings.name} is closed.`)
      clearTimeout(idle)
      connections += 1
      try {
        instance ??= openInstance(settings)
        return whenClosed(await (await instance).connect(), left)
      } catch (error) {
        instance = connections === 1 ? null : instance
        left()
        throw error
      }
    },
    close() {
      closed = true
      clearTimeout(idle)
      end()
    },
  }
}

/** The connection, which says once that it was closed. */
function whenClosed(connection: DuckDBConnection, then: () => void): DuckDBConnection {
  const close = connection.closeSync.bind(connection)
  let open = true
  connection.closeSync = () => {
    close()
    if (open) then()
    open = false
  }
  return connection
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
