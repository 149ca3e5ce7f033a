import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { uniqueName } from '@cascata/testing'
import { type Value, type View } from '../feature-views/view.ts'
import { compileValidator, type RawRecord } from '../ingest/validate-rows.ts'
import { type Duck, literal, openDuck, rowsOf as query } from '../offline/duckdb.ts'
import { openSegmentWriter } from '../offline/segment-writer.ts'
import {
  recordsOf as windowRecordsOf,
  start as windowStart,
  type StreamRow,
  streamRows,
  windowed,
} from '../windows/a-windowed-stream.ts'
import { asked, streamsOf, views } from './a-cascade.ts'
import { sparkForTest } from './a-spark.ts'
import { minute, recordsOf, start } from './a-stream.ts'
import { buildDataset, type BuildInput, datasetPath } from './build-dataset.ts'
import { decidePlan, type DatasetPlan } from './decide-plan.ts'
import { type ViewRows } from './history-sql.ts'
import { running, type Spark, sparkCommand, type SparkJob } from './spark.ts'

let folder: string
let duck: Duck
let command: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cascata-spark-'))
  duck = await openDuck({ folder, name: 'test', memory: 256 * 1024 ** 2, threads: 1 })
  command = await sparkForTest()
}, 600_000)
afterAll(async () => {
  duck.close()
  await rm(folder, { recursive: true, force: true })
})

/** One session of Spark for several datasets: it begins when all of them have come. */
function together(count: number): Spark {
  const files: string[] = []
  const all = Promise.withResolvers<void>()
  return {
    async run(job: SparkJob) {
      await mkdir(job.work, { recursive: true })
      const file = join(job.work, 'job.json')
      await writeFile(file, JSON.stringify(job))
      files.push(file)
      if (files.length === count) running(command, files).then(all.resolve, all.reject)
      await all.promise
    },
  }
}

/** Takes a stream into segments; the snapshot ends within the last ones, and of one entity the first rows are erased. */
async function ingest(view: View, records: readonly RawRecord[], erased: string | null): Promise<ViewRows> {
  const { batch, rejects } = compileValidator(view).take([...records], Number.MAX_SAFE_INTEGER)
  expect(rejects).toEqual([])
  const writer = await openSegmentWriter(duck, folder, view)
  const half = compileValidator(view).take(records.slice(0, records.length >> 1), Number.MAX_SAFE_INTEGER).batch
  const rest = compileValidator(view).take(records.slice(records.length >> 1), Number.MAX_SAFE_INTEGER).batch
  const files = []
  for (const part of [half, rest]) files.push({ path: join(folder, (await writer.write(part, Date.now())).file), revision: 1 })
  writer.close()
  const ends = [0, 1, 2].map((partition) => Math.max(0, ...batch.offsets.filter((_, row) => batch.partitions[row] === partition)))
  const entity = erased === null ? [] : [{ entity: [[view.spec.entity[0]!, erased]] as const, until: start + 60 * minute }]
  return {
    view,
    whole: [{ ...files[0]!, erased: entity }],
    cut: [files[1]!],
    snapshot: ends.map((to, partition) => ({ partition, epoch: 0, to })),
    fieldsOf: () => new Set(view.fields.map(({ name }) => name)),
  }
}

const fieldsByView = (all: readonly View[]) => new Map(all.map((view) => [view.name, view]))
const all = { max: null, split: null }
type Streams = typeof streams extends fc.Arbitrary<infer T> ? T : never
const streams = streamsOf({ rare: true })

async function cascadeRows(stream: Streams): Promise<Map<string, ViewRows>> {
  const records = [
    recordsOf(stream.flights, 'publishedAt'),
    recordsOf(stream.weather, 'seenAt'),
    recordsOf(stream.outcomes, 'landedAt'),
  ]
  const rows = await Promise.all(views.map((view, index) => ingest(view, records[index]!, view.name === 'flights' ? 'F3' : null)))
  return new Map(rows.map((each) => [each.view.name, each]))
}

/** The training rows of a model. */
async function ofObservations(stream: Streams): Promise<BuildInput> {
  const rows = await cascadeRows(stream)
  const spine = {
    is: 'observations',
    rows: rows.get('flights')!,
    at: 'departsAt',
    lead: 12 * minute,
    history: 300 * minute,
  } as const
  return { ...all, plan: decidePlan(asked, fieldsByView(views)) as DatasetPlan, views: rows, spine, cutoff: start + 320 * minute }
}

async function spineOf(columns: string, values: readonly string[]): Promise<string> {
  const path = join(folder, `${uniqueName('spine')}.parquet`)
  const connection = await duck.connect()
  await connection.run(
    `copy (select * from (values ${values.join(', ')}) as spine (${columns})) to ${literal(path)} (format parquet)`,
  )
  connection.closeSync()
  return path
}

/** Rows that somebody sent: some twice, some of nobody, with a column that is theirs. */
async function ofFile(stream: Streams): Promise<BuildInput> {
  const flights = ["'F1'", "'F2'", "'F2'", "'F9'", 'null']
  const values = flights.flatMap((flight) =>
    [36, 96, 240].map((at) => `(${flight}, 'it''s \\ "so"', 1.50::DECIMAL(9, 2), ${start + at * minute}::BIGINT)`),
  )
  const path = await spineOf('flight, note, price, at_ms', values)
  const request = { ...asked, label: { ...asked.label, missing: 'negative' as const } }
  const plan = decidePlan(request, fieldsByView(views)) as DatasetPlan
  const spine = { is: 'file', file: { path, columns: ['flight', 'note', 'price'] } } as const
  return { ...all, plan, views: await cascadeRows(stream), spine, cutoff: start + 120 * minute }
}

/** Every aggregate, for keys that came as text. */
async function ofWindows(stream: readonly StreamRow[]): Promise<BuildInput> {
  const view = windowed(1, 30 * 60 * minute)
  const values = ['ATL', 'S|O'].flatMap((airport) =>
    [1, 2].flatMap((runway) =>
      [0, 180, 600, 1_000].map((at) => `('${airport}', '${runway}', ${windowStart + at * minute}::BIGINT)`),
    ),
  )
  const path = await spineOf('airport, runway, at_ms', values)
  const features = view.served.map(({ name }) => `${view.name}:${name}`)
  const request = { features, request: {}, label: null, spine: ['airport', 'runway'], chain: [] }
  const plan = decidePlan(request, fieldsByView([view])) as DatasetPlan
  const rows = await ingest(view, windowRecordsOf(stream), null)
  return {
    ...all,
    plan,
    views: new Map([[view.name, rows]]),
    spine: { is: 'file', file: { path, columns: ['airport', 'runway'] } },
    cutoff: null,
  }
}

const noSteps = async () => {}

async function rowsIn(hash: string): Promise<Record<string, Value>[]> {
  const connection = await duck.connect()
  const rows = await query<Record<string, Value>>(connection, `select * from read_parquet(${literal(datasetPath(folder, hash))})`)
  connection.closeSync()
  return rows
}

/** Sums of doubles are added up in another order; all else is the same to the bit. */
const near = (rows: readonly Record<string, Value>[]) =>
  rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        /spread|masses/.test(name) && typeof value === 'number' ? Number(value.toPrecision(9)) : value,
      ]),
    ),
  )

describe('random streams: late, corrected, deleted, erased in part, cut by a snapshot', () => {
  it('give the same rows and the same hash by Spark as by DuckDB', { timeout: 600_000 }, async () => {
    const inputs = await Promise.all([
      ...fc.sample(streams, 2).map(ofObservations),
      ...fc.sample(streams, 1).map(ofFile),
      ...fc.sample(streamRows, 1).map(ofWindows),
    ])
    const spark = together(inputs.length)
    const [bySpark, byDuck] = await Promise.all(
      [spark, null].map((engine) => Promise.all(inputs.map((input) => buildDataset(duck, folder, input, noSteps, engine)))),
    )
    for (const [index, built] of bySpark!.entries()) {
      const expected = byDuck![index]!
      expect(near(await rowsIn(built.hash))).toEqual(near(await rowsIn(expected.hash)))
      expect({ columns: built.columns, counts: built.counts }).toEqual({ columns: expected.columns, counts: expected.counts })
      if (inputs[index]!.plan.joins.every(({ view }) => view.windows === null)) expect(built.hash).toBe(expected.hash)
    }
    expect(byDuck!.reduce((sum, { rows }) => sum + rows, 0)).toBeGreaterThan(30)
  })
})

it('says what Spark said when it fails, and what can’t be run', async () => {
  const job: SparkJob = {
    work: join(folder, 'broken'),
    inputs: {},
    steps: [{ table: 'x', as: 'select nothing from nowhere', keep: true }],
  }
  await expect(sparkCommand('/nonexistent/spark-submit').run(job)).rejects.toThrow('could not be run')
  await expect(sparkCommand('sh -c exit').run(job)).resolves.toBeUndefined()
  await expect(sparkCommand('node --eval console.error("no-such-table");process.exit(3)').run(job)).rejects.toThrow(
    /ended with 3: …no-such-table/,
  )
})
