import pg from 'pg'
import { DataSource, type MigrationInterface } from 'typeorm'
import { type Fact, type PublishOptions, toRecord } from './fact.ts'
import { failure, type Log } from './log.ts'
import { Messaging1764000000000 } from './migrations/1764000000000-messaging.ts'
import { appendToOutbox, type OutboxRow } from './outbox.ts'
import { isOutdatedPlan, statementNames } from './prepared.ts'

/** An open transaction: everything done through it is committed together, or not at all. */
export interface Tx {
  /** Runs SQL and returns its rows. */
  query<Row extends object = Record<string, unknown>>(sql: string, params?: unknown[]): Promise<Row[]>
  /**
   * Says facts when, and only when, this transaction commits. Lock the aggregate they are about first
   * (`select … for update`): then the order of the outbox is the order of commits, key by key.
   */
  publish(facts: Fact | readonly Fact[], options?: PublishOptions): Promise<void>
  /** Puts raw messages in the outbox. */
  enqueue(rows: readonly OutboxRow[]): void
}

/** An app's own schema of Postgres. */
export interface Database {
  query<Row extends object = Record<string, unknown>>(sql: string, params?: unknown[]): Promise<Row[]>
  /**
   * Runs `work` in a transaction and commits it; a throw rolls back and is passed on.
   *
   * @throws CommitUnknown when the connection broke during the commit: it may or may not have happened.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** A connection of its own, for LISTEN and advisory locks. The caller ends it. */
  connect(): Promise<pg.Client>
  close(): Promise<void>
  readonly schema: string
  readonly dataSource: DataSource
}

/** The connection broke while a commit was under way. */
export class CommitUnknown extends Error {
  override name = 'CommitUnknown'
}

export interface DatabaseSettings {
  /** `postgres://user:password@host:port/database` */
  url: string
  /** Letters, digits and underscores; created when missing. */
  schema: string
  /** The app's own migrations, after those of messaging. */
  migrations?: (new () => MigrationInterface)[]
  log: Log
  poolSize?: number
  /** A transaction that does nothing for so long loses its locks, so that a process that hangs can't hold up its successor (30,000). */
  idleInTransactionMs?: number
}

/**
 * Opens an app's schema and brings it up to date. Several replicas may do so at once: an advisory lock makes them take turns.
 *
 * @throws Error when Postgres can't be reached or a migration fails.
 */
export async function openDatabase({
  url,
  schema,
  migrations = [],
  log,
  poolSize = 8,
  idleInTransactionMs = 30_000,
}: DatabaseSettings): Promise<Database> {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) throw new Error(`"${schema}" can't be a schema's name.`)
  const connection = {
    connectionString: url,
    application_name: schema,
    options: `-c search_path=${schema} -c idle_in_transaction_session_timeout=${idleInTransactionMs}`,
    keepAlive: true,
  }
  await migrate(url, schema, migrations)

  const dataSource = new DataSource({
    type: 'postgres',
    url,
    schema,
    applicationName: schema,
    poolSize,
    extra: { options: connection.options, keepAlive: true, connectionTimeoutMillis: 5_000 },
    poolErrorHandler: (error: unknown) => log.warn(failure(error), 'a database connection was lost'),
  })
  await dataSource.initialize()
  const pool = (dataSource.driver as unknown as { master: pg.Pool }).master
  const nameOf = statementNames()

  return {
    schema,
    dataSource,
    query: async (text, values) => (await pool.query({ name: values && nameOf(text), text, values })).rows,
    transaction: (work) => inTransaction({ pool, schema, nameOf }, work),
    async connect() {
      const client = new pg.Client(connection)
      client.on('error', (error) => log.warn(failure(error), 'a database connection was lost'))
      await client.connect()
      return client
    },
    close: () => dataSource.destroy(),
  }
}

interface TransactionParts {
  pool: pg.Pool
  schema: string
  nameOf: ReturnType<typeof statementNames>
}

async function inTransaction<T>({ pool, schema, nameOf }: TransactionParts, work: (tx: Tx) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  const lost = (error: Error) => void (broken = error)
  client.on('error', lost)
  try {
    await client.query('begin')
    const outbox: OutboxRow[] = []
    const tx: Tx = {
      query: async (text, values) => (await client.query({ name: values && nameOf(text), text, values })).rows,
      async publish(facts, options) {
        for (const said of [facts].flat())
          outbox.push({ topic: said.definition.topic.name, ...toRecord(said, appOf(schema), options) })
      },
      enqueue(rows) {
        for (const row of rows) outbox.push(row)
      },
    }
    const result = await work(tx)
    if (outbox.length > 0) await appendToOutbox(client, schema, outbox)
    await commit(client)
    return result
  } catch (error) {
    if (error instanceof CommitUnknown) broken = error
    else await client.query('rollback').catch((rollback: Error) => (broken = rollback))
    if (isOutdatedPlan(error)) broken = error as Error
    throw error
  } finally {
    client.off('error', lost)
    client.release(broken)
  }
}

/** The app that owns a schema. */
const appOf = (schema: string) => schema.replaceAll('_', '-')

async function commit(client: pg.PoolClient): Promise<void> {
  try {
    await client.query('commit')
  } catch (error) {
    // An answer of the server is a verdict: it rolled back. Anything else leaves open what it did.
    if (error instanceof pg.DatabaseError && !isConnectionLoss(error)) throw error
    throw new CommitUnknown('The connection broke during a commit.', { cause: error })
  }
}

async function migrate(url: string, schema: string, migrations: (new () => MigrationInterface)[]): Promise<void> {
  const lock = new pg.Client({ connectionString: url, application_name: `${schema} migrations` })
  lock.on('error', () => {})
  await lock.connect()
  try {
    await lock.query('select pg_advisory_lock(hashtextextended($1, 0))', [`cascata migrate ${schema}`])
    await lock.query(`create schema if not exists ${schema}`)
    const dataSource = new DataSource({
      type: 'postgres',
      url,
      schema,
      poolSize: 1,
      extra: { options: `-c search_path=${schema}` },
      migrations: [Messaging1764000000000, ...migrations],
      migrationsTableName: 'migration',
    })
    await dataSource.initialize()
    try {
      await dataSource.runMigrations({ transaction: 'each' })
    } finally {
      await dataSource.destroy()
    }
  } finally {
    await lock.end()
  }
}

const isConnectionLoss = ({ code = '' }: { code?: string }) => code.startsWith('08') || code.startsWith('57P')

/** Whether an error is the infrastructure's, not the handler's: it passes by itself, so trying again has no limit. */
export function isPassing(error: unknown): boolean {
  if (error instanceof CommitUnknown || isOutdatedPlan(error)) return true
  const { code = '', message = '' } = (error ?? {}) as { code?: string; message?: string }
  if (isConnectionLoss({ code }) || ['40001', '40P01', '53300', '55P03'].includes(code)) return true
  if (['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'].includes(code)) return true
  return /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed/.test(
    message,
  )
}
