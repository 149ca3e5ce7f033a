import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually as within, type PrivateService, startPrivateKafka, startPrivateRedis, uniqueName } from '@cascata/testing'
import { type Duck, literal, openDuck, rowsOf } from '../offline/duckdb.ts'
import { openRedis } from '../online/redis.ts'
import { outsider, settingsForTest, startForTest } from '../start-for-test.ts'

/** The machine of a test may be busy. */
const eventually = <T>(check: () => T | Promise<T>) => within(check, { timeout: 60_000 })

const minute = 60_000
const t0 = Date.parse('2001-01-14T12:00:00Z')
const iso = (ms: number) => new Date(ms).toISOString()

let kafka: PrivateService
let redisServer: PrivateService
let redis: ReturnType<typeof openRedis>
let service: Awaited<ReturnType<typeof startForTest>>
let them: Awaited<ReturnType<typeof outsider>>
let duck: Duck
let home: string

beforeAll(async () => {
  ;[kafka, redisServer] = await Promise.all([startPrivateKafka(), startPrivateRedis()])
  const settings = settingsForTest(kafka.url, { REDIS_URL: redisServer.url })
  home = settings['CASCATA_HOME']!
  service = await startForTest(settings)
  them = await outsider(kafka.url)
  redis = openRedis(redisServer.url, () => {})
  duck = await openDuck({ folder: home, name: 'reading', memory: 128 * 1024 ** 2, threads: 1 })
})
afterAll(async () => {
  duck?.close()
  redis?.disconnect()
  await them?.close()
  await service?.stop()
  await Promise.all([kafka?.kill(), redisServer?.kill()])
})

const landings = (aggregations: string, more = '') => `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: landings}
spec:
  source: {topic: landings, partitions: 2}
  entity: [airport]
  eventTime: {field: landedAt}
  fields: {airport: string, landedAt: timestamp, delayMin: {type: double, nullable: true}}
  aggregations:
${aggregations}
${more}`

const both = `    delay: {fn: mean, of: delayMin, windows: [3h, 7d]}
    landings: {fn: count, windows: [3h]}`

/** Airport, minutes after t0, and delay. */
const publish = (rows: readonly (readonly [airport: string, at: number, delay: number | null])[], partition = 0) =>
  them.publish(
    'landings',
    rows.map(([airport, at, delayMin]) => ({
      value: { airport, landedAt: iso(t0 + at * minute), delayMin },
      timestamp: t0 + at * minute,
      partition,
    })),
  )

const ask = (names: readonly string[], airports: readonly string[], at: number) =>
  service.call(
    'POST',
    '/v1/features',
    { features: names.map((name) => `landings:${name}`), entities: { airport: airports } },
    { 'cascata-at': iso(t0 + at * minute) },
  )

const names = ['delay_3h', 'delay_7d', 'landings_3h']
const stateOf = async () => (await service.call('GET', '/v1/views/default/landings')).body

const parquet = async (bytes: Buffer, sql: (source: string) => string) => {
  const path = join(home, `${uniqueName('answer')}.parquet`)
  writeFileSync(path, bytes)
  const connection = await duck.connect()
  const rows = await rowsOf(connection, sql(`read_parquet(${literal(path)})`))
  connection.closeSync()
  return rows
}

/** The same as of an instant, from a dataset. */
async function asOf(features: readonly string[], airport: string, at: number) {
  const spine = await service.call('PUT', '/v1/spines', `airport,at\n${airport},${iso(t0 + at * minute)}\n`, {
    'content-type': 'text/csv',
  })
  const asked = { features: features.map((name) => `landings:${name}`), spine: spine.body.sha256 }
  const { body } = await service.call('POST', '/v1/datasets', asked)
  await eventually(async () => expect((await service.call('GET', `/v1/datasets/${body.id}`)).body.state).toBe('built'))
  const { bytes } = await service.call('GET', `/v1/datasets/${body.id}/data`)
  const [row] = await parquet(bytes, (source) => `select * from ${source}`)
  return features.map((name) => row![`landings__${name}`])
}

it('serves windows whose head is exact and whose tail lies on the hop', async () => {
  await them.apply(landings(both))
  await eventually(async () => expect((await stateOf()).state).toBe('active'))
  // 09:07 is in the tile of 09:05, which a window of 3 h reaches until 12:09:59.
  await publish([
    ['ATL', -173, 10],
    ['ATL', -20, 20],
    ['ATL', -10, null],
    ['SFO', -4 * 60, 5],
  ])
  await publish([['ATL', 0, 60]], 1)

  await eventually(async () => {
    const { body } = await ask(names, ['ATL', 'SFO', 'NIX'], 9)
    expect(body).toMatchObject({
      names: names.map((name) => `landings:${name}`),
      values: [
        [30, 30, 4],
        [null, 5, 0],
        [null, null, null],
      ],
      statuses: [
        ['PRESENT', 'PRESENT', 'PRESENT'],
        ['NULL_VALUE', 'PRESENT', 'PRESENT'],
        ['NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
      ],
    })
  })
  expect((await ask(names, ['ATL'], 10)).body.values).toEqual([[40, 30, 3]])
  expect((await ask(names, ['ATL'], 7 * 24 * 60 - 60)).body.values).toEqual([[null, 40, 0]])
  expect((await ask(['delayMin'], ['ATL'], 0)).body).toMatchObject({ code: 'FS_FEATURE_NOT_FOUND' })

  const feast = await service.call(
    'POST',
    '/get-online-features',
    { features: ['landings:landings_3h', 'landings:delay_3h'], entities: { airport: ['ATL', 'SFO'] } },
    { 'cascata-at': iso(t0 + 9 * minute) },
  )
  expect(feast.body).toMatchObject({
    metadata: { feature_names: ['airport', 'landings_3h', 'delay_3h'] },
    results: [
      {},
      { values: [4, 0], statuses: ['PRESENT', 'PRESENT'] },
      { values: [30, null], statuses: ['PRESENT', 'NULL_VALUE'] },
    ],
  })
})

it('answers as of a time like datasets do, and gives its rows as they came', async () => {
  for (const at of [9, 10])
    expect(await asOf(names, 'ATL', at)).toEqual((await ask(names, ['ATL'], at)).body.values[0].map(asSql))
  // The row of 12:00 was not known at 11:59.
  expect(await asOf(names, 'ATL', -1)).toEqual([15, 15, 3n])
  expect(await asOf(names, 'NIX', 9)).toEqual([null, null, null])
  const { bytes } = await service.call('GET', '/v1/views/default/landings/rows')
  expect(await parquet(bytes, (source) => `select count(*)::INTEGER as n, sum("delayMin") as total from ${source}`)).toEqual([
    { n: 5, total: 95 },
  ])
})

const asSql = (value: unknown, index: number) => (names[index] === 'landings_3h' ? BigInt(value as number) : value)

it('counts what came too late for every window, and refuses deletes', async () => {
  await publish([['ATL', -9 * 24 * 60, 1000]])
  await them.publish('landings', [{ key: JSON.stringify({ airport: 'ATL' }), value: null, timestamp: t0, partition: 0 }])
  await eventually(async () => expect((await stateOf()).rows).toMatchObject({ accepted: 6, rejected: 1, deleted: 0, tooLate: 1 }))
  expect((await ask(names, ['ATL'], 9)).body.values).toEqual([[30, 30, 4]])
  const { body } = await service.call('GET', '/v1/views/default/landings/rejected')
  expect(body.sample[0]).toMatchObject({ code: 'NO_VALUE' })
})

it('is whole again after Redis was wiped, with the rows that came meanwhile', async () => {
  await redis.flushall()
  await publish([['ATL', 1, 70]])
  await eventually(async () => {
    const { status, body } = await ask(names, ['ATL', 'SFO'], 9)
    expect([status, body.values]).toEqual([
      200,
      [
        [40, 40, 5],
        [null, 5, 0],
      ],
    ])
  })
})

it('builds a changed aggregation from the rows it has, and says so meanwhile', async () => {
  const answers = new Set<string>()
  await them.apply(landings(`${both}\n    worst: {fn: max, of: delayMin, windows: [12h]}`))
  await eventually(async () => {
    const { status, body } = await ask(['worst_12h', ...names], ['ATL'], 9)
    answers.add(body.code ?? String(status))
    expect(status).toBe(200)
    expect(body.values).toEqual([[70, 40, 40, 5]])
  })
  for (const answer of answers) expect(['200', 'FS_VIEW_BUILDING', 'FS_FEATURE_NOT_FOUND']).toContain(answer)
  expect(await asOf(['worst_12h', 'delay_3h'], 'ATL', 9)).toEqual([70, 40])
  expect((await stateOf()).state).toBe('active')
})
