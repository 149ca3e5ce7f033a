import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { uniqueName } from '@cascata/testing'
import { aView } from '../feature-views/a-view.ts'
import { duckdb } from '../offline/dialects.ts'
import { type Duck, literal, openDuck, rowsOf, runAll } from '../offline/duckdb.ts'
import { decidePlan, type DatasetPlan } from './decide-plan.ts'
import { BadSpine, spineStep, takeSpine, unusableKeys } from './spine-file.ts'
import { statementsOf } from './steps.ts'

let folder: string
let duck: Duck
let connection: DuckDBConnection
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cascata-spines-'))
  duck = await openDuck({ folder, name: 'test', memory: 256 * 1024 ** 2, threads: 1 })
  connection = await duck.connect()
})
afterAll(async () => {
  connection?.closeSync()
  duck?.close()
  await rm(folder, { recursive: true, force: true })
})

const limits = { at: 'at', maxRows: 1_000, maxTextBytes: 100_000 }

const take = async (sent: { csv: string | Buffer } | { sql: string } | { bytes: string }, more: { at?: string } = {}) => {
  const path = join(folder, uniqueName('sent'))
  if ('sql' in sent) await connection.run(`copy (${sent.sql}) to ${literal(path)} (format parquet)`)
  else await writeFile(path, 'csv' in sent ? sent.csv : sent.bytes)
  const target = `${path}.parquet`
  const taken = await takeSpine(connection, { path, format: 'csv' in sent ? 'csv' : 'parquet', ...limits, ...more }, target)
  return { ...taken, target }
}
const spine = (target: string) =>
  rowsOf(connection, `select * replace (at_ms::DOUBLE as at_ms) from read_parquet(${literal(target)})`)

describe('a spine', () => {
  const [instant, ms] = ['2001-01-14T09:30:00Z', Date.parse('2001-01-14T09:30:00Z')]

  it('is a CSV with instants in any zone', async () => {
    const { columns, rows, target } = await take({ csv: `flight,at\nF1,${instant}\n"F,2",2001-01-14T10:30:00+01:00\n` })
    expect({ columns, rows }).toEqual({ columns: ['flight'], rows: 2 })
    expect(await spine(target)).toEqual([
      { flight: 'F1', at_ms: ms },
      { flight: 'F,2', at_ms: ms },
    ])
  })
  it('is a Parquet file, times without a zone in UTC, under the name that its time has there', async () => {
    const sql = "select 7 as flight, timestamp '2001-01-14 09:30:00' as event_timestamp"
    const { columns, target } = await take({ sql }, { at: 'event_timestamp' })
    expect(columns).toEqual(['flight'])
    expect(await spine(target)).toEqual([{ flight: 7, at_ms: ms }])
  })
  it('holds SQL as text alone', async () => {
    const evil = `x'); drop table spine; copy (select 1) to '/tmp/x'; --`
    const { target } = await take({ csv: `flight,at\n"${evil}",${instant}\n` })
    expect(await spine(target)).toEqual([{ flight: evil, at_ms: ms }])
  })

  it.each<[string, Parameters<typeof take>[0], RegExp]>([
    ['without a time', { csv: 'flight\nF1\n' }, /no column `at`/],
    ['without an entity', { csv: `at\n${instant}\n` }, /no column of an entity/],
    ['a time without a zone', { csv: 'flight,at\nF1,2001-01-14T09:30:00\n' }, /no ISO 8601 instant with a zone/],
    ['a null time', { csv: `flight,at\nF1,${instant}\nF2,\n` }, /instant with a zone: null/],
    ['a null time in Parquet', { sql: 'select 1 as flight, null::timestamp as at' }, /1 rows have no `at`/],
    ['a time that is a number', { sql: 'select 1 as flight, 979464600 as at' }, /`at` is a INTEGER/],
    ['a day that does not exist', { csv: 'flight,at\nF1,2001-02-30T09:30:00Z\n' }, /does not exist|no instant/],
    ['ragged lines', { csv: `flight,at\nF1,${instant}\nF2,${instant},more,and more\n` }, /can't be read/],
    ['a path as a column', { csv: `../../etc/passwd,at\nF1,${instant}\n` }, /can't be the name of a column/],
    ['a URL as a column', { csv: `https://example.com/x,at\nF1,${instant}\n` }, /can't be the name of a column/],
    ['SQL as a column', { csv: `"flight""; drop table spine; --",at\nF1,${instant}\n` }, /can't be the name of a column/],
    ['a name of our own as a column', { csv: `flight,at_ms,at\nF1,1,${instant}\n` }, /can't be the name of a column/],
    ['lists', { sql: `select [1, 2] as flight, timestamp '2001-01-14 09:30:00' as at` }, /expected plain values/],
    ['what only begins like Parquet', { bytes: 'PAR1 and then nothing of the kind PAR1' }, /can't be read/],
    [
      'more rows than may be',
      { sql: `select 1 as flight, timestamp '2001-01-14 09:30:00' as at from range(5000)` },
      /more than 1000 rows/,
    ],
    [
      'a text that a dictionary repeats',
      { sql: `select repeat('x', 10000) as flight, timestamp '2001-01-14 09:30:00' as at from range(900)` },
      /texts come to 9000000 bytes/,
    ],
    ['a line without an end', { csv: `flight,at\n${'x'.repeat(2_000_000)}` }, /can't be read|no ISO 8601/],
    [
      'bytes that are no text',
      { csv: Buffer.from([0x66, 0x2c, 0x61, 0x74, 0x0a, 0xff, 0xfe, 0x2c, 0x0a]) },
      /can't be read|no ISO 8601|no column/,
    ],
  ])('is refused with %s', async (_name, sent, words) => {
    const refused = await take(sent).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(BadSpine)
    expect((refused as BadSpine).message).toMatch(words)
    expect((refused as BadSpine).message).not.toContain(folder)
  })

  it('is refused by a build whose keys it can not be, nulls aside', async () => {
    const view = aView({ entity: ['seat'], fields: { seat: 'int', publishedAt: 'timestamp', price: 'double' } })
    const asked = { features: ['flights:price'], request: {}, label: null, spine: ['seat'], chain: [] }
    const plan = decidePlan(asked, new Map([['flights', view]])) as DatasetPlan
    const check = async (csv: string) => {
      const { columns, target } = await take({ csv })
      await runAll(connection, statementsOf([spineStep({ path: target, columns }, duckdb)]))
      const problem = await unusableKeys(connection, plan)
      await connection.run('drop table spine')
      return problem
    }
    expect(await check(`seat,at\n12,${instant}\n,${instant}\n`)).toBeNull()
    expect(await check(`seat,at\n12,${instant}\n12A,${instant}\n`)).toBe("1 values of the spine's column seat are no int")
  })
})
