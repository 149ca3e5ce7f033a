import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { eventually, freePort } from '@cascata/testing'

/** MLflow's own tracking server, on a database of its own of the same Postgres. */
export interface Peer {
  readonly url: string
  readonly pid: number
  readonly databaseUrl: string
  stop(): Promise<void>
}

/**
 * Starts `mlflow server` with two workers.
 *
 * @param python an interpreter that has the packages `mlflow` and `psycopg2`
 */
export async function startPeer(python: string, postgres: string, home: string): Promise<Peer> {
  const database = `mlflow_${process.pid}`
  const admin = new pg.Client({ connectionString: postgres })
  await admin.connect()
  await admin.query(`create database ${database}`)
  const databaseUrl = new URL(postgres)
  databaseUrl.pathname = `/${database}`
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const store = databaseUrl.href.replace(/^postgres:/, 'postgresql+psycopg2:')
  const child = spawn(
    python,
    [
      ...['-m', 'mlflow', 'server', '--host', '127.0.0.1', '--port', String(port), '--workers', '2'],
      ...['--backend-store-uri', store, '--artifacts-destination', join(home, 'mlflow-artifacts')],
    ],
    {
      env: { PATH: process.env['PATH'], HOME: home, MLFLOW_DISABLE_TELEMETRY: 'true' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    },
  )
  const log = createWriteStream(join(home, 'mlflow.log'))
  child.stdout.pipe(log)
  child.stderr.pipe(log)
  const stop = async (): Promise<void> => {
    if (child.exitCode === null) {
      const ended = new Promise((done) => child.once('exit', done))
      process.kill(-child.pid!, 'SIGTERM')
      await ended
    }
    await admin.query(`drop database if exists ${database} with (force)`)
    await admin.end()
  }
  try {
    await eventually(
      async () => {
        if (child.exitCode !== null) throw new Error(`mlflow server ended: see ${home}/mlflow.log`)
        if (!(await fetch(`${url}/health`)).ok) throw new Error('mlflow server is not ready')
      },
      { timeout: 180_000, interval: 500 },
    )
  } catch (error) {
    await stop()
    throw error
  }
  return { url, pid: child.pid!, databaseUrl: databaseUrl.href, stop }
}
