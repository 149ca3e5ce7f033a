import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { noErasures } from '../erasure/late-rows.ts'
import { aView } from '../feature-views/a-view.ts'
import { type Value, type View } from '../feature-views/view.ts'
import { compileValidator } from '../ingest/validate-rows.ts'
import { type TimeFormat } from '../ingest/validate-times.ts'
import { type Duck, literal, openDuck, rowsOf } from '../offline/duckdb.ts'
import { convert, type ConvertJob } from './convert.ts'
import { ImportRefused } from './file-columns.ts'
import { importPartition, recordOfLine } from './file-rows.ts'
import { type Converted } from './take-rows.ts'

const now = Date.parse('2001-01-14T12:00:00Z')
const lag = 60_000
let folder: string
let duck: Duck
let files = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-'))
  duck = await openDuck({ folder, name: 'test', memory: 256 * 1024 ** 2, threads: 2 })
})
afterAll(async () => {
  duck?.close()
  await rm(folder, { recursive: true, force: true })
})

const viewOf = (format: TimeFormat): View =>
  aView({
    format,
    lag,
    fields: {
      flight: { type: 'string', maxLength: 40 },
      publishedAt: 'timestamp',
      departsAt: { type: 'timestamp', nullable: true },
      carrier: { type: 'string', nullable: true, minLength: 2, maxLength: 3 },
      kind: { type: 'string', nullable: true, enum: ['a', "b'"] },
      gates: { type: 'int', nullable: true, min: -5, max: 9_007_199_254_740_993 },
      seats: { type: 'int32', nullable: true, enum: [1, 2, 3] },
      distanceKm: { type: 'double', min: 0 },
      share: { type: 'float', nullable: true, max: 0.5 },
      late: { type: 'bool', nullable: true },
    },
  })

type Row = Record<string, unknown>
const sql = async (statement: string) => {
  const connection = await duck.connect()
  try {
    await connection.run(statement)
  } finally {
    connection.closeSync()
  }
}
const fileOf = async (content: string, extension: string) => {
  const path = join(folder, `${files++}.${extension}`)
  await writeFile(path, content)
  return path
}
const job = (view: View, path: string, format: ConvertJob['format'], more: Partial<ConvertJob> = {}): ConvertJob => ({
  view: { id: view.id, namespace: view.namespace, name: view.name, revision: view.revision, spec: view.spec },
  path,
  format,
  fromRow: 0,
  firstOffset: 1_000,
  now,
  erasures: noErasures,
  folder,
  maxRows: 1_000_000,
  ...more,
})
const all = async (converting: ConvertJob): Promise<Converted[]> => {
  const parts: Converted[] = []
  for await (const part of convert(duck, converting)) parts.push(part)
  return parts
}

/** Rows of segments and rejects, by row. */
const outcome = async (view: View, converted: readonly Converted[]) => {
  const segments = converted.flatMap((each) => each.segments)
  const connection = await duck.connect()
  const list = segments.map(({ file }) => literal(join(folder, file))).join(', ')
  const names = view.fields.map(({ name, type }) =>
    type === 'timestamp' ? `epoch_ms("${name}")::DOUBLE as "${name}"` : `"${name}"`,
  )
  const rows =
    segments.length === 0
      ? []
      : await rowsOf(
          connection,
          `select __offset::DOUBLE - 1000 as row, epoch_ms(__event_time)::DOUBLE as et, epoch_ms(__available_at)::DOUBLE as av, ${names.join(', ')} from read_parquet([${list}]) order by 1`,
        )
  connection.closeSync()
  const rejects = converted.flatMap(({ sample }) => sample.map(({ row, code, field }) => [row - 1, code, field ?? null]))
  return { rows: rows.map(plain), rejects: rejects.sort((a, b) => (a[0] as number) - (b[0] as number)) }
}
const plain = (row: Row): Row =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value,
    ]),
  )

/** What the live rules make of the rows, marked as imported. */
const live = (view: View, rows: readonly Row[]) => {
  const records = rows.map((row, index) => recordOfLine(Buffer.from(exact(row)), index))
  const { batch, rejects } = compileValidator(view).take(records, now)
  return {
    rows: batch.offsets.map((offset, index) =>
      plain({
        row: offset,
        et: batch.eventTimes[index],
        av: batch.availableAts[index],
        ...Object.fromEntries(view.fields.map(({ name }, at) => [name, batch.values[at]![index] as Value])),
      }),
    ),
    rejects: rejects.map(({ offset, code, field }) => [offset, code, field ?? null]),
  }
}
const exact = (row: Row) =>
  `{${Object.entries(row)
    .map(([name, value]) => `${JSON.stringify(name)}:${typeof value === 'bigint' ? value : JSON.stringify(value)}`)
    .join(',')}}`

const isoTimes = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .date({ min: new Date('1969-12-30T00:00:00Z'), max: new Date(now), noInvalidDate: true })
      .map((date) => date.toISOString()),
  },
  fc.constantFrom(
    '2001-01-14T11:58:59.999Z',
    '2001-01-14T11:59:00.001Z',
    '2001-01-14T12:04:00Z',
    '2001-02-29T00:00:00Z',
    '2000-02-29T23:59:59.123456Z',
    '2001-01-01T24:00:00Z',
    '2001-01-01T00:00:60Z',
    '2001-01-01',
    '2001-01-01T00:00:00',
    '2001-01-01T10:00:00+02:00',
    '2001-01-01T10:00:00+00:00',
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999Z',
    '1969-12-31T23:59:59.999Z',
    'now',
    '',
  ),
)
const texts = fc.oneof(
  fc.constantFrom('F1', 'F2', 'AA', 'AAA', 'ÄÖ', '😀😀', '😀', '', '|', 'x'.repeat(41), "'; drop table x; --"),
  fc.string({ maxLength: 45, unit: 'grapheme' }),
)
const wholes = fc.oneof(
  fc.integer({ min: -10, max: 10 }),
  fc.constantFrom(
    9_007_199_254_740_991,
    9_007_199_254_740_993n,
    -9_223_372_036_854_775_808n,
    9_223_372_036_854_775_807n,
    2_147_483_648,
  ),
)
const reals = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, 0.5, 0.1, 0.50000001, 3, 1e308, 3.5e38, -0.1),
  fc.integer({ min: 0, max: 100 }),
)
const maybe = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: value as fc.Arbitrary<T | null> }, fc.constant(null))

/** Rows that are good but for one field at most, which is anything: a rule that one path lacks would be hidden by other faults. */
const rowsBy = (times: fc.Arbitrary<unknown>) => {
  const anything = {
    flight: maybe(texts),
    publishedAt: maybe(times),
    departsAt: maybe(times),
    carrier: maybe(texts),
    kind: maybe(fc.constantFrom('a', "b'", 'c')),
    gates: maybe(wholes),
    seats: maybe(fc.constantFrom(1, 2, 3, 4, 2_147_483_648)),
    distanceKm: maybe(reals),
    share: maybe(reals),
    late: maybe(fc.boolean()),
  }
  const good = fc.record({
    flight: fc.constantFrom('F1', 'F2'),
    publishedAt: times,
    departsAt: times,
    carrier: fc.constantFrom('AAA', null),
    kind: fc.constantFrom('a', "b'", null),
    gates: fc.constantFrom(1, null),
    seats: fc.constantFrom(2, null),
    distanceKm: fc.constantFrom(0, 1.5),
    share: fc.constantFrom(0.25, null),
    late: fc.constantFrom(true, null),
  })
  const names = Object.keys(anything) as (keyof typeof anything)[]
  const row = fc
    .tuple(good, fc.constantFrom(...names), fc.record(anything))
    .map(([row, odd, any]) => ({ ...row, [odd]: any[odd] }))
  return fc.array(row, { minLength: 1, maxLength: 60 })
}

describe('a file becomes what the same rows become on a topic', () => {
  const check = async (
    view: View,
    times: fc.Arbitrary<unknown>,
    write: (rows: readonly Row[]) => Promise<[string, ConvertJob['format'], readonly Row[]]>,
  ) =>
    fc.assert(
      fc.asyncProperty(rowsBy(times), async (rows) => {
        const [path, format, same] = await write(rows)
        expect(await outcome(view, await all(job(view, path, format)))).toEqual(live(view, same))
      }),
      { numRuns: 30 },
    )

  it('as lines of JSON', { timeout: 60_000 }, () =>
    check(viewOf('iso8601'), isoTimes, async (rows) => [await fileOf(rows.map(exact).join('\n'), 'ndjson'), 'ndjson', rows]),
  )

  it('as CSV', { timeout: 60_000 }, () =>
    check(viewOf('iso8601'), isoTimes, async (rows) => {
      const names = Object.keys(rows[0]!)
      const cell = (value: unknown) => (value === null ? '' : `"${String(value as string).replaceAll('"', '""')}"`)
      const content = [names.join(','), ...rows.map((row) => names.map((name) => cell(row[name])).join(','))].join('\n')
      return [await fileOf(`${content}\n`, 'csv'), 'csv', rows]
    }),
  )

  const typed = (name: string) =>
    ({ gates: 'BIGINT', seats: 'BIGINT', distanceKm: 'DOUBLE', share: 'DOUBLE', late: 'BOOLEAN' })[name] ?? 'VARCHAR'
  const parquet = async (
    rows: readonly Row[],
    typeOf: (name: string) => string,
    valueOf = (_name: string, value: unknown) => value,
  ) => {
    const path = join(folder, `${files++}.parquet`)
    const written = (name: string, value: unknown) =>
      value === null || value === undefined
        ? 'null'
        : typeof value === 'string'
          ? literal(value)
          : typeof value === 'bigint'
            ? `'${value}'`
            : typeof value === 'number'
              ? `'${value}'`
              : String(value as boolean)
    const values = rows.map(
      (row) =>
        `(${Object.entries(row)
          .map(([name, value]) => `${written(name, valueOf(name, value))}::${typeOf(name)}`)
          .join(', ')})`,
    )
    await sql(
      `copy (select * from (values ${values.join(', ')}) t(${Object.keys(rows[0]!)
        .map((name) => `"${name}"`)
        .join(', ')})) to ${literal(path)} (format parquet)`,
    )
    return path
  }

  it('as Parquet with times as text', { timeout: 60_000 }, () =>
    check(viewOf('iso8601'), isoTimes, async (rows) => [await parquet(rows, typed), 'parquet', rows]),
  )
  it('as Parquet with whole numbers as doubles', { timeout: 60_000 }, () =>
    check(viewOf('iso8601'), isoTimes, async (rows) => {
      const same = rows.map((row) => ({ ...row, gates: row['distanceKm'], seats: row['share'] }))
      return [await parquet(same, (name) => (name === 'gates' || name === 'seats' ? 'DOUBLE' : typed(name))), 'parquet', same]
    }),
  )
  it.each(['unix-s', 'unix-ms', 'unix-us'] as const)('as Parquet with times in %s', { timeout: 60_000 }, (format) => {
    const unit = { 'unix-s': 1 / 1000, 'unix-ms': 1, 'unix-us': 1000 }[format]
    const times = fc
      .oneof(fc.integer({ min: -1_000_000, max: now }), fc.constantFrom(now - lag, now - lag + 1, now + 300_000))
      .map((ms) => Math.round(ms * unit))
    return check(viewOf(format), times, async (rows) => [
      await parquet(rows, (name) => (name.endsWith('At') ? 'BIGINT' : typed(name))),
      'parquet',
      rows,
    ])
  })
  it('as Parquet with times as timestamps', { timeout: 60_000 }, () => {
    const times = fc
      .date({ min: new Date('1960-01-01T00:00:00Z'), max: new Date(now + 600_000), noInvalidDate: true })
      .map((date) => date.toISOString())
    return check(viewOf('iso8601'), times, async (rows) => [
      await parquet(
        rows,
        (name) => (name.endsWith('At') ? 'TIMESTAMP' : typed(name)),
        (name, value) => (name.endsWith('At') && value !== null ? String(value as string).replace('Z', '') : value),
      ),
      'parquet',
      rows,
    ])
  })
})

const simple = aView({ fields: { flight: 'string', publishedAt: 'timestamp', n: { type: 'int', nullable: true } }, lag: 0 })
const problem = (path: string, format: ConvertJob['format'], more: Partial<ConvertJob> = {}) =>
  all(job(simple, path, format, more)).then(
    () => 'taken',
    (error: unknown) => (error instanceof ImportRefused ? error.message : `threw ${String(error)}`),
  )

it('goes on where it stopped, with the offsets that it would have had', async () => {
  const lines = Array.from({ length: 10 }, (_, n) => JSON.stringify({ flight: `F${n}`, publishedAt: '2001-01-14T00:00:00Z', n }))
  const path = await fileOf(lines.join('\n'), 'ndjson')
  const [rest] = await all(job(simple, path, 'ndjson', { fromRow: 7 }))
  expect(rest).toMatchObject({ toRow: 10, rejected: 0 })
  expect((await outcome(simple, [rest!])).rows.map(({ row, n }) => [row, n])).toEqual([
    [7, 7],
    [8, 8],
    [9, 9],
  ])
})

it('leaves rows of erased entities out', async () => {
  const { hashOfKey } = await import('../erasure/late-rows.ts')
  const path = await fileOf('flight,publishedAt,n\nF1,2001-01-14T00:00:00Z,1\nF2,2001-01-14T00:00:00Z,2\n', 'csv')
  const erasures = { number: 1, known: [{ fields: ['flight'], keySha256: hashOfKey(['F1']), until: now }] }
  const [converted] = await all(job(simple, path, 'csv', { erasures }))
  expect(converted).toMatchObject({ ignored: 1, rejected: 0 })
  expect((await outcome(simple, [converted!])).rows).toMatchObject([{ flight: 'F2' }])
})

describe('files that are none', () => {
  it.each<[string, string, ConvertJob['format'], RegExp]>([
    [
      'a CSV with a long line',
      'flight,publishedAt,n\nF1,2001-01-14T00:00:00Z,1\nF2,2001-01-14T00:00:00Z,2,3\n',
      'csv',
      /can't be read.*columns/i,
    ],
    ['a CSV with a short line', 'flight,publishedAt,n\nF1,2001-01-14T00:00:00Z\n', 'csv', /can't be read/],
    ['a CSV with an open quote', 'flight,publishedAt,n\n"F1,2001-01-14T00:00:00Z,1\n', 'csv', /can't be read/],
    ['a CSV without a column', 'flight,n\nF1,1\n', 'csv', /no column publishedAt/],
    ['a CSV that names a column twice', 'flight,Flight,publishedAt\n', 'csv', /names flight twice/],
    ['a CSV without a name', 'flight,,publishedAt\n', 'csv', /no name/],
    ['bytes that are no Parquet', 'PAR1, or so it says', 'parquet', /is no Parquet file/],
    ['nothing', '', 'parquet', /is no Parquet file/],
  ])('%s', async (_, content, format, expected) => expect(await problem(await fileOf(content, 'file'), format)).toMatch(expected))

  it('names no path of this machine', async () =>
    expect(await problem(await fileOf('flight,publishedAt\na\n', 'csv'), 'csv')).not.toContain(folder))

  it('a Parquet file with a column of another type, or cut off', async () => {
    const path = join(folder, 'typed.parquet')
    await sql(`copy (select 1 as flight, '2001-01-14T00:00:00Z' as "publishedAt") to ${literal(path)} (format parquet)`)
    expect(await problem(path, 'parquet')).toContain('its column flight is a INTEGER, and the field is a string')
    await sql(
      `copy (select 'F' || i as flight, '2001-01-14T00:00:00Z' as "publishedAt" from range(10000) t(i)) to ${literal(path)} (format parquet)`,
    )
    const { truncate } = await import('node:fs/promises')
    await truncate(path, 10_000)
    expect(await problem(path, 'parquet')).toContain('is no Parquet file')
  })

  it('one that unpacks to more rows than are taken', async () => {
    const path = join(folder, 'bomb.parquet')
    await sql(
      `copy (select 'F1' as flight, '2001-01-14T00:00:00Z' as "publishedAt" from range(1000001)) to ${literal(path)} (format parquet)`,
    )
    expect(await problem(path, 'parquet')).toContain('FEATURE_STORE_MAX_IMPORT_ROWS')
  })

  it('a line of JSON without end is one refused row', async () => {
    const path = await fileOf(
      `{"flight":"${'x'.repeat(3 * 1024 ** 2)}\n{"flight":"F1","publishedAt":"2001-01-14T00:00:00Z"}`,
      'ndjson',
    )
    const [converted] = await all(job(simple, path, 'ndjson'))
    expect(converted).toMatchObject({ rejected: 1, reasons: { ROW_TOO_LARGE: 1 }, sample: [{ row: 1 }] })
  })

  it('SQL for the name of a column', async () => {
    const path = await fileOf(`flight,publishedAt,"x"") from read_csv('/etc/passwd'); --"\nF1,2001-01-14T00:00:00Z,1\n`, 'csv')
    expect((await all(job(simple, path, 'csv')))[0]).toMatchObject({ rejected: 0, segments: [{ rows: 1 }] })
  })
})

it('keeps imported rows apart from those of topics', () => expect(importPartition).toBe(65_535))
