import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { backing, eventually, pythonWith, uniqueName } from '@cascata/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Apps, startApps } from '../bench/apps.ts'
import { type Peer, startPeer } from '../bench/registry/peer.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')
const home = mkdtempSync(join(tmpdir(), 'import-mlflow-'))
const schema = uniqueName('import_mlflow')

let python: string
let source: Peer
let apps: Apps
beforeAll(async () => {
  python = await pythonWith('mlflow-server', [
    'mlflow==3.17.2', 'psycopg2-binary==2.9.11', 'scikit-learn==1.9.1', 'pandas==3.1.1', 'skops==0.16.0',
  ]) // prettier-ignore
  const urls = backing()
  apps = await startApps({ urls, home, full: false, say: () => {} }, ['registry'], { REGISTRY_DATABASE_SCHEMA: schema })
  source = await startPeer(python, urls.postgres, home)
}, 600_000)
afterAll(async () => {
  await source?.stop()
  await apps?.stop()
  const db = new pg.Client({ connectionString: backing().postgres })
  await db.connect()
  await db.query(`drop schema if exists ${schema} cascade`)
  await db.end()
  rmSync(home, { recursive: true, force: true })
})

const withClient = async (script: string, server: string): Promise<string> => {
  const { stdout } = await run(python, [join(import.meta.dirname, script)], {
    env: {
      ...{ PATH: process.env['PATH'], HOME: home, MLFLOW_TRACKING_URI: server },
      ...{ GIT_PYTHON_REFRESH: 'quiet', MLFLOW_DISABLE_TELEMETRY: 'true', MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR: 'false' },
    },
    timeout: 300_000,
    maxBuffer: 1e8,
  })
  return stdout
}

interface Report {
  counts: Record<string, Record<'copied' | 'there' | 'skipped' | 'refused', number>>
  skipped: { kind: string; what: string; why: string }[]
  refused: { kind: string; what: string; why: string }[]
}

const importing = (...more: string[]) => {
  const words = ['import', 'mlflow', source.url, '--json', ...more]
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(root, 'apps/cli/src/main.ts'), ...words], {
    env: { PATH: process.env['PATH'], CASCATA_HOME: home, REGISTRY_URL: apps.url('registry') },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk) => (out += chunk))
  child.stderr.on('data', (chunk) => (err += chunk))
  const ended = new Promise<{ code: number | null; err: string; report: Report | undefined }>((done) =>
    child.once('close', (code) => done({ code, err, report: out ? (JSON.parse(out) as Report) : undefined })),
  )
  return { child, ended }
}

const runsHere = async (): Promise<number> => {
  const { runs = [] } = await apps.client('registry').post<{ runs?: object[] }>('/api/2.0/mlflow/runs/search', {
    experiment_ids: ['0', '1', '2', '3'],
    max_results: 1_000,
  })
  return runs.length
}

describe('cascata import mlflow', () => {
  it('brings over what a server of MLflow holds, killed half way or not, once', { timeout: 900_000 }, async () => {
    await withClient('fill.py', source.url)

    const first = importing('--rate', '40')
    await eventually(async () => expect(await runsHere()).toBeGreaterThan(3), { timeout: 60_000 })
    first.child.kill('SIGKILL')
    await first.ended
    expect(await runsHere()).toBeLessThan(34)

    const second = await importing().ended
    expect(second).toMatchObject({ code: 0, err: '' })
    expect(second.report!.refused).toEqual([])
    expect(second.report!.skipped.map(({ kind, what, why }) => [kind, what, why])).toEqual([
      ['experiments', 'deleted', 'deleted at the source'],
      ['runs', expect.stringMatching(/^[0-9a-f]{32}$/), 'deleted at the source'],
      ['models', 'greeting', 'a prompt: those are not kept here'],
    ])
    const { counts } = second.report!
    expect(counts['runs']!.copied + counts['runs']!.there).toBe(34)
    expect(counts['logged models']!.copied).toBe(2)
    expect(counts['versions']!.copied).toBe(3)
    expect(counts['aliases']!.copied).toBe(2)

    const theirs = JSON.parse(await withClient('tell.py', source.url)) as { models: object; predictions: number[][] }
    const ours = JSON.parse(await withClient('tell.py', apps.url('registry'))) as typeof theirs
    expect(ours).toEqual(theirs)
    expect(ours.predictions).toEqual([
      [0, 1, 1, 1],
      [0, 0, 1, 1],
      [0, 1, 1, 1],
    ])

    const third = await importing().ended
    expect(third.code).toBe(0)
    for (const kind of ['experiments', 'runs', 'logged models', 'artifacts', 'models', 'versions', 'aliases'])
      expect([kind, third.report!.counts[kind]!.copied]).toEqual([kind, 0])
    expect(JSON.parse(await withClient('tell.py', apps.url('registry')))).toEqual(theirs)
  })
})
