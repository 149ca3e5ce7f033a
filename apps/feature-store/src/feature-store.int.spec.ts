import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  facts,
  findingClosed,
  findingOpened,
  fromKafka,
  labelsRipened,
  resourceApplied,
  resourceDeleted,
  rowsIngested,
  trainingRequested,
  type CloudEvent,
  datasetBuilt,
} from '@cascata/events'
import { connectKafka, fact, openTopics, silent, toRecord, type Topics } from '@cascata/messaging'
import { eventually as within, type PrivateService, startPrivateKafka, uniqueName } from '@cascata/testing'
import { openDuck, type Duck, literal, rowsOf } from './offline/duckdb.ts'
import { outsider, type Published, settingsForTest, startForTest } from './start-for-test.ts'

/** The machine of a test may be busy. */
const eventually = <T>(check: () => T | Promise<T>) => within(check, { timeout: 60_000 })

const hour = 3_600_000
const t0 = Date.parse('2001-01-10T00:00:00Z')
const iso = (ms: number) => new Date(ms).toISOString()

let kafka: PrivateService
let service: Awaited<ReturnType<typeof startForTest>>
let them: Awaited<ReturnType<typeof outsider>>
let settings: Record<string, string>
let topics: Topics
let duck: Duck

beforeAll(async () => {
  kafka = await startPrivateKafka()
  settings = settingsForTest(kafka.url)
  service = await startForTest(settings)
  them = await outsider(kafka.url)
  topics = openTopics(connectKafka({ brokers: [kafka.url], clientId: 'looking' }, silent))
  duck = await openDuck({ folder: settings['CASCATA_HOME']!, name: 'reading', memory: 128 * 1024 ** 2, threads: 1 })
})
afterAll(async () => {
  duck?.close()
  await topics?.close()
  await them?.close()
  await service?.stop()
  await kafka?.kill()
})

const viewYaml = (name: string, topic: string, more = '') => `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: ${name}}
spec:
  source: {topic: ${topic}, partitions: 2}
  entity: [flight]
  eventTime: {field: publishedAt}
  ttl: 30d
  fields:
    flight: string
    publishedAt: timestamp
    departsAt: timestamp
    carrier: {type: string, nullable: true, maxLength: 2}
    distanceKm: {type: double, min: 0}
    seats: {type: int, nullable: true}
${more}`

const flight = (name: string, at: number, more: object = {}) => ({
  flight: name,
  publishedAt: iso(at),
  departsAt: iso(at + 24 * hour),
  carrier: 'AA',
  distanceKm: 100,
  ...more,
})
const at = (value: Published['value'], timestamp: number, more: Partial<Published> = {}): Published => ({
  value,
  timestamp,
  partition: 0,
  ...more,
})

const stateOf = async (view: string) => (await service.call('GET', `/v1/views/default/${view}`)).body
/** Waits until a view has read everything in its topic. */
const caughtUp = (view: string, topic: string) =>
  eventually(async () => {
    const bounds = await topics.bounds(topic)
    const state = await stateOf(view)
    for (const [partition, { high }] of bounds)
      expect(state.partitions.find((each: { partition: number }) => each.partition === partition)?.nextOffset).toBe(high)
    return state
  })

const parquet = async (bytes: Buffer, sql: (source: string) => string) => {
  const path = join(settings['CASCATA_HOME']!, `${uniqueName('answer')}.parquet`)
  writeFileSync(path, bytes)
  const connection = await duck.connect()
  const rows = await rowsOf(connection, sql(`read_parquet(${literal(path)})`))
  connection.closeSync()
  return rows
}

const lookUp = (view: string, flights: string[], features: string[], cascataAt: number) =>
  service.call(
    'POST',
    '/v1/features',
    { features: features.map((each) => `${view}:${each}`), entities: { flight: flights } },
    { 'cascata-at': iso(cascataAt) },
  )

/** All facts so far, oldest first. */
const readFacts = async (): Promise<CloudEvent[]> => {
  const client = connectKafka({ brokers: [kafka.url], clientId: 'facts' }, silent)
  const consumer = client.consumer({ groupId: uniqueName('facts') })
  const end = (await topics.bounds(facts.name)).get(0)!.high
  const events: CloudEvent[] = []
  if (end === 0) return events
  await consumer.connect()
  await consumer.subscribe({ topic: facts.name, fromBeginning: true })
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachMessage: async ({ message }) => {
        events.push(fromKafka(message as never))
        if (Number(message.offset) >= end - 1) resolve()
      },
    })
  })
  await consumer.disconnect()
  return events
}

describe('rows', () => {
  const topic = uniqueName('flights')
  const view = 'flights'

  it('are in both stores as soon as their offsets are covered', async () => {
    await them.apply(viewYaml(view, topic))
    await eventually(async () => expect(await topics.exists(topic)).toBe(true))
    expect(await topics.config(topic, ['retention.ms', 'max.message.bytes'])).toEqual({
      'retention.ms': '-1',
      'max.message.bytes': '2097152',
    })
    await them.publish(topic, [
      at(flight('F1', t0), t0),
      at(flight('F2', t0 + hour, { seats: 3, carrier: null }), t0 + hour),
      at(flight('F1', t0 - hour, { distanceKm: 7 }), t0 + hour),
      at(flight('F3', t0, { distanceKm: 1.5 }), t0 + hour),
      at(null, t0 + 2 * hour, { key: JSON.stringify({ flight: 'F3' }) }),
      at({ ...flight('F4', t0), distanceKm: 'far' }, t0),
      at('nonsense', t0),
      at(flight('F5', t0 + 9 * hour), t0),
      at(null, t0, { headers: { 'cascata-watermark': String(t0 + hour) }, partition: 1 }),
    ])
    const state = await caughtUp(view, topic)
    expect(state).toMatchObject({
      revision: 1,
      state: 'active',
      watermark: iso(t0),
      rows: { accepted: 4, rejected: 3, deleted: 1 },
    })

    const { body } = await lookUp(view, ['F1', 'F2', 'F3', 'F9'], ['distanceKm', 'seats', 'carrier'], t0 + 3 * hour)
    expect(body).toEqual({
      names: ['flights:distanceKm', 'flights:seats', 'flights:carrier'],
      values: [
        [100, null, 'AA'],
        [100, 3, null],
        [null, null, null],
        [null, null, null],
      ],
      statuses: [
        ['PRESENT', 'NULL_VALUE', 'PRESENT'],
        ['PRESENT', 'PRESENT', 'NULL_VALUE'],
        ['NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
        ['NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
      ],
      eventTimes: [
        [iso(t0), iso(t0), iso(t0)],
        [iso(t0 + hour), iso(t0 + hour), iso(t0 + hour)],
        [null, null, null],
        [null, null, null],
      ],
    })
    const old = await lookUp(view, ['F1'], ['distanceKm'], t0 + 30 * 24 * hour + 1)
    expect(old.body).toMatchObject({ values: [[null]], statuses: [['OUTSIDE_MAX_AGE']] })

    const rows = await service.call('GET', `/v1/views/default/${view}/rows?from=${iso(t0)}&to=${iso(t0 + hour)}`)
    expect(
      await parquet(
        rows.bytes,
        (source) =>
          `select flight, "__offset"::INTEGER as o, "__partition" as p, "__epoch" as e, epoch_ms("__event_time")::DOUBLE as et, epoch_ms("__available_at")::DOUBLE as av, "__revision" as r from ${source} order by "__offset"`,
      ),
    ).toEqual([
      { flight: 'F1', o: 0, p: 0, e: 0, et: t0, av: t0, r: 1 },
      { flight: 'F3', o: 3, p: 0, e: 0, et: t0, av: t0 + hour, r: 1 },
    ])

    const rejected = await service.call('GET', `/v1/views/default/${view}/rejected`)
    expect(
      rejected.body.sample.map(({ offset, code, field }: { offset: number; code: string; field: string | null }) => [
        offset,
        code,
        field,
      ]),
    ).toEqual([
      [7, 'EVENT_TIME_IN_FUTURE', 'publishedAt'],
      [6, 'NOT_JSON', null],
      [5, 'WRONG_TYPE', 'distanceKm'],
    ])
  })

  it('speak Feast as well, floats with their point', async () => {
    const { text } = await service.call(
      'POST',
      '/get-online-features',
      { features: ['flights:distanceKm', 'flights:seats'], entities: { flight: ['F2', 'F9'] }, full_feature_names: true },
      { 'cascata-at': iso(t0 + 2 * hour) },
    )
    expect(text).toContain('"values":[100.0,null]')
    expect(JSON.parse(text)).toEqual({
      metadata: { feature_names: ['flight', 'flights__distanceKm', 'flights__seats'] },
      results: [
        {
          values: ['F2', 'F9'],
          statuses: ['PRESENT', 'PRESENT'],
          event_timestamps: ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z'],
        },
        {
          values: [100, null],
          statuses: ['PRESENT', 'NOT_FOUND'],
          event_timestamps: ['2001-01-10T01:00:00Z', '1970-01-01T00:00:00Z'],
        },
        {
          values: [3, null],
          statuses: ['PRESENT', 'NOT_FOUND'],
          event_timestamps: ['2001-01-10T01:00:00Z', '1970-01-01T00:00:00Z'],
        },
      ],
    })
    const refused = await service.call('POST', '/get-online-features', { features: ['nowhere:x'], entities: { flight: ['F2'] } })
    expect(refused.status).toBe(404)
    expect(JSON.parse(refused.body as string)).toMatchObject({ module: 'feast.errors', class: 'FeatureViewNotFoundException' })
  })

  it.each<[string, object, number, string]>([
    ['an unknown view', { features: ['nowhere:x'], entities: { flight: ['F1'] } }, 404, 'FS_VIEW_NOT_FOUND'],
    ['an unknown feature', { features: ['flights:x'], entities: { flight: ['F1'] } }, 404, 'FS_FEATURE_NOT_FOUND'],
    ['a missing key', { features: ['flights:seats'], entities: { origin: ['F1'] } }, 422, 'FS_ENTITY_MISSING'],
    ['a key of the wrong type', { features: ['flights:seats'], entities: { flight: [1] } }, 422, 'FS_ENTITY_INVALID'],
    ['a null key', { features: ['flights:seats'], entities: { flight: [null] } }, 422, 'FS_ENTITY_INVALID'],
    ['lists of two lengths', { features: ['flights:seats'], entities: { flight: ['F1'], x: [] } }, 422, 'FS_LOOKUP_INVALID'],
    [
      'too many entities',
      { features: ['flights:seats'], entities: { flight: Array.from({ length: 10_001 }, () => 'F1') } },
      422,
      'FS_LOOKUP_TOO_LARGE',
    ],
    [
      'the same feature twice',
      { features: ['flights:seats', 'flights:seats'], entities: { flight: ['F1'] } },
      422,
      'FS_LOOKUP_INVALID',
    ],
  ])('are not looked up with %s', async (_name, body, status, code) => {
    const answer = await service.call('POST', '/v1/features', body)
    expect(answer).toMatchObject({ status, body: { code } })
  })

  it('take a new revision in place: old rows have no value for the new field, later ones do', async () => {
    await them.apply(
      viewYaml(view, topic, '    gate: {type: string, nullable: true}\n').replace(
        'distanceKm: {type: double, min: 0}',
        'distanceKm: double',
      ),
    )
    await eventually(async () => expect(await stateOf(view)).toMatchObject({ revision: 2 }))
    await eventually(async () => {
      await them.publish(topic, [at(flight('F8', t0 + hour, { gate: 'B2', distanceKm: -1 }), t0 + hour)])
      await caughtUp(view, topic)
      const { body } = await lookUp(view, ['F2', 'F8'], ['gate', 'distanceKm'], t0 + 2 * hour)
      expect(body.values).toEqual([
        [null, 100],
        ['B2', -1],
      ])
    })
    const { bytes } = await service.call('GET', `/v1/views/default/${view}/rows`)
    expect(
      await parquet(
        bytes,
        (source) => `select distinct flight, gate, "__revision" as r from ${source} where flight in ('F2', 'F8') order by flight`,
      ),
    ).toEqual([
      { flight: 'F2', gate: null, r: 1 },
      { flight: 'F8', gate: 'B2', r: 2 },
    ])
  })
})

describe('the cascade from rows to a dataset', () => {
  const [plans, landings] = [uniqueName('plans'), uniqueName('landings')]
  const flights = 60
  const yaml = `${viewYaml('plans', plans)}
---
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: landings}
spec:
  source: {topic: ${landings}, partitions: 1}
  entity: [flight]
  eventTime: {field: landedAt}
  fields: {flight: string, landedAt: timestamp, delayed: bool}
---
apiVersion: cascata/v1
kind: Model
metadata: {name: delay}
spec:
  task: binary
  observations: {view: plans, at: departsAt, lead: 2h}
  label: {field: "landings:delayed", within: 6h}
  features: ["plans:carrier", "plans:distanceKm"]
  clock: caller
`
  const departure = (index: number) => t0 + 24 * hour + index * hour

  it('ripens labels with the watermark and says how many', async () => {
    await them.apply(yaml)
    await eventually(async () => expect((await topics.exists(plans)) && (await topics.exists(landings))).toBe(true))
    const indices = Array.from({ length: flights }, (_, index) => index)
    await them.publish(
      plans,
      indices.map((index) => at(flight(`F${index}`, t0 + index * hour, { distanceKm: index }), t0 + index * hour)),
    )
    await them.publish(
      landings,
      indices
        .slice(0, 50)
        .filter((index) => index % 5 !== 0)
        .map((index) => {
          const landed = departure(index) + hour
          return at({ flight: `F${index}`, landedAt: iso(landed), delayed: index % 2 === 0 }, landed)
        }),
    )
    await caughtUp('plans', plans)
    const { watermark } = await caughtUp('landings', landings)
    expect(watermark).toBe(iso(departure(49) + hour))
    // Ripe: at + 6 h <= watermark, where at is the departure less 2 h: departures up to number 46.
    await eventually(async () => {
      const said = await readFacts()
      const ripened = said.filter(({ type }) => type === labelsRipened.type).at(-1)
      expect(ripened?.data).toMatchObject({
        model: 'delay',
        ripe: 47,
        labelled: 37,
        cutoff: iso(departure(49) + hour - 6 * hour),
      })
      const cause = said.find(({ id }) => id === ripened?.causationid)
      expect(cause).toMatchObject({ type: rowsIngested.type, data: { view: expect.stringMatching(/plans|landings/) } })
      expect(ripened?.correlationid).toBe(cause?.correlationid)
    })
  })

  it('builds the dataset of a run, in parts with an embargo between, the same each time', async () => {
    const run = uniqueName('r')
    const asked = fact(trainingRequested, {
      namespace: 'default',
      model: 'delay',
      revision: 1,
      run,
      trigger: 'manual',
      causes: [],
      episode: null,
    })
    await them.producer.send({ topic: facts.name, messages: [toRecord(asked as never, 'dispatcher')] })
    const built = await eventually(async () => {
      const found = (await readFacts()).find(
        ({ type, data }) => type === datasetBuilt.type && (data as { run: string }).run === run,
      )
      expect(found).toBeDefined()
      return found!.data as {
        dataset: string
        hash: string
        rows: number
        split: Record<string, { rows: number; from: string; to: string }>
      }
    })
    expect(built.rows).toBe(37)
    const read = async (part: string) => {
      const { status, bytes } = await service.call('GET', `/v1/datasets/${built.dataset}/data${part}`)
      expect(status).toBe(200)
      return parquet(
        bytes,
        (source) =>
          `select flight, epoch_ms("at")::DOUBLE as "at", plans__carrier, plans__distanceKm, label from ${source} order by "at"`,
      )
    }
    const labelled = Array.from({ length: 47 }, (_, index) => index).filter((index) => index % 5 !== 0)
    expect(await read('')).toEqual(
      labelled.map((index) => ({
        flight: `F${index}`,
        at: departure(index) - 2 * hour,
        plans__carrier: 'AA',
        plans__distanceKm: index,
        label: index % 2 === 0,
      })),
    )
    const [train, validation, holdout] = [
      await read('?part=train'),
      await read('?part=validation'),
      await read('?part=holdout'),
    ] as { at: number }[][]
    expect(holdout!.length).toBe(built.split['holdout']!.rows)
    expect(validation![0]!.at - train!.at(-1)!.at).toBeGreaterThanOrEqual(6 * hour)
    expect(holdout![0]!.at - validation!.at(-1)!.at).toBeGreaterThanOrEqual(6 * hour)

    const { body } = await service.call('POST', '/v1/datasets', { model: 'default/delay' })
    const again = await eventually(async () => {
      const state = (await service.call('GET', `/v1/datasets/${body.id}`)).body
      expect(state.state).toBe('built')
      return state
    })
    expect(again).toMatchObject({ hash: built.hash, cutoff: iso(departure(49) + hour - 6 * hour) })
  })

  it('refuses to build by Spark where no command of it is configured', async () => {
    const answer = await service.call('POST', '/v1/datasets', { model: 'default/delay', engine: 'spark' })
    expect(answer).toMatchObject({ status: 422, body: { code: 'FS_DATASET_INVALID' } })
    expect(answer.body.message).toContain('FEATURE_STORE_SPARK')
  })

  it('answers a spine with labels and features as of each time', async () => {
    const csv = ['flight,at', ...[1, 2, 5, 48, 99].map((index) => `F${index},${iso(departure(index) - 2 * hour)}`)].join('\n')
    const { body: spine } = await service.call('PUT', '/v1/spines', Buffer.from(csv), { 'content-type': 'text/csv' })
    expect(spine).toMatchObject({ rows: 5, columns: ['flight'] })
    const { status, body } = await service.call('POST', '/v1/datasets', {
      features: ['plans:distanceKm'],
      label: { field: 'landings:delayed', within: '6h' },
      spine: spine.sha256,
    })
    expect(status).toBe(202)
    await eventually(async () => expect((await service.call('GET', `/v1/datasets/${body.id}`)).body.state).toBe('built'))
    const { bytes } = await service.call('GET', `/v1/datasets/${body.id}/data`)
    expect(
      await parquet(bytes, (source) => `select flight, plans__distanceKm as km, label from ${source} order by flight`),
    ).toEqual([
      { flight: 'F1', km: 1, label: false },
      { flight: 'F2', km: 2, label: true },
      { flight: 'F48', km: 48, label: null },
      { flight: 'F5', km: 5, label: null },
      { flight: 'F99', km: null, label: null },
    ])
  })

  it.each([
    ['no column at', 'flight\nF1'],
    ['a time without a zone', 'flight,at\nF1,2001-01-10T00:00:00'],
    ['nothing', ''],
    ['a truncated Parquet', 'PAR1xxxx'],
  ])('refuses a spine with %s', async (_name, content) => {
    const answer = await service.call('PUT', '/v1/spines', Buffer.from(content), { 'content-type': 'application/octet-stream' })
    expect(answer).toMatchObject({ status: 422, body: { code: 'FS_SPINE_INVALID' } })
  })
})

describe('people', () => {
  it('may have a view read its topic again: every row is there once', async () => {
    const topic = uniqueName('again')
    await them.apply(viewYaml('again', topic))
    await eventually(async () => expect(await topics.exists(topic)).toBe(true))
    await them.publish(topic, [at(flight('F1', t0), t0), at(flight('F2', t0), t0), at('nonsense', t0)])
    await caughtUp('again', topic)
    expect((await service.call('POST', '/v1/views/default/again/replay')).status).toBe(200)
    const state = await eventually(async () => {
      const seen = await caughtUp('again', topic)
      expect(seen.partitions[0].epoch).toBe(1)
      expect(seen.rows).toMatchObject({ accepted: 2, rejected: 1 })
      return seen
    })
    expect(state.watermark).toBe(iso(t0))
    const { bytes } = await service.call('GET', '/v1/views/default/again/rows')
    expect(await parquet(bytes, (source) => `select count(*)::INTEGER as n, min("__epoch") as e from ${source}`)).toEqual([
      { n: 2, e: 1 },
    ])
  })

  it('may have a part of it read again: from a time, or from offsets', async () => {
    const topic = uniqueName('part')
    await them.apply(viewYaml('part', topic))
    await eventually(async () => expect(await topics.exists(topic)).toBe(true))
    const rows = [0, 1, 2, 3].map((index) => at(flight(`F${index}`, t0 + index * hour), t0 + index * hour))
    await them.publish(topic, [...rows, at('nonsense', t0 + 4 * hour)])
    const seen = await caughtUp('part', topic)
    const [partition] = seen.partitions.filter((each: { end: number }) => each.end > 0)
    expect([partition.end, seen.rows]).toEqual([5, expect.objectContaining({ accepted: 4, rejected: 1 })])

    const replayed = async (from: unknown) => {
      expect((await service.call('POST', '/v1/views/default/part/replay', { from })).status).toBe(200)
      const state = await eventually(async () => {
        const now = await caughtUp('part', topic)
        expect(now.rows).toMatchObject({ accepted: 4, rejected: 1 })
        return now
      })
      expect(state.watermark).toBe(iso(t0 + 3 * hour))
      const { bytes } = await service.call('GET', '/v1/views/default/part/rows')
      const found = await parquet(
        bytes,
        (source) => `select "__offset"::INTEGER as o, "__epoch"::INTEGER as e from ${source} order by 1`,
      )
      return found.map(({ o, e }) => [o, e])
    }
    expect(await replayed(iso(t0 + 2 * hour))).toEqual([[0, 0], [1, 0], [2, 1], [3, 1]]) // prettier-ignore
    expect(await replayed({ [partition.partition]: 1 })).toEqual([[0, 0], [1, 2], [2, 2], [3, 2]]) // prettier-ignore
    expect(await replayed('2030-01-01T00:00:00Z')).toEqual([[0, 0], [1, 2], [2, 2], [3, 2]]) // prettier-ignore
    expect(await service.call('POST', '/v1/views/default/part/replay', { from: 'yesterday' })).toMatchObject({ status: 422 })
    const { body } = await lookUp('part', ['F0', 'F3'], ['carrier'], t0 + 4 * hour)
    expect(body.statuses.flat()).toEqual(['PRESENT', 'PRESENT'])
  })

  it('may erase an entity, and have the online rows written anew', async () => {
    const topic = uniqueName('erasable')
    await them.apply(viewYaml('erasable', topic))
    await eventually(async () => expect(await topics.exists(topic)).toBe(true))
    await them.publish(topic, [at(flight('F1', t0), t0), at(flight('F2', t0), t0)])
    await caughtUp('erasable', topic)
    const statuses = async () => (await lookUp('erasable', ['F1', 'F2'], ['carrier'], t0 + hour)).body.statuses?.flat()
    await eventually(async () => expect(await statuses()).toEqual(['PRESENT', 'PRESENT']))

    const asked = await service.call('DELETE', '/v1/entities/default/erasable', { key: { flight: 'F1' } })
    expect(asked).toMatchObject({ status: 202, body: { status: 'pending', erasure: 1, datasets: [], versions: [] } })
    expect(await statuses()).toEqual(['NOT_FOUND', 'PRESENT'])
    const { bytes } = await service.call('GET', '/v1/views/default/erasable/rows')
    expect(await parquet(bytes, (source) => `select flight from ${source}`)).toEqual([{ flight: 'F2' }])
    expect(await service.call('DELETE', '/v1/entities/default/erasable', { key: { __proto__: 'F1' } })).toMatchObject({
      status: 422,
    })
    const { body } = await service.call('GET', '/v1/entities/default/erasable')
    expect(body.erasures).toMatchObject([{ erasure: 1, by: expect.any(String) }])

    expect((await service.call('POST', '/v1/views/default/erasable/rebuild')).status).toBe(202)
    await eventually(async () => expect(await statuses()).toEqual(['NOT_FOUND', 'PRESENT']))
  })

  it('may delete a view and create it again: it begins anew', async () => {
    const topic = uniqueName('anew')
    await them.apply(viewYaml('anew', topic))
    await eventually(async () => expect(await topics.exists(topic)).toBe(true))
    await them.publish(topic, [at(flight('F1', t0), t0), at(flight('F2', t0), t0)])
    await caughtUp('anew', topic)
    await them.remove('FeatureView', 'anew')
    await eventually(async () => expect((await lookUp('anew', ['F1'], ['seats'], t0)).status).toBe(404))
    await them.apply(viewYaml('anew', topic))
    await eventually(async () => {
      const { body } = await lookUp('anew', ['F1'], ['distanceKm'], t0)
      expect(body.values).toEqual([[100]])
    })
    expect(await caughtUp('anew', topic)).toMatchObject({ rows: { accepted: 2 } })
  })
})

it('finds a view behind its freshness once, and again in time', async () => {
  const topic = uniqueName('late')
  await them.apply(
    viewYaml('late', topic).replace('  ttl: 30d', '  freshness: 15m\n  ttl: 30d').replace('partitions: 2', 'partitions: 1'),
  )
  await eventually(async () => expect(await topics.exists(topic)).toBe(true))
  const findings = async () =>
    (await readFacts())
      .filter(({ data }) => (data as { view?: string }).view === 'late' && (data as { type?: string }).type === 'freshness')
      .map(({ type }) => type)
  await them.publish(topic, [at(flight('F1', t0), t0)])
  await eventually(async () => expect(await findings()).toEqual([findingOpened.type]))
  await them.publish(topic, [at(flight('F1', Date.now()), Date.now())])
  await eventually(async () => expect(await findings()).toEqual([findingOpened.type, findingClosed.type]))
})

it('takes every example of every event it listens to, and goes on', async () => {
  for (const definition of [resourceApplied, resourceDeleted, trainingRequested])
    for (const example of definition.examples)
      await them.producer.send({
        topic: definition.topic.name,
        messages: [toRecord(fact(definition as never, example as never), 'example')],
      })
  const [run] = trainingRequested.examples.map((each) => each.run)
  await eventually(async () => expect((await service.call('GET', `/v1/datasets/d-${run}`)).status).toBe(200))
  const topic = uniqueName('after')
  await them.apply(viewYaml('after', topic))
  await eventually(async () => expect(await topics.exists(topic)).toBe(true))
})
