import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type CloudEvent,
  type DataOf,
  deadLetterTopic,
  decode,
  facts,
  findingClosed,
  findingOpened,
  labelsRipened,
  predictionMade,
  resourceApplied,
  routeChanged,
  rowsIngested,
  rowsRejected,
  versionApproved,
  versionRegistered,
} from '@cascata/events'
import { connectKafka, openProducer, openTopics, type Producer, readDeadLetters, silent, type Topics } from '@cascata/messaging'
import { backing, eventually as within, uniqueName } from '@cascata/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { config } from './config.ts'
import { start } from './start.ts'
import {
  appliedOf,
  dayAt,
  type Flight,
  flightsOf,
  type PredictionData,
  predictionOf,
  profileOf,
  say,
} from './test-platform/flights.ts'
import { startOthers, type Truth } from './test-platform/others.ts'

/** The machine of a test may be busy, and the log of facts long. */
const eventually = <T>(check: () => T | Promise<T>) => within(check, { timeout: 60_000 })

const namespace = uniqueName('ns').replaceAll('_', '-')
const topic = uniqueName('predictions')
const group = uniqueName('monitor_group')
const schema = uniqueName('monitor')
const home = mkdtempSync(join(tmpdir(), 'monitor-'))
const known = new Map<string, Flight>()
/** From this day on, every tenth carrier in the offline store is not the one that was served. */
const skewedFrom = 12

const truth: Truth = (flight) => {
  const { carrier, distance, label } = known.get(flight)!
  const [, day, i] = /^D(\d+)-(\d+)$/.exec(flight)!
  return {
    carrier: Number(day) >= skewedFrom && Number(i) % 10 === 0 ? 'XX' : carrier,
    distance,
    label: Number(i) % 20 === 7 ? null : label,
  }
}

let producer: Producer
let topics: Topics
let others: Awaited<ReturnType<typeof startOthers>>
let monitor: { url: string; stop: () => Promise<void> }
const kafka = connectKafka({ brokers: [backing().kafka], clientId: schema }, silent)
const said: CloudEvent[] = []
const stops: (() => Promise<unknown>)[] = []

const settings = () =>
  config.parse({
    KAFKA_BROKERS: backing().kafka,
    DATABASE_URL: backing().postgres,
    MONITOR_PORT: '0',
    MONITOR_DATABASE_SCHEMA: schema,
    MONITOR_PREDICTIONS_TOPIC: topic,
    MONITOR_PREDICTIONS_GROUP: group,
    MONITOR_BATCH_ROWS: '300',
    MONITOR_JOIN_POLL: '20ms',
    MONITOR_JUDGE_PAUSE: '0ms',
    MONITOR_METRICS_EVERY: '100ms',
    REGISTRY_URL: others.url,
    FEATURE_STORE_URL: others.url,
    CASCATA_HOME: home,
    CASCATA_LOG_LEVEL: 'warn',
  })

const get = async (path: string) => {
  const answer = await fetch(monitor.url + path)
  return { status: answer.status, body: (await answer.json()) as any }
}
const model = async () => (await get(`/v1/models/${namespace}/delay?windows=100`)).body
const found = (definition: { type: string }, type: string) =>
  said.filter(
    (event) => event.type === definition.type && (event.data as DataOf<typeof findingOpened>).type === type,
  ) as CloudEvent<DataOf<typeof findingClosed>>[]

const identity = { namespace, model: 'delay', revision: 1 }
const publish = (flights: readonly Flight[], more: Partial<PredictionData> = {}) => {
  for (const flight of flights) known.set(flight.flight, flight)
  return say(
    producer,
    predictionMade,
    flights.map((flight) => predictionOf(namespace, flight, more)),
    topic,
  )
}
/** A few predictions of a day's second hour, so that the day before is closed. */
const closeDay = (n: number) =>
  publish(
    flightsOf(n + 1, 24)
      .slice(1, 3)
      .map((flight) => ({ ...flight, flight: `${flight.flight}00` })),
  )
const ripen = (cutoff: number) =>
  say(producer, labelsRipened, { ...identity, ripe: 1, labelled: 1, cutoff: new Date(cutoff).toISOString() })
const route = (champion: string, generation: number, candidate?: string) =>
  say(producer, routeChanged, {
    ...identity,
    generation,
    champion,
    ...(candidate ? { candidate } : {}),
    split: [{ version: champion, from: 0, to: 10_000 }],
    warm: [],
  })
const windowOf = async (n: number, version = '1') =>
  (await model()).windows.find((window: any) => window.from === new Date(dayAt(n)).toISOString() && window.version === version)

beforeAll(async () => {
  others = await startOthers(truth)
  topics = openTopics(kafka)
  await topics.ensure([{ topic, partitions: 3 }])
  producer = await openProducer({ kafka, log: silent })
  monitor = await start(settings())
  const reader = kafka.consumer({ groupId: schema })
  await reader.connect()
  await reader.subscribe({ topics: [facts.name], fromBeginning: true })
  await reader.run({
    eachMessage: async ({ message }) => {
      const event = decode(message)
      if (event.namespace === namespace) said.push(event)
    },
  })
  stops.push(
    () => monitor.stop(),
    () => reader.disconnect(),
    () => producer.close(),
    () => topics.close(),
    () => others.stop(),
  )
  others.addProfile(`${namespace}/delay/1`, profileOf(flightsOf(-1, 3000)))
  for (const resource of appliedOf(namespace)) {
    others.resources.set(`${resource.kind}/${namespace}/${resource.name}`, resource)
    await say(producer, resourceApplied, resource)
  }
  await say(producer, versionRegistered, {
    ...identity,
    version: '1',
    origin: 'platform',
    run: 'r-1',
    dataset: 'd-1',
    datasetHash: null,
    code: null,
    modelSha256: null,
    inputs: null,
    cutoff: new Date(dayAt(0)).toISOString(),
    profileSha256: null,
  })
  const holdout = { metric: 'auc', value: 0.77, rows: 1000 }
  await say(producer, versionApproved, {
    ...identity,
    version: '1',
    run: 'r-1',
    evidence: null,
    by: 'gates',
    why: null,
    verdict: 'approved',
    holdout,
  })
  await route('1', 1)
  await eventually(async () => expect((await model()).champion).toBe('1'))
})

afterAll(async () => {
  for (const stop of stops) await stop()
  rmSync(home, { recursive: true, force: true })
})

describe('windows', () => {
  it('count predictions that are there before the event of their Model', async () => {
    const early = appliedOf(`${namespace}-early`).find(({ kind }) => kind === 'Model')!
    others.resources.set(`Model/${namespace}-early/delay`, early)
    others.addProfile(`${namespace}-early/delay/1`, profileOf(flightsOf(-1, 500)))
    await say(
      producer,
      predictionMade,
      flightsOf(0, 50).map((flight) => predictionOf(`${namespace}-early`, flight)),
      topic,
    )
    await eventually(async () =>
      expect((await get(`/v1/models/${namespace}-early/delay`)).body.windows).toMatchObject([{ rows: 50 }]),
    )
  })

  it('count each prediction once, whatever is sent in between', async () => {
    await publish(flightsOf(0, 400))
    await producer.send({
      topic,
      messages: [
        { key: 'x', value: 'not a prediction' },
        { key: 'y', value: null },
      ],
    })
    const odd = { ...flightsOf(0, 1)[0]!, flight: 'nul \0, half \ud800' }
    const oddAt = (time: string) =>
      predictionOf(`${namespace}-odd`, { ...odd, at: Date.parse(time) }, { features: { text: odd.flight } })
    await say(producer, predictionMade, [oddAt('2001-01-01T00:00:00Z'), oddAt('0000-06-01T00:00:00Z')], topic)
    await publish(
      flightsOf(0, 40).map((flight) => ({ ...flight, flight: `S${flight.flight}` })),
      { role: 'shadow' },
    )
    await closeDay(0)
    await eventually(async () =>
      expect(await windowOf(0)).toMatchObject({ state: 'closed', rows: 400, errors: 0, driftShare: 0 }),
    )
    const letters = await eventually(async () => {
      const read = await readDeadLetters(kafka, deadLetterTopic(topic, group))
      expect(read).toHaveLength(3)
      return read
    })
    expect(JSON.stringify(letters)).toContain('not a prediction')
  })

  it('go on where the last process stopped', async () => {
    const flights = flightsOf(1, 600)
    await publish(flights.slice(0, 300))
    await eventually(async () => expect((await windowOf(1)).rows).toBeGreaterThan(100))
    await monitor.stop()
    await publish(flights.slice(300))
    monitor = await start(settings())
    await eventually(async () => expect((await windowOf(1)).rows).toBe(602))
  })
})

describe('drift', () => {
  it('is found once when miles become kilometres for two days', async () => {
    await publish(flightsOf(2, 400, { km: 1.609 }))
    await closeDay(2)
    await eventually(async () => expect(await windowOf(2)).toMatchObject({ state: 'closed', driftShare: 0.5 }))
    await publish(flightsOf(3, 400, { km: 1.609 }))
    await closeDay(3)
    await eventually(() => expect(found(findingOpened, 'drift')).toHaveLength(1))
    expect(found(findingOpened, 'drift')[0]!.data).toMatchObject({
      ...identity,
      version: '1',
      measure: 'drift-share',
      threshold: 0.3,
      windows: [{ rows: 602 }, {}, {}],
      features: [{ name: 'flights__distance', measure: 'wasserstein-normed', importance: 0.5 }],
    })
    expect((await get(`/v1/findings?model=${namespace}/delay&state=open`)).body.findings).toMatchObject([
      { type: 'drift', state: 'open', by: 'monitor' },
    ])
  })

  it('is over when the days are as before', async () => {
    await publish(flightsOf(4, 400))
    await closeDay(4)
    await publish(flightsOf(5, 400))
    await closeDay(5)
    await eventually(() => expect(found(findingClosed, 'drift')).toMatchObject([{ data: { reason: 'recovered' } }]))
    expect(found(findingClosed, 'drift')[0]!.data.episode).toBe(found(findingOpened, 'drift')[0]!.data.episode)
    expect(found(findingOpened, 'drift')).toHaveLength(1)
  })
})

describe('invalid data', () => {
  it('is found in a day that is not over, and is no drift', async () => {
    await publish(flightsOf(6, 400, { nulls: 0.2 }))
    await eventually(() => expect(found(findingOpened, 'data-invalid')).toHaveLength(1))
    expect(found(findingOpened, 'data-invalid')[0]!.data).toMatchObject({
      measure: 'null-rate',
      features: [{ name: 'flights__distance', anomaly: 'FEATURE_TYPE_LOW_FRACTION_PRESENT' }],
    })
    await publish(flightsOf(7, 400))
    await eventually(() => expect(found(findingClosed, 'data-invalid')).toHaveLength(1))
    expect(found(findingOpened, 'drift')).toHaveLength(1)
  })

  it('is also rows that the feature store refuses', async () => {
    const view = { namespace, view: 'flights', revision: 1 }
    const range = { topic: 'flights', partition: 0, epoch: 1, from: 0, to: 1000 }
    const ingested = (n: number, rows: number) =>
      say(producer, rowsIngested, {
        ...view,
        segment: 's',
        rows,
        ranges: [range],
        eventTime: null,
        watermark: new Date(dayAt(n) + 3_600_000).toISOString(),
      })
    await ingested(6, 1000)
    await ingested(7, 300)
    await say(producer, rowsRejected, {
      ...view,
      topic: 'flights',
      partition: 0,
      count: 100,
      reasons: { WRONG_TYPE: 100 },
      sample: [],
    })
    await closeDay(6)
    await eventually(() =>
      expect(found(findingOpened, 'data-invalid')[1]?.data).toMatchObject({
        measure: 'rejected-share',
        features: [{ name: 'flights' }],
      }),
    )
    await ingested(8, 1000)
    await publish(flightsOf(8, 400))
    await eventually(() => expect(found(findingClosed, 'data-invalid')).toHaveLength(2))
  })
})

describe('labels', () => {
  it('tell the performance of a window once they are ripe', async () => {
    await ripen(dayAt(9))
    await eventually(async () => expect((await model()).labels.joinedUpTo).toBe(new Date(dayAt(9)).toISOString()))
    const window = await eventually(async () => {
      const measured = await windowOf(0)
      expect(measured.performance).not.toBeNull()
      return measured
    })
    expect(window.performance).toMatchObject({ metric: 'auc', labelled: 380, predictions: 400 })
    expect(window.performance.value).toBeGreaterThan(0.7)
    expect(window.skew.flights__carrier).toEqual({ compared: 400, different: 0 })
    await eventually(async () => {
      const text = await (await fetch(`${monitor.url}/metrics`)).text()
      for (const input of ['carrier', 'distance'])
        expect(text).toMatch(
          new RegExp(
            `cascata_monitor_feature_skew_ratio\\{namespace="${namespace}",model="delay",feature="flights__${input}"[^}]*\\} 0\n`,
          ),
        )
      expect(text).toMatch(
        new RegExp(`cascata_monitor_skew_compared_rows\\{namespace="${namespace}",model="delay"[^}]*\\} [1-9]`),
      )
    })
    expect(window.groups.flights__carrier).toHaveProperty('AA')
    const estimate = await eventually(async () => (await windowOf(7)).estimate ?? Promise.reject(new Error('no estimate yet')))
    expect(Math.abs(estimate.auc - (await windowOf(7)).performance.value)).toBeLessThan(0.1)
    expect(found(findingOpened, 'performance')).toEqual([])
    expect([...others.datasets.values()][0]!.question).toMatchObject({
      namespace,
      features: ['flights:carrier', 'flights:distance'],
    })
  })

  it('open a finding when answers have become wrong, caused by the event that brought them', async () => {
    others.state.failNext = 1
    await publish(flightsOf(9, 400, { lie: true }))
    await closeDay(9)
    await ripen(dayAt(10))
    await eventually(() => expect(found(findingOpened, 'performance')).toHaveLength(1))
    const event = found(findingOpened, 'performance')[0]!
    expect(event.data).toMatchObject({ measure: 'auc', threshold: 0.05, version: '1' })
    const cause = said.findLast(({ type }) => type === labelsRipened.type)!
    expect([event.causationid, event.correlationid]).toEqual([cause.id, cause.correlationid])
  })

  it('show that serving and training see different values', async () => {
    for (const n of [10, 11, 12]) await publish(flightsOf(n, 400))
    await closeDay(12)
    await ripen(dayAt(13))
    await eventually(() => expect(found(findingOpened, 'skew')).toHaveLength(1))
    expect(found(findingOpened, 'skew')[0]!.data).toMatchObject({
      size: expect.closeTo(0.1, 1),
      features: [{ name: 'flights__carrier', anomaly: 'SCHEMA_TRAINING_SERVING_SKEW' }],
    })
    await eventually(() => expect(found(findingClosed, 'performance')).toHaveLength(1))
  })

  it('compare versions by what a split gave them by chance', async () => {
    const flights = flightsOf(14, 600)
    const isCandidate = (_: Flight, i: number) => i % 3 === 0
    await publish(
      flights.filter((flight, i) => !isCandidate(flight, i)),
      { propensity: 2 / 3 },
    )
    const worse = flights.filter(isCandidate).map((flight, i) => ({ ...flight, probability: i % 2 ? 0.5 : flight.probability }))
    await publish(worse, { version: '2', role: 'candidate', propensity: 1 / 3 })
    await publish(
      flightsOf(14, 100).map((flight) => ({ ...flight, flight: `${flight.flight}000` })),
      { propensity: 1 },
    )
    const path = `/v1/models/${namespace}/delay/realised?versions=1,2&from=2001-01-15T00:00:00Z&to=2001-01-16T00:00:00Z`
    expect((await get(path)).body).toMatchObject({ cutoff: new Date(dayAt(13)).toISOString() })
    await ripen(dayAt(15) - 1000)
    const { body } = await eventually(async () => {
      const answer = await get(path)
      expect(answer.body.cutoff).toBe(new Date(dayAt(15) - 1000).toISOString())
      return answer
    })
    expect(body.versions).toMatchObject({ 1: { rows: 400, labelled: 380 }, 2: { rows: 200 } })
    expect(body.difference).toMatchObject({ metric: 'auc', versions: ['1', '2'] })
    expect(body.difference.value).toBeLessThan(0)
  })
})

describe('a new champion', () => {
  it('ends the findings of the old one, and warms up when it has no profile', async () => {
    await route('3', 2)
    await eventually(() =>
      expect(found(findingClosed, 'skew')).toMatchObject([{ data: { reason: 'no longer serves', version: '1' } }]),
    )
    await publish(flightsOf(20, 250), { version: '3' })
    await eventually(async () => expect((await model()).state).toBe('watched'))
    await publish(flightsOf(21, 250), { version: '3' })
    await eventually(async () => expect(await windowOf(21, '3')).toMatchObject({ rows: 250, driftShare: 0 }))
  })
})

it('exports metrics, and answers questions that make no sense with a code', async () => {
  await closeDay(21)
  await eventually(async () => {
    const text = await (await fetch(`${monitor.url}/metrics`)).text()
    expect(text).toMatch(
      new RegExp(`cascata_monitor_feature_drift_size\\{namespace="${namespace}",model="delay",feature="flights__\\w+"`),
    )
    expect(text).toContain(`cascata_monitor_window_rows{namespace="${namespace}",model="delay"`)
  })
  expect(await get('/v1/models/nowhere/nothing')).toMatchObject({ status: 404, body: { code: 'MON_MODEL_NOT_FOUND' } })
  expect(await get(`/v1/models/${namespace}/delay/realised?versions=a&from=x&to=y`)).toMatchObject({
    status: 400,
    body: { code: 'MON_QUESTION_INVALID' },
  })
  expect(await get('/v1/findings?state=maybe')).toMatchObject({ status: 400, body: { code: 'MON_QUESTION_INVALID' } })
})
