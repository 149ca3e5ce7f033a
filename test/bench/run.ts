import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import Table from 'cli-table3'
import { backing } from '@cascata/testing'
import startBacking from '@cascata/testing/backing'
import type { Bench, Metrics } from './context.ts'

const root = resolve(import.meta.dirname, '../..')
const results = join(resolve(root, process.env['CASCATA_HOME'] || '.cascata'), 'bench')
const known = ['messaging', 'cascade', 'ingest', 'import', 'features', 'windows', 'infer', 'predict', 'registry']

const full = process.argv.includes('--full')
const wanted = process.argv.slice(2).filter((each) => !each.startsWith('--'))
if (process.argv.includes('--help')) {
  console.log(
    `npm run bench [-- name…] [--full]

Measures ${known.join(', ')}, or those that are named, with a peer or a floor in the same run.
Results: a table, and .cascata/bench/<name>.json.

  --full   as large as the aims say, where that takes long
  --help   this text

registry: --runs=N --seconds=N --peer=PYTHON (one with the packages mlflow and psycopg2: MLflow's own server beside it)`,
  )
  process.exit(0)
}
const unknown = wanted.filter((name) => !known.includes(name))
if (unknown.length > 0) {
  console.error(`There is no benchmark "${unknown.join('", "')}". There are: ${known.join(', ')}.`)
  process.exit(2)
}

const environment = () => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  commit: git('rev-parse', 'HEAD'),
  dirty: git('status', '--porcelain') !== '',
  at: new Date().toISOString(),
})

function git(...args: string[]): string {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return ''
  }
}

function show({ title, aims = {} }: Bench, metrics: Metrics) {
  const table = new Table({
    head: ['metric', 'value', 'aim'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right'],
  })
  for (const [name, value] of Object.entries(metrics)) {
    const { atMost, atLeast } = aims[name] ?? {}
    const aim = atMost !== undefined ? `≤ ${atMost}` : atLeast !== undefined ? `≥ ${atLeast}` : ''
    table.push([name, value.toLocaleString('en', { maximumFractionDigits: 2 }), aim])
  }
  console.log(`\n${title}\n${table.toString()}`)
}

const stop = await startBacking()
let failed = false
try {
  mkdirSync(results, { recursive: true })
  for (const name of wanted.length > 0 ? wanted : known) {
    const home = mkdtempSync(join(tmpdir(), 'cascata-bench-'))
    const bench = (await import(`./${name}.ts`)) as Bench
    console.log(`\n${name}: ${bench.title}`)
    try {
      const { metrics } = await bench.run({ urls: backing(), home, full, say: (line) => console.log(`  ${line}`) })
      writeFileSync(join(results, `${name}.json`), `${JSON.stringify({ name, metrics, environment: environment() }, null, 2)}\n`)
      show(bench, metrics)
    } catch (error) {
      failed = true
      console.error(`${name} failed: ${(error as Error).stack}`)
    } finally {
      rmSync(home, { recursive: true, force: true })
    }
  }
} finally {
  await stop()
}
process.exit(failed ? 1 : 0)
