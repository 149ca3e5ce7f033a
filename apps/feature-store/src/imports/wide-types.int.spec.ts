import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { backing, uniqueName } from '@cascata/testing'
import { decidePlan, type DatasetPlan } from '../datasets/decide-plan.ts'
import { buildDataset, datasetPath } from '../datasets/build-dataset.ts'
import { happenings, minute, recordsOf, start, viewOracle } from '../datasets/a-stream.ts'
import { noErasures } from '../erasure/late-rows.ts'
import { aView } from '../feature-views/a-view.ts'
import { type Value } from '../feature-views/view.ts'
import { compileValidator } from '../ingest/validate-rows.ts'
import { type Duck, literal, openDuck, rowsOf } from '../offline/duckdb.ts'
import { openSegmentWriter } from '../offline/segment-writer.ts'
import { type OnlineStore, openOnlineStore } from '../online/online-store.ts'
import { readHeader, rowReader } from '../online/row-codec.ts'
import { convert, type ConvertJob } from './convert.ts'
import { recordOfLine } from './file-rows.ts'

const now = Date.parse('2001-01-14T12:00:00Z')
const view = aView({
  ttl: null,
  fields: {
    flight: 'string',
    publishedAt: 'timestamp',
    photo: { type: 'bytes', nullable: true, maxLength: 6 },
    tags: { type: 'list<string>', nullable: true, maxItems: 4, maxLength: 5 },
    vector: { type: 'list<float>', nullable: true, max: 1 },
    weights: { type: 'list<double>', nullable: true },
    ids: { type: 'list<int>', nullable: true },
    stops: { type: 'list<timestamp>', nullable: true },
    flags: { type: 'list<bool>', nullable: true },
    parts: { type: 'list<bytes>', nullable: true },
  },
})
const names = view.fields.map(({ name }) => name)
let folder: string
let duck: Duck
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wide-'))
  duck = await openDuck({ folder, name: 'test', memory: 256 * 1024 ** 2, threads: 1 })
})
afterAll(async () => {
  duck?.close()
  await rm(folder, { recursive: true, force: true })
})

const optional = <T>(each: fc.Arbitrary<T>) => fc.option(each, { nil: null })
const list = <T>(each: fc.Arbitrary<T>) => optional(fc.array(optional(each), { maxLength: 5 }))
const base64 = fc.uint8Array({ maxLength: 7 }).map((bytes) => Buffer.from(bytes).toString('base64'))
const real = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e30, max: 1e30 })
const time = fc
  .date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date(now), noInvalidDate: true })
  .map((date) => date.toISOString())
const row = fc.record({
  flight: fc.constantFrom('F1', 'F2', 'ä|b'),
  publishedAt: time,
  photo: optional(base64),
  tags: list(fc.string({ unit: 'grapheme', maxLength: 6 })),
  vector: list(real.map((value) => Math.fround(value % 1.2))),
  weights: list(real),
  ids: list(fc.maxSafeInteger()),
  stops: list(time),
  flags: list(fc.boolean()),
  parts: list(base64),
})
const rows = fc.array(row, { minLength: 1, maxLength: 12 })

const fileTypes = {
  flight: 'VARCHAR',
  publishedAt: 'TIMESTAMPTZ',
  photo: 'VARCHAR',
  tags: 'VARCHAR[]',
  vector: 'FLOAT[]',
  weights: 'DOUBLE[]',
  ids: 'BIGINT[]',
  stops: 'TIMESTAMPTZ[]',
  flags: 'BOOLEAN[]',
  parts: 'VARCHAR[]',
}

const run = async <T = Record<string, unknown>>(sql: string): Promise<T[]> => {
  const connection = await duck.connect()
  try {
    return await rowsOf<T>(connection, sql)
  } finally {
    connection.closeSync()
  }
}

/** The rows as JSON lines, and as Parquet with blobs and lists. */
async function filesOf(some: readonly object[]): Promise<Record<'ndjson' | 'parquet', string>> {
  const at = join(folder, uniqueName('rows'))
  await writeFile(`${at}.ndjson`, some.map((row) => `${JSON.stringify(row)}\n`).join(''))
  const columns = Object.entries(fileTypes).map(([name, type]) => `${name}: '${type}'`)
  await run(`copy (select * replace (from_base64(photo) as photo, list_transform(parts, lambda x: from_base64(x)) as parts)
    from read_json(${literal(`${at}.ndjson`)}, format = 'newline_delimited', columns = {${columns.join(', ')}}))
    to ${literal(`${at}.parquet`)} (format parquet)`)
  return { ndjson: `${at}.ndjson`, parquet: `${at}.parquet` }
}

async function imported(path: string, format: ConvertJob['format']) {
  const { id, namespace, name, revision, spec } = view
  const job = { path, format, fromRow: 0, firstOffset: 0, now, erasures: noErasures, folder, maxRows: 1_000 }
  const [segments, rejects]: [string[], unknown[]] = [[], []]
  for await (const part of convert(duck, { ...job, view: { id, namespace, name, revision, spec } })) {
    segments.push(...part.segments.map(({ file }) => join(folder, file)))
    rejects.push(...part.sample)
  }
  return { segments, rejects }
}

/** What is in segments, bytes as Buffers. */
const stored = async (segments: readonly string[]) =>
  segments.length === 0
    ? []
    : run(
        `select __offset::DOUBLE as __offset, * exclude (__offset) replace (epoch_ms("publishedAt")::DOUBLE as "publishedAt", list_transform(stops, lambda x: epoch_ms(x)::DOUBLE) as stops)
           from read_parquet([${segments.map(literal).join(', ')}]) order by 1`,
      )

/** A view's rows of segments, and what a dataset of them holds. */
async function datasetOf(segments: readonly string[], at = now) {
  const spine = join(folder, uniqueName('spine'))
  await run(
    `copy (select flight, ${at}::BIGINT as at_ms from (values ('F1'), ('F2'), ('ä|b')) as t(flight)) to ${literal(spine)} (format parquet)`,
  )
  const features = names.filter((name) => name !== 'flight').map((name) => `flights:${name}`)
  const asked = { features, request: {}, label: null, spine: ['flight'], chain: [] }
  const plan = decidePlan(asked, new Map([['flights', view]])) as DatasetPlan
  const whole = segments.map((path) => ({ path, revision: 1 }))
  const views = new Map([['flights', { view, whole, cut: [], snapshot: [], fieldsOf: () => new Set(names) }]])
  const file = { is: 'file' as const, file: { path: spine, columns: ['flight'] } }
  return buildDataset(duck, folder, { plan, spine: file, views, cutoff: null, max: null, split: null }, async () => {})
}

const asJson = (value: Value | undefined) =>
  JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? Number(each) : each))

/** What is answered of each key online and by a dataset of segments, as JSON, once both have said the same. */
async function agreed(online: OnlineStore, segments: readonly string[], at: number): Promise<Map<string, string[]>> {
  const { hash } = await datasetOf(segments, at)
  const asked = await run<Record<string, Value>>(
    `select * replace (list_transform(flights__stops, lambda x: epoch_ms(x)::DOUBLE) as flights__stops, epoch_ms("flights__publishedAt")::DOUBLE as "flights__publishedAt")
       from read_parquet(${literal(datasetPath(folder, hash))})`,
  )
  const answers = new Map<string, string[]>()
  for (const row of asked) {
    const key = (row['flight'] as string).replaceAll('|', '\\|')
    const [found] = (await online.read([{ view, keys: [key] }]))[0]!.rows
    const columns = names.map((): Value[] => [])
    const reader = rowReader(
      view,
      names.map((_, index) => index),
    )
    if (found && readHeader(found).revision > 0) reader.read(found, columns)
    const answer = names.map((name, index) => asJson(name === 'flight' ? null : (columns[index]![0] ?? null))!)
    expect(answer).toEqual(names.map((name) => asJson(name === 'flight' ? null : (row[`flights__${name}`] ?? null))))
    answers.set(key, answer)
  }
  return answers
}

it(
  'takes bytes and lists in from a topic and from files alike, and answers them online as in a dataset',
  { timeout: 120_000 },
  async () => {
    const { redis: url } = backing()
    await fc.assert(
      fc.asyncProperty(rows, async (some) => {
        const { batch, rejects } = compileValidator(view).take(
          some.map((row, index) => recordOfLine(Buffer.from(JSON.stringify(row)), index)),
          now,
        )
        const writer = await openSegmentWriter(duck, folder, view)
        const live = batch.count === 0 ? [] : [join(folder, (await writer.write(batch, now)).file)]
        writer.close()
        const reference = await stored(live)
        const files = await filesOf(some)
        for (const format of ['ndjson', 'parquet'] as const) {
          const found = await imported(files[format], format)
          expect(found.rejects).toMatchObject(rejects.map(({ offset, code, field }) => ({ row: offset + 1, code, field })))
          expect(await stored(found.segments)).toEqual(reference)
          if (batch.count === 0) continue
          const [one, other] = [await datasetOf(live), await datasetOf(found.segments)]
          expect(other.hash).toBe(one.hash)
        }
        if (batch.count === 0) return

        const online = openOnlineStore({ url, prefix: `${uniqueName('wide')}:`, onError: () => {} })
        try {
          await online.write(batch)
          await agreed(online, live, now)
        } finally {
          await online.close()
        }
      }),
      { numRuns: 25, endOnFailure: true },
    )
  },
)

it(
  'answers bytes and lists of late, corrected, deleted and repeated rows online, as of now, and the slow way alike',
  { timeout: 120_000 },
  async () => {
    const { redis: url } = backing()
    const fields = row.map(({ publishedAt: _, ...rest }) => rest)
    const key = fc.record({ flight: fc.constantFrom('F1', 'F2') })
    const at = start + 250 * minute
    await fc.assert(
      fc.asyncProperty(happenings(fields, key, { rare: true }), fc.integer({ min: 1, max: 15 }), async (stream, rowsAtOnce) => {
        const records = recordsOf(stream, 'publishedAt')
        const [oracle, segments] = [viewOracle(view), new Array<string>()]
        const online = openOnlineStore({ url, prefix: `${uniqueName('wide')}:`, onError: () => {} })
        const writer = await openSegmentWriter(duck, folder, view)
        try {
          for (let from = 0; from < records.length; from += rowsAtOnce) {
            const { batch } = compileValidator(view).take(records.slice(from, from + rowsAtOnce), now)
            oracle.add(batch)
            await online.write(batch)
            if (batch.count > 0) segments.push(join(folder, (await writer.write(batch, now)).file))
          }
          if (segments.length === 0) return
          for (const [flight, answer] of await agreed(online, segments, at)) {
            const values = oracle.answer(flight, at)?.values
            expect(answer).toEqual(names.map((name) => asJson(name === 'flight' ? null : (values?.[name] ?? null))))
          }
        } finally {
          writer.close()
          await online.close()
        }
      }),
      { numRuns: 40, endOnFailure: true },
    )
  },
)

it('says that a cell of CSV holds no list', async () => {
  const path = join(folder, 'rows.csv')
  await writeFile(path, `${names.join(',')}\n${names.map(() => '').join(',')}\n`)
  await expect(imported(path, 'csv')).rejects.toThrow(
    /is a list<\w+>, and a cell of CSV holds no list: use Parquet or JSON lines/,
  )
})
