import { execFile } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { facts, routeChanged, routes, versionRegistered } from '@cascata/events'
import { fact, toRecord } from '@cascata/messaging'
import { eventually, type PrivateService, pythonWith, startPrivateKafka, uniqueName } from '@cascata/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { outsider, settingsForTest, startForTest } from '../start-for-test.ts'

const run = promisify(execFile)
const [plans, legs, tickets, pictures] = ['plans', 'routes', 'tickets', 'media'].map((name) => uniqueName(name)) as [
  string,
  string,
  string,
  string,
]
const now = Date.now()
const iso = (ms: number) => new Date(ms).toISOString()
const departs = Math.floor(now / 1_000) * 1_000

const yaml = `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: plans}
spec:
  source: {topic: ${plans}, partitions: 1}
  entity: [flight]
  eventTime: {field: at}
  ttl: 30d
  fields:
    flight: string
    at: timestamp
    carrier: {type: string, nullable: true}
    distanceKm: double
    share: float
    seats: int
    gates: int32
    late: bool
    departsAt: timestamp
---
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: routes}
spec:
  source: {topic: ${legs}, partitions: 1}
  entity: [origin, destination]
  eventTime: {field: at}
  ttl: 1h
  fields: {origin: string, destination: string, at: timestamp, delay: double}
---
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: tickets}
spec:
  source: {topic: ${tickets}, partitions: 1}
  entity: [ticket]
  eventTime: {field: at}
  ttl: none
  fields: {ticket: int, at: timestamp, price: double}
---
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: media}
spec:
  source: {topic: ${pictures}, partitions: 1}
  entity: [flight]
  eventTime: {field: at}
  fields:
    flight: string
    at: timestamp
    photo: {type: bytes, nullable: true}
    tags: {type: list<string>, nullable: true}
    vector: {type: list<double>, nullable: true}
    ids: {type: list<int64>, nullable: true}
    flags: {type: list<boolean>, nullable: true}
    takenAt: {type: timestamp, nullable: true}
`

let kafka: PrivateService
let service: Awaited<ReturnType<typeof startForTest>>
let them: Awaited<ReturnType<typeof outsider>>
beforeAll(async () => {
  kafka = await startPrivateKafka()
  const settings = settingsForTest(kafka.url)
  service = await startForTest(settings)
  them = await outsider(kafka.url)
  await them.apply(yaml)
  await eventually(async () => {
    const { body } = await service.call('GET', '/v1/views')
    expect(body.views).toHaveLength(4)
  })
  const send = async (topic: string, value: object | string) => them.publish(topic, [{ value, timestamp: now - 60_000 }])
  const plan = { at: iso(now - 60_000), distanceKm: 100, share: 0.1, seats: 9_223_372_036_854_775, gates: 2, late: false }
  await eventually(() => send(plans, { ...plan, flight: 'F1', carrier: 'AA', departsAt: iso(departs) }))
  await send(plans, { ...plan, flight: 'F2', carrier: null, distanceKm: 0.5, departsAt: iso(departs) })
  await send(legs, { origin: 'ATL', destination: 'SFO', at: iso(now - 60_000), delay: 3 })
  await send(legs, { origin: 'SFO', destination: 'ATL', at: iso(now - 2 * 3_600_000), delay: 4 })
  await send(tickets, `{"ticket":9007199254740993,"at":"${iso(now - 60_000)}","price":7}`)
  await send(tickets, `{"ticket":9007199254740992,"at":"${iso(now - 60_000)}","price":8}`)
  const taken = { at: iso(now - 60_000), takenAt: iso(departs) }
  await send(pictures, {
    ...taken,
    flight: 'M1',
    photo: 'AP8B',
    tags: ['late', 'ä'],
    vector: [1, 2.5],
    ids: [1, -2],
    flags: [true, false],
  })
  await send(pictures, { flight: 'M2', at: iso(now - 60_000), photo: null, tags: null })
  await send(pictures, { ...taken, flight: 'M3', photo: '', tags: [], vector: [], ids: [], flags: [] })
  await publishVersion()
  await eventually(async () => {
    for (const [view, rows] of [
      ['plans', 2],
      ['routes', 2],
      ['tickets', 2],
      ['media', 3],
    ] as const)
      expect((await service.call('GET', `/v1/views/default/${view}`)).body.rows.accepted).toBe(rows)
    const asked = { feature_service: 'delay', entities: { flight: ['F1'] } }
    expect((await service.call('POST', '/get-online-features', asked)).status).toBe(200)
  })
}, 300_000)
afterAll(async () => {
  await them?.close()
  await service?.stop()
  await kafka?.kill()
})

/** Version 3 of a model is registered, then serves. */
async function publishVersion(): Promise<void> {
  const model = { namespace: 'default', model: 'delay', revision: 1 }
  const columns = ['plans__distanceKm', 'plans__carrier', 'gateChanges']
  const registered = fact(versionRegistered, {
    ...model,
    version: '3',
    origin: 'platform',
    run: uniqueName('r'),
    dataset: null,
    datasetHash: null,
    code: null,
    modelSha256: null,
    inputs: { hash: 'a1b2'.repeat(16), schema: columns.map((name) => ({ name, type: 'double' })) },
    cutoff: null,
    profileSha256: null,
  })
  const split = [{ version: '3', from: 0, to: 10_000 }]
  const changed = fact(routeChanged, { ...model, generation: 1, champion: '3', split, warm: [] })
  await them.producer.send({ topic: facts.name, messages: [toRecord(registered as never, 'registry')] })
  await them.producer.send({ topic: routes.name, messages: [toRecord(changed as never, 'deployer')] })
}

/** Of Feast, and of those who read datasets. */
const python = () => pythonWith('feast', ['feast==0.67.0', 'polars==2.1.0', 'duckdb==2.0.1', 'msgpack==1.2.4'])

it('serves the real client of Feast', { timeout: 900_000 }, async () => {
  const { stdout } = await run(await python(), [join(import.meta.dirname, 'feast-client.py'), service.url], {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', FEAST_USAGE: 'False' },
    timeout: 300_000,
    maxBuffer: 1e7,
  })
  const answers = JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, unknown>
  const flights = { flight: ['F1', 'F2', 'F9'] }
  expect(answers).toEqual({
    media: {
      values: {
        flight: ['M1', 'M2', 'M3', 'M9'],
        // Feast's client leaves the base64 of bytes as it is.
        photo: ['AP8B', null, '', null],
        tags: [['late', 'ä'], null, null, null],
        vector: [[1, 2.5], null, null, null],
        ids: [[1, -2], null, null, null],
        flags: [[true, false], null, null, null],
        takenAt: [departs / 1_000, null, departs / 1_000, null],
      },
      kinds: expect.objectContaining({ vector: expect.arrayContaining(['double_list_val']) as unknown }) as unknown,
      // An empty list is one, though Feast's client can take none in.
      statuses: expect.objectContaining({ tags: [1, 2, 1, 3], vector: [1, 2, 1, 3], takenAt: [1, 2, 1, 3] }) as unknown,
    },
    all: {
      values: {
        ...flights,
        carrier: ['AA', null, null],
        distanceKm: [100, 0.5, null],
        share: [0.1, 0.1, null],
        seats: [9_223_372_036_854_775, 9_223_372_036_854_775, null],
        gates: [2, 2, null],
        late: [false, false, null],
        departsAt: [departs / 1_000, departs / 1_000, null],
      },
      kinds: {
        flight: ['string_val', 'string_val', 'string_val'],
        carrier: ['string_val', null, null],
        distanceKm: ['double_val', 'double_val', null],
        share: ['double_val', 'double_val', null],
        seats: ['int64_val', 'int64_val', null],
        gates: ['int64_val', 'int64_val', null],
        late: ['bool_val', 'bool_val', null],
        departsAt: ['int64_val', 'int64_val', null],
      },
      // Of feast.serving.FieldStatus: 1 PRESENT, 2 NULL_VALUE, 3 NOT_FOUND, 4 OUTSIDE_MAX_AGE.
      statuses: {
        flight: [1, 1, 1],
        carrier: [1, 2, 3],
        ...Object.fromEntries(['distanceKm', 'share', 'seats', 'gates', 'late', 'departsAt'].map((name) => [name, [1, 1, 3]])),
      },
    },
    'full names': { ...flights, plans__seats: [9_223_372_036_854_775, 9_223_372_036_854_775, null] },
    'several views': { flight: ['F1'], origin: ['ATL'], destination: ['SFO'], seats: [9_223_372_036_854_775], delay: [3] },
    composite: {
      values: { origin: ['ATL', 'SFO'], destination: ['SFO', 'ATL'], delay: [3, null] },
      kinds: { origin: ['string_val', 'string_val'], destination: ['string_val', 'string_val'], delay: ['double_val', null] },
      statuses: { origin: [1, 1], destination: [1, 1], delay: [1, 4] },
    },
    'large key': { ticket: [9_007_199_254_740_992], price: [7] },
    service: { ...flights, distanceKm: [100, 0.5, null], carrier: ['AA', null, null] },
    champion: { ...flights, distanceKm: [100, 0.5, null], carrier: ['AA', null, null] },
    'unknown service': expect.stringMatching(/FeatureServiceNotFoundException|no feature service/) as string,
    'unknown view': expect.stringMatching(/FeatureViewNotFoundException|nowhere/) as string,
    'half a key': expect.stringContaining('destination') as string,
  })
})

it('reads datasets in Python as examples/datasets says, and the binary answer', { timeout: 900_000 }, async () => {
  const examples = fileURLToPath(new URL('../../../../examples/datasets', import.meta.url))
  const { body: spine } = await service.call('PUT', '/v1/spines', await readFile(join(examples, 'asked.csv')))
  const asked = { features: ['plans:carrier', 'plans:distanceKm'], spine: spine.sha256 }
  const { body } = await service.call('POST', '/v1/datasets', asked)
  await eventually(async () => expect((await service.call('GET', `/v1/datasets/${body.id}`)).body.state).toBe('built'))
  const file = join(await mkdtemp(join(tmpdir(), 'cascata-dataset-')), 'rows.parquet')
  await writeFile(file, (await service.call('GET', `/v1/datasets/${body.id}/data`)).bytes)

  const blocks = [...(await readFile(join(examples, 'README.md'), 'utf8')).matchAll(/```python\n([^`]*)```/g)].map(
    ([, code]) => code,
  )
  const script = `
import json, urllib.request, msgpack
url, dataset, file = ${JSON.stringify([service.url, body.id, file])}
shapes = []
for code in ${JSON.stringify(blocks)}:
    exec(code)
    shapes.append([list(rows.columns), len(rows)])
asked = json.dumps({"features": ["plans:seats", "plans:carrier"], "entities": {"flight": ["F1", "F2", "F9"]}}).encode()
headers = {"content-type": "application/json", "accept": "application/vnd.msgpack"}
answer = msgpack.unpackb(urllib.request.urlopen(urllib.request.Request(f"{url}/v1/features", asked, headers)).read())
print(json.dumps({"shapes": shapes, "values": answer["values"], "statuses": [list(each) for each in answer["statuses"]]}))
`
  const { stdout } = await run(await python(), ['-c', script], { timeout: 120_000 })
  const columns = ['flight', 'at', 'plans__carrier', 'plans__distanceKm']
  expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toEqual({
    shapes: Array.from({ length: 3 }, () => [columns, 2]),
    values: [
      [9_223_372_036_854_775, 9_223_372_036_854_775, null],
      ['AA', null, null],
    ],
    statuses: [
      [0, 0, 2],
      [0, 1, 2],
    ],
  })
})
