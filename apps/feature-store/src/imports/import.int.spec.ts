import { createHash } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually as within, type PrivateService, startPrivateKafka } from '@cascata/testing'
import { literal, openDuck, rowsOf } from '../offline/duckdb.ts'
import { outsider, settingsForTest, startForTest } from '../start-for-test.ts'

const eventually = <T>(check: () => T | Promise<T>) => within(check, { timeout: 120_000 })
const t0 = Date.parse('2001-01-10T00:00:00Z')
const hour = 3_600_000
const iso = (ms: number) => new Date(ms).toISOString()

let kafka: PrivateService
let service: Awaited<ReturnType<typeof startForTest>>
let them: Awaited<ReturnType<typeof outsider>>
let settings: Record<string, string>

beforeAll(async () => {
  kafka = await startPrivateKafka()
  settings = settingsForTest(kafka.url, { FEATURE_STORE_MAX_IMPORT: '64MiB' })
  service = await startForTest(settings)
  them = await outsider(kafka.url)
})
afterAll(async () => {
  await them?.close()
  await service?.stop()
  await kafka?.kill()
})

const viewYaml = (name: string) => `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: ${name}}
spec:
  source: {topic: ${name}, partitions: 1, lag: 1h, idleAfter: 1s}
  entity: [flight]
  eventTime: {field: publishedAt}
  ttl: none
  fields: {flight: string, publishedAt: timestamp, n: {type: int, min: 0}}
`
const applied = async (name: string, more = '') => {
  await them.apply(viewYaml(name) + more)
  await eventually(async () => expect((await service.call('GET', `/v1/views/default/${name}`)).body.partitions).toHaveLength(1))
}
const stateOf = async (view: string) => (await service.call('GET', `/v1/views/default/${view}`)).body
const lookUp = async (view: string, flights: string[]) =>
  (await service.call('POST', '/v1/features', { features: [`${view}:n`], entities: { flight: flights } })).body

interface Given {
  name: string
  content: Buffer
  format?: 'csv' | 'ndjson' | 'parquet'
}
const csv = (rows: readonly [string, number, number | string][]): Buffer =>
  Buffer.from(`flight,publishedAt,n\n${rows.map(([flight, at, n]) => `${flight},${iso(at)},${n}\n`).join('')}`)
const file = ({ content, name, format = 'csv' }: Given) => ({
  sha256: createHash('sha256').update(content).digest('hex'),
  name,
  bytes: content.length,
  format,
})
const ask = (view: string, files: readonly Given[], more: object = {}) =>
  service.call('POST', '/v1/imports', { view, files: files.map(file), ...more })
const send = (id: string, { content, ...rest }: Given, from = 0, to = content.length) =>
  service.call('PUT', `/v1/imports/${id}/files/${file({ content, ...rest }).sha256}?offset=${from}`, content.subarray(from, to), {
    'content-type': 'application/octet-stream',
  })
const ended = (id: string) =>
  eventually(async () => {
    const { body } = await service.call('GET', `/v1/imports/${id}`)
    expect(['done', 'failed']).toContain(body.state)
    return body
  })
const imported = async (view: string, files: readonly Given[], more: object = {}) => {
  const { status, body } = await ask(view, files, more)
  expect(status).toBe(202)
  for (const each of files) await send(body.id, each)
  return ended(body.id)
}
const parquet = async (name: string, bytes: Buffer, select: string, rest: string) => {
  const path = join(settings['CASCATA_HOME']!, `${name}.parquet`)
  writeFileSync(path, bytes)
  const duck = await openDuck({ folder: settings['CASCATA_HOME']!, name: 'reading', memory: 128 * 1024 ** 2, threads: 1 })
  const connection = await duck.connect()
  const rows = await rowsOf(connection, `${select} from read_parquet(${literal(path)}) ${rest}`)
  connection.closeSync()
  duck.close()
  return rows
}
const offline = async (view: string) => {
  const { bytes } = await service.call('GET', `/v1/views/default/${view}/rows`)
  return parquet(
    view,
    bytes,
    'select flight, n::INTEGER as n, epoch_ms(__event_time)::DOUBLE as et, epoch_ms(__available_at)::DOUBLE as av, __offset::INTEGER as ofs',
    'order by __offset',
  )
}

it(
  'is in both stores with the times of imported rows, moves the watermark, and a second time adds nothing',
  { timeout: 300_000 },
  async () => {
    await applied('plans')
    const one = {
      name: 'a.csv',
      content: csv([
        ['F1', t0 + 2 * hour, 2],
        ['F1', t0, 1],
        ['F2', t0 + hour, 5],
      ]),
    }
    const two = {
      name: 'b.ndjson',
      format: 'ndjson' as const,
      content: Buffer.from(`{"flight":"F3","publishedAt":"${iso(t0 + 3 * hour)}","n":7}\n`),
    }
    const done = await imported('plans', [one, two])
    expect(done).toMatchObject({ state: 'done', accepted: 4, rejected: 0, rows: 4 })
    expect(await lookUp('plans', ['F1', 'F2', 'F3', 'F4'])).toMatchObject({ values: [[2], [5], [7], [null]] })
    expect(await offline('plans')).toEqual([
      { flight: 'F1', n: 2, et: t0 + 2 * hour, av: t0 + 3 * hour, ofs: 0 },
      { flight: 'F1', n: 1, et: t0, av: t0 + hour, ofs: 1 },
      { flight: 'F2', n: 5, et: t0 + hour, av: t0 + 2 * hour, ofs: 2 },
      { flight: 'F3', n: 7, et: t0 + 3 * hour, av: t0 + 4 * hour, ofs: 3 },
    ])
    expect(await stateOf('plans')).toMatchObject({ watermark: iso(t0 + 3 * hour), rows: { accepted: 4, rejected: 0 } })

    const again = await ask('plans', [two, { ...one, name: 'renamed.csv' }])
    expect(again.body).toMatchObject({ id: done.id, state: 'done' })
    const more = await imported('plans', [one, { name: 'c.csv', content: csv([['F9', t0, 9]]) }])
    expect(more).toMatchObject({ state: 'done', accepted: 1, files: [{ state: 'repeated' }, { state: 'converted' }] })
    expect((await offline('plans')).map(({ ofs }) => ofs)).toEqual([0, 1, 2, 3, 4])
    expect(readdirSync(join(settings['CASCATA_HOME']!, 'feature-store', 'imports'))).toEqual([])

    // Rows that come by the topic after it go on as ever.
    await them.publish('plans', [{ value: { flight: 'F1', publishedAt: iso(t0 + 5 * hour), n: 11 }, timestamp: t0 + 5 * hour }])
    await eventually(async () => expect((await lookUp('plans', ['F1'])).values).toEqual([[11]]))
    await eventually(async () => expect((await stateOf('plans')).watermark).toBe(iso(t0 + 5 * hour)))
  },
)

it('lists refused rows by file and row, and keeps nothing when they are too many', { timeout: 300_000 }, async () => {
  await applied('strict')
  const content = csv([
    ['F1', t0, 1],
    ['F2', t0, -1],
    ['F3', t0, 'many'],
    ['F4', Date.parse('2999-01-01T00:00:00Z'), 1],
    ['F5', Date.now() - 60_000, 1],
  ])
  const refused = await imported('strict', [{ name: 'bad.csv', content }], { maxRejects: 3 })
  expect(refused).toMatchObject({ state: 'failed', error: { code: 'FS_IMPORT_REJECTED' } })
  expect(await offline('strict')).toEqual([])
  expect((await lookUp('strict', ['F1'])).statuses).toEqual([['NOT_FOUND']])

  const taken = await imported('strict', [{ name: 'bad.csv', content }], { maxRejects: 4 })
  expect(taken).toMatchObject({
    state: 'done',
    accepted: 1,
    rejected: 4,
    reasons: { OUT_OF_RANGE: 1, WRONG_TYPE: 1, EVENT_TIME_IN_FUTURE: 2 },
  })
  expect(taken.rejects).toMatchObject([
    { file: 'bad.csv', row: 2, code: 'OUT_OF_RANGE', field: 'n' },
    { file: 'bad.csv', row: 3, code: 'WRONG_TYPE', field: 'n' },
    { file: 'bad.csv', row: 4, code: 'EVENT_TIME_IN_FUTURE', field: 'publishedAt' },
    { file: 'bad.csv', row: 5, code: 'EVENT_TIME_IN_FUTURE', field: 'publishedAt' },
  ])
  expect(await stateOf('strict')).toMatchObject({ rows: { accepted: 1, rejected: 4 } })
})

it(
  'goes on with a file where sending stopped, and with the next replica where converting stopped',
  { timeout: 300_000 },
  async () => {
    await applied('resumed')
    const rows = Array.from(
      { length: 80_000 },
      (_, n) => `{"flight":"F${n % 1000}","publishedAt":"${iso(t0 + n * 10)}","n":${n}}`,
    )
    const given = { name: 'rows.ndjson', format: 'ndjson' as const, content: Buffer.from(rows.join('\n')) }
    const { body } = await ask('resumed', [given])
    const half = 2 * 1024 ** 2
    expect((await send(body.id, given, 0, half)).body).toEqual({ received: half })
    expect((await ask('resumed', [given])).body.files).toMatchObject([{ received: half }])
    const skipping = await send(body.id, given, half + 1)
    expect(skipping).toMatchObject({ status: 409, body: { code: 'FS_IMPORT_OFFSET', details: { received: half } } })
    expect((await send(body.id, given, half - 100)).status).toBe(200)
    await eventually(async () => expect((await service.call('GET', `/v1/imports/${body.id}`)).body.rows).toBeGreaterThan(0))
    await service.stop()
    service = await startForTest(settings)
    const done = await ended(body.id)
    expect(done).toMatchObject({ state: 'done', accepted: 80_000, rejected: 0 })
    const offsets = (await offline('resumed')).map(({ ofs }) => ofs)
    expect(offsets).toHaveLength(80_000)
    expect(new Set(offsets).size).toBe(80_000)
    expect((await lookUp('resumed', ['F7'])).values).toEqual([[79_007]])
  },
)

it(
  'ripens labels and is in datasets, and one that rests on a snapshot before it stays as it was',
  { timeout: 300_000 },
  async () => {
    const flights = Array.from({ length: 30 }, (_, n) => n)
    await applied(
      'observed',
      `
---
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: labels}
spec:
  source: {topic: labels, partitions: 1}
  entity: [flight]
  eventTime: {field: landedAt, format: unix-ms}
  fields: {flight: string, landedAt: timestamp, delayed: bool}
---
apiVersion: cascata/v1
kind: Model
metadata: {name: delay}
spec:
  task: binary
  observations: {view: observed}
  label: {field: "labels:delayed", within: 2h}
  features: ["observed:n"]
`,
    )
    await eventually(async () => expect((await service.call('GET', '/v1/views/default/labels')).body.partitions).toHaveLength(1))
    await imported('observed', [{ name: 'o.csv', content: csv(flights.map((n) => [`F${n}`, t0 + n * hour, n])) }])
    // Known an hour after they happened; labelled an hour after that.
    const landings = flights.map((n) => `F${n},${t0 + (n + 2) * hour},${n % 3 === 0}\n`).join('')
    await imported('labels', [{ name: 'l.csv', content: Buffer.from(`flight,landedAt,delayed\n${landings}`) }])
    const build = async (body: object) => {
      const { body: asked } = await service.call('POST', '/v1/datasets', body)
      return eventually(async () => {
        const { body: built } = await service.call('GET', `/v1/datasets/${asked.id}`)
        expect(built.state).toBe('built')
        return built
      })
    }
    const built = await build({ model: 'delay' })
    // The watermark of labels stands at t0 + 31 h: of observations known at t0 + 1 h … 30 h, those up to 29 h are ripe.
    expect(built).toMatchObject({ rows: 29, cutoff: iso(t0 + 29 * hour) })
    const ripe = /ripe_labels\{[^}]*model="delay",kind="ripe"[^}]*\} 29\b/
    await eventually(async () => expect((await service.call('GET', '/metrics')).text).toMatch(ripe))
    expect(built.snapshot).toContainEqual(expect.objectContaining({ view: 'observed', partition: 65_535, to: 30 }))

    await imported('observed', [{ name: 'late.csv', content: csv([['F1', t0 + hour, 1_000]]) }])
    const later = await build({ model: 'delay' })
    expect(later.hash).not.toBe(built.hash)
    expect(later.snapshot).toContainEqual(expect.objectContaining({ view: 'observed', partition: 65_535, to: 31 }))
  },
)

it('counts in windows once, beside rows of the topic, and when these are read again', { timeout: 300_000 }, async () => {
  await them.apply(
    `${viewYaml('windowed')}  aggregations:
    total: {fn: sum, of: n, windows: [3h, 7d]}
    rows: {fn: count, windows: [7d]}
`,
  )
  await eventually(async () => expect((await stateOf('windowed')).partitions).toHaveLength(1))
  const names = ['total_3h', 'total_7d', 'rows_7d']
  const features = names.map((name) => `windowed:${name}`)
  const at = t0 + 8 * hour
  const online = async () =>
    (await service.call('POST', '/v1/features', { features, entities: { flight: ['F1', 'F2'] } }, { 'cascata-at': iso(at) })).body
      .values
  const offlineThen = async () => {
    const spine = await service.call('PUT', '/v1/spines', `flight,at\nF1,${iso(at)}\nF2,${iso(at)}\n`, {
      'content-type': 'text/csv',
    })
    const { body } = await service.call('POST', '/v1/datasets', { features, spine: spine.body.sha256 })
    await eventually(async () => expect((await service.call('GET', `/v1/datasets/${body.id}`)).body.state).toBe('built'))
    const { bytes } = await service.call('GET', `/v1/datasets/${body.id}/data`)
    const columns = names.map((name) => `windowed__${name}`)
    const rows = await parquet(
      'asked',
      bytes,
      `select ${columns.map((each) => `${each}::DOUBLE as ${each}`).join(', ')}`,
      'order by flight',
    )
    return rows.map((row) => columns.map((each) => row[each]))
  }
  const content = csv([
    ['F1', t0, 1],
    ['F1', t0 + 6 * hour, 10],
    ['F1', t0 + 7 * hour, 100],
    ['F2', t0 + 1 * hour, 7],
  ])
  const first = await imported('windowed', [{ name: 'w.csv', content }])
  expect(first).toMatchObject({ state: 'done', accepted: 4 })
  const before = [[110, 111, 3], [null, 7, 1]] // prettier-ignore
  await eventually(async () => expect(await online()).toEqual(before))
  expect(await offlineThen()).toEqual(before)

  const live = { flight: 'F1', publishedAt: iso(t0 + 7.5 * hour), n: 1_000 }
  await them.publish('windowed', [{ value: live, timestamp: t0 + 7.5 * hour }])
  const after = [[1_110, 1_111, 4], [null, 7, 1]] // prettier-ignore
  await eventually(async () => expect(await online()).toEqual(after))
  expect(await imported('windowed', [{ name: 'again.csv', content }])).toMatchObject({ id: first.id, accepted: 4 })
  expect((await service.call('POST', '/v1/views/default/windowed/replay', { from: iso(t0) })).status).toBe(200)
  await eventually(async () => expect(await stateOf('windowed')).toMatchObject({ partitions: [{ epoch: 1, nextOffset: 1 }] }))
  await eventually(async () => expect(await online()).toEqual(after))
  expect(await offlineThen()).toEqual(after)
})

describe('what is refused', () => {
  beforeAll(() => applied('picky'))
  it.each<[string, object, number, string]>([
    ['an unknown view', { view: 'nobody', files: [file({ name: 'a.csv', content: csv([]) })] }, 404, 'FS_VIEW_NOT_FOUND'],
    ['no file', { view: 'picky', files: [] }, 422, 'FS_IMPORT_INVALID'],
    [
      'a path for a hash',
      { view: 'picky', files: [{ sha256: '../../etc/passwd', name: 'x', bytes: 1, format: 'csv' }] },
      422,
      'FS_IMPORT_INVALID',
    ],
    ['a URL for a file', { view: 'picky', files: ['http://localhost/x.csv'] }, 422, 'FS_IMPORT_INVALID'],
    [
      'more bytes than are taken',
      { view: 'picky', files: [{ sha256: 'a'.repeat(64), name: 'x', bytes: 65 * 1024 ** 2, format: 'csv' }] },
      422,
      'FS_IMPORT_TOO_LARGE',
    ],
  ])('%s', async (_, body, status, code) => {
    const answer = await service.call('POST', '/v1/imports', body)
    expect(answer).toMatchObject({ status, body: { code } })
  })
  it('content that is not what was announced', { timeout: 300_000 }, async () => {
    const given = { name: 'a.csv', content: csv([['F1', t0, 1]]) }
    const { body } = await ask('picky', [given])
    const other = Buffer.from(given.content)
    other.write('X', 30)
    await service.call('PUT', `/v1/imports/${body.id}/files/${file(given).sha256}?offset=0`, other, {
      'content-type': 'application/octet-stream',
    })
    expect(await ended(body.id)).toMatchObject({ state: 'failed', error: { code: 'FS_IMPORT_UNREADABLE' } })
  })
  it('a replay, which would lose what was imported', { timeout: 300_000 }, async () => {
    expect(await imported('picky', [{ name: 'b.csv', content: csv([['F1', t0, 1]]) }])).toMatchObject({ state: 'done' })
    expect(await service.call('POST', '/v1/views/default/picky/replay', {})).toMatchObject({
      status: 409,
      body: { code: 'FS_REPLAY_REFUSED' },
    })
  })
})
