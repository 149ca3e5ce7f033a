import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually as within, pythonWith, type PrivateService, startPrivateKafka } from '@cascata/testing'
import { startTestRegistry } from './formats/test-registry.ts'
import { outsider, settingsForTest, startForTest } from './start-for-test.ts'

const eventually = <T>(check: () => T | Promise<T>) => within(check, { timeout: 60_000 })
const login = 'cascata:secret'
const t0 = Date.parse('2001-01-10T00:00:00Z')
const iso = (ms: number) => new Date(ms).toISOString()

let kafka: PrivateService
let registry: Awaited<ReturnType<typeof startTestRegistry>>
let service: Awaited<ReturnType<typeof startForTest>>
let them: Awaited<ReturnType<typeof outsider>>

beforeAll(async () => {
  kafka = await startPrivateKafka()
  registry = await startTestRegistry(login)
  service = await startForTest(
    settingsForTest(kafka.url, {
      FEATURE_STORE_SCHEMA_REGISTRY_URL: registry.url,
      FEATURE_STORE_SCHEMA_REGISTRY_USER: login.split(':')[0]!,
      FEATURE_STORE_SCHEMA_REGISTRY_PASSWORD: login.split(':')[1]!,
      FEATURE_STORE_MAX_PUSH_ROWS: '50',
      FEATURE_STORE_MAX_PUSH: '2MiB',
    }),
  )
  them = await outsider(kafka.url)
})
afterAll(async () => {
  await them?.close()
  await service?.stop()
  await registry?.close()
  await kafka?.kill()
})

const viewYaml = (name: string, format: string) => `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: ${name}}
spec:
  source: {topic: ${name}, format: ${format}, partitions: 1}
  entity: [flight]
  eventTime: {field: publishedAt}
  ttl: none
  fields: {flight: string, publishedAt: timestamp, seats: {type: int, nullable: true}, share: {type: double, nullable: true}}
`
/** Applies a view and waits until it is read. */
const applied = async (name: string, format = 'json') => {
  await them.apply(viewYaml(name, format))
  await eventually(async () => expect((await service.call('GET', `/v1/views/default/${name}`)).body.partitions).toHaveLength(1))
}
const rowsOf = async (view: string) => (await service.call('GET', `/v1/views/default/${view}`)).body.rows
const lookUp = async (view: string, flights: string[]) =>
  (await service.call('POST', '/v1/features', { features: [`${view}:seats`, `${view}:share`], entities: { flight: flights } }))
    .body
const rejectCodes = async (view: string) =>
  (await service.call('GET', `/v1/views/default/${view}/rejected`)).body.sample.map(({ code }: { code: string }) => code)

const flights = (codec: string, count = 40) =>
  Array.from({ length: count }, (_, n) => ({ flight: `${codec}-${n}`, publishedAt: iso(t0 + n), seats: n, share: n / 4 }))

const avroSchema = JSON.stringify({
  type: 'record',
  name: 'Flight',
  namespace: 'air',
  fields: [
    { name: 'flight', type: 'string' },
    { name: 'publishedAt', type: 'string' },
    { name: 'seats', type: ['null', 'long'] },
    { name: 'share', type: 'double' },
  ],
})
const jsonSchema = JSON.stringify({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Flight',
  type: 'object',
  properties: {
    flight: { type: 'string' },
    publishedAt: { type: 'string' },
    seats: { type: 'integer' },
    share: { type: 'number' },
  },
})

/** Runs a producer of Confluent's Python client, which is librdkafka. */
const produce = async (sends: object[]) => {
  const python = await pythonWith('confluent', ['confluent-kafka[avro,json,schemaregistry]==2.16.1'])
  const child = spawn(python, [fileURLToPath(new URL('formats/produce.py', import.meta.url))], {
    stdio: ['pipe', 'inherit', 'inherit'],
  })
  child.stdin.end(JSON.stringify({ brokers: kafka.url, registry: registry.url, login, sends }))
  const code = await new Promise<number | null>((done) => child.once('exit', done))
  expect(code).toBe(0)
}

describe('a producer of librdkafka', () => {
  const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
  it('is read in every codec and format', { timeout: 180_000 }, async () => {
    const formats = { json: '', avro: avroSchema, 'json-schema': jsonSchema }
    for (const format of Object.keys(formats)) await applied(`by-${format}`, format)
    await produce(
      Object.entries(formats).flatMap(([format, schema]) =>
        codecs.map((codec) => ({ topic: `by-${format}`, codec, format, schema, rows: flights(codec) })),
      ),
    )
    for (const format of Object.keys(formats)) {
      await eventually(async () =>
        expect(await rowsOf(`by-${format}`)).toMatchObject({ accepted: 200, rejected: 0, withUnknownFields: 0 }),
      )
      const found = await lookUp(
        `by-${format}`,
        codecs.map((codec) => `${codec}-39`),
      )
      expect(found.values).toEqual(codecs.map(() => [39, 9.75]))
    }
  })
})

describe('the schema registry', () => {
  const wire = (id: number, payload: Buffer) => {
    const head = Buffer.alloc(5)
    head.writeUInt32BE(id, 1)
    return Buffer.concat([head, payload])
  }
  const short = (text: string) => Buffer.concat([Buffer.from([text.length * 2]), Buffer.from(text)])
  const avroRow = (flight: string) => Buffer.concat([short(flight), short(iso(t0)), Buffer.from([2, 14]), Buffer.alloc(8)])

  it(
    'is waited for when it is down, and rows that name a schema it does not have are rejected',
    { timeout: 120_000 },
    async () => {
      await applied('registry-down', 'avro')
      const carrier = '{"type":"record","name":"air.Carrier","fields":[{"name":"code","type":"string"}]}'
      registry.register('carrier', { schema: carrier, schemaType: 'AVRO' })
      const id = registry.register('registry-down-value', {
        schema: avroSchema
          .replace('"air",', '"air","doc":"of its own",')
          .replace('"share","type":"double"', '"share","type":["double","Carrier"]'),
        references: [{ name: 'air.Carrier', subject: 'carrier', version: 1 }],
      })
      registry.state.down = true
      const asked = registry.state.asked
      // A union of a double and a record: the branch comes before the value.
      const row = Buffer.concat([avroRow('F1').subarray(0, -8), Buffer.from([0]), Buffer.alloc(8)])
      await them.publish('registry-down', [{ value: wire(id, row) }, { value: wire(4_000_000, row) }])
      await eventually(() => expect(registry.state.asked).toBeGreaterThan(asked + 1))
      expect(await rowsOf('registry-down')).toMatchObject({ accepted: 0, rejected: 0 })
      registry.state.down = false
      await eventually(async () => expect(await rowsOf('registry-down')).toMatchObject({ accepted: 1, rejected: 1 }))
      expect(await rejectCodes('registry-down')).toEqual(['SCHEMA_UNKNOWN'])
      expect((await lookUp('registry-down', ['F1'])).values).toEqual([[7, 0]])
    },
  )
})

it('reads change events of Debezium: rows, deletes and tombstones', { timeout: 120_000 }, async () => {
  await applied('changes', 'debezium')
  const key = (flight: string) => JSON.stringify({ schema: { type: 'struct' }, payload: { flight } })
  const row = (flight: string, seats: number) => ({ flight, publishedAt: iso(t0 + seats), seats, share: null })
  const change = (op: string, before: object | null, after: object | null) => ({
    schema: {},
    payload: { op, before, after, ts_ms: t0 },
  })
  await them.publish('changes', [
    { key: key('F1'), value: change('r', null, row('F1', 1)) },
    { key: key('F1'), value: change('u', row('F1', 1), row('F1', 2)) },
    { key: key('F2'), value: change('c', null, row('F2', 5)) },
    { key: key('F2'), value: change('d', row('F2', 5), null) },
    { key: key('F2'), value: null },
  ])
  await eventually(async () => expect(await rowsOf('changes')).toMatchObject({ accepted: 3, deleted: 2, rejected: 0 }))
  expect(await lookUp('changes', ['F1', 'F2'])).toMatchObject({
    values: [
      [2, null],
      [null, null],
    ],
    statuses: [
      ['PRESENT', 'NULL_VALUE'],
      ['NOT_FOUND', 'NOT_FOUND'],
    ],
  })
})

describe('a push', () => {
  const push = (body: object | string, path = '/push') =>
    service.call('POST', path, typeof body === 'string' ? body : JSON.stringify(body), { 'content-type': 'application/json' })
  const frame = { flight: ['F1', 'F2'], publishedAt: [iso(t0), iso(t0)], seats: [1, null], share: [0.5, 1] }
  const feastError = (text: string) => JSON.parse(JSON.parse(text) as string) as { class: string; code: string; message: string }

  beforeAll(() => applied('pushed'))

  it('is in both stores by way of Kafka', { timeout: 60_000 }, async () => {
    const answer = await push({
      push_source_name: 'pushed',
      df: frame,
      to: 'online',
      allow_registry_cache: true,
      transform_on_write: true,
    })
    expect(answer).toMatchObject({ status: 200, text: 'null' })
    await eventually(async () =>
      expect((await lookUp('pushed', ['F1', 'F2'])).values).toEqual([
        [1, 0.5],
        [null, 1],
      ]),
    )
  })

  it('is what Feast’s own client sends to write-to-online-store, with integers of 64 bits', { timeout: 60_000 }, async () => {
    const sent = `{"feature_view_name":"pushed","df":{"flight":["F3"],"seats":[9007199254740993],"share":[2.0],"event_timestamp":["2001-01-10T00:00:01.500000"],"created":[null]},"allow_registry_cache":false}`
    expect(await push(sent, '/write-to-online-store')).toMatchObject({ status: 200, text: 'null' })
    await eventually(async () => {
      const { text } = await service.call('POST', '/v1/features', { features: ['pushed:seats'], entities: { flight: ['F3'] } })
      expect(text).toContain('[[9007199254740993]]')
    })
  })

  it.each<[string, object | string, string, number, string, string]>([
    [
      'an unknown view',
      { push_source_name: 'nobody', df: frame },
      '/push',
      404,
      'PushSourceNotFoundException',
      'FS_PUSH_SOURCE_NOT_FOUND',
    ],
    [
      'an unknown view of a write',
      { feature_view_name: 'nobody', df: frame },
      '/write-to-online-store',
      404,
      'FeatureViewNotFoundException',
      'FS_VIEW_NOT_FOUND',
    ],
    [
      'columns of different lengths',
      { push_source_name: 'pushed', df: { ...frame, seats: [1] } },
      '/push',
      422,
      'FeastError',
      'FS_PUSH_INVALID',
    ],
    [
      'a column that is none',
      { push_source_name: 'pushed', df: { flight: 'F1' } },
      '/push',
      422,
      'FeastError',
      'FS_PUSH_INVALID',
    ],
    ['no data frame', { push_source_name: 'pushed' }, '/push', 422, 'FeastError', 'FS_PUSH_INVALID'],
    [
      'a place that is none',
      { push_source_name: 'pushed', df: frame, to: 'nowhere' },
      '/push',
      422,
      'FeastError',
      'FS_PUSH_INVALID',
    ],
    [
      'a value of the wrong type',
      { push_source_name: 'pushed', df: { ...frame, seats: ['many', 1] } },
      '/push',
      422,
      'FeastError',
      'FS_PUSH_REJECTED',
    ],
    [
      'an event time in the future',
      { push_source_name: 'pushed', df: { ...frame, publishedAt: [iso(t0), '2999-01-01T00:00:00Z'] } },
      '/push',
      422,
      'FeastError',
      'FS_PUSH_REJECTED',
    ],
    [
      'a null in the key',
      { push_source_name: 'pushed', df: { ...frame, flight: ['F1', null] } },
      '/push',
      422,
      'FeastError',
      'FS_PUSH_REJECTED',
    ],
    [
      'a row of more than a mebibyte',
      { push_source_name: 'pushed', df: { ...frame, more: ['x'.repeat(1024 ** 2), ''] } },
      '/push',
      422,
      'FeastError',
      'FS_PUSH_REJECTED',
    ],
    [
      'too many rows',
      {
        push_source_name: 'pushed',
        df: Object.fromEntries(Object.entries(frame).map(([name, values]) => [name, Array(51).fill(values[0])])),
      },
      '/push',
      422,
      'FeastError',
      'FS_PUSH_TOO_LARGE',
    ],
    [
      'a body that is too large',
      `{"push_source_name":"pushed","df":{"x":["${'x'.repeat(2 * 1024 ** 2)}"]}}`,
      '/push',
      413,
      'FeastError',
      'HTTP_BODY_TOO_LARGE',
    ],
    [
      'a column named __proto__',
      '{"push_source_name":"pushed","df":{"__proto__":[1]}}',
      '/push',
      400,
      'FeastError',
      'HTTP_JSON_FORBIDDEN_KEY',
    ],
    ['a view of another format', { push_source_name: 'changes', df: frame }, '/push', 422, 'FeastError', 'FS_PUSH_INVALID'],
    [
      'SQL for a name',
      { push_source_name: "x'; drop table view; --", df: frame },
      '/push',
      404,
      'PushSourceNotFoundException',
      'FS_PUSH_SOURCE_NOT_FOUND',
    ],
  ])('with %s is refused in Feast’s form', async (_, body, path, status, name, code) => {
    const answer = await push(body, path)
    expect(answer.status).toBe(status)
    expect(feastError(answer.text)).toMatchObject({ class: name, code })
  })

  it('of several rows with one that is wrong pushes none, and names it', async () => {
    const before = await rowsOf('pushed')
    const answer = await push({ push_source_name: 'pushed', df: { ...frame, share: [1, 'x'] } })
    expect(feastError(answer.text).message).toContain('row 1 WRONG_TYPE, share')
    await push({ push_source_name: 'pushed', df: { ...frame, flight: ['F8', 'F9'] } })
    await eventually(async () => expect(await rowsOf('pushed')).toMatchObject({ accepted: before.accepted + 2, rejected: 0 }))
  })
})

describe('the page', () => {
  const page = readFileSync(new URL('../../../docs/ways-in.md', import.meta.url), 'utf8')

  it('has a view that is legal', () => expect(them.apply(/```yaml\n([^`]+)```/.exec(page)![1]!)).resolves.toBeUndefined())

  it('has a push that works', { timeout: 60_000 }, async () => {
    await applied('plans')
    const body = /curl [^\n]*\/push[^']*'content-type: application\/json' -d '([^']+)'/.exec(page)![1]!
    expect(await service.call('POST', '/push', body, { 'content-type': 'application/json' })).toMatchObject({
      status: 200,
      text: 'null',
    })
    await eventually(async () => expect((await lookUp('plans', ['F1'])).values).toEqual([[120, null]]))
  })

  it('names every reject code', () => {
    const source = readFileSync(new URL('ingest/validate-fields.ts', import.meta.url), 'utf8')
    const codes = [
      ...source
        .slice(source.indexOf('type RejectCode'), source.indexOf('/** What is wrong with a value'))
        .matchAll(/'([A-Z_]+)'/g),
    ]
    expect(codes.length).toBeGreaterThan(10)
    for (const [, code] of codes) expect(page).toContain(`\`${code}\``)
  })
})
