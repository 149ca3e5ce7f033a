import { DuckDBInstance } from '@duckdb/node-api'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decode } from '@cascata/events'
import { dashboards, queriesOf } from '@cascata/infra/dashboards'
import { type Prometheus, startPrometheus } from '@cascata/infra/prometheus'
import { connectKafka, type LogRecord, openProducer, type Producer, readLog, silent } from '@cascata/messaging'
import { eventually } from '@cascata/testing'
import { harass } from './hostile.ts'
import { type Row, slowDataset, winner } from './oracle.ts'
import { hour, parcelService, type Published, start } from './parcels.ts'
import { type Platform, startPlatform } from './platform.ts'

const namespace = 'e2e'
const views = ['parcels', 'deliveries', 'depots']
const historyHours = 120

let platform: Platform
let prometheus: Prometheus
let producer: Producer
let kafka: ReturnType<typeof connectKafka>
const service = parcelService()
const published: Published[] = []
const answers: { id: string; version: string; at: number; wall: number }[] = []
const failures: string[] = []
const kills: { name: string; wall: number }[] = []
let hours = 0

/** Queries of what does not happen in this test: findings, refusals, failures, lost predictions, missing values, upkeep. */
const unhappened = new Set([
  'Cascade › Open findings',
  'Cascade › Trainings refused',
  'Cascade › Why runs failed',
  'Cascade › Versions that could not be loaded',
  'Cascade › Dead letters',
  'Model › Errors',
  'Model › Open findings',
  'Model › Errors by version',
  'Model › Missing values',
  'Model › Prediction log › dropped: {{reason}}',
  'Model › Shadow › skipped',
  'Model › Findings',
  'Features › Unexpected rows › {{view}}: unknown field',
  'Features › Unexpected rows › {{view}}: too late',
  'Features › Upkeep › {{view}} merged: {{why}}',
  'Features › Upkeep › {{view}} rebuilt',
])

/** Publishes an hour, and on every partition that nothing older will come. */
async function publishHour() {
  const records = service.ofHour(hours++)
  const end = start + hours * hour
  const mark = { key: null, value: null, timestamp: String(end), headers: { 'cascata-watermark': String(end) } }
  const messages = (topic: Published['topic']) => [
    ...records.filter((record) => record.topic === topic).map(({ key, value, at }) => ({ key, value, timestamp: String(at) })),
    ...[0, 1].map((partition) => ({ ...mark, partition })),
  ]
  await eventually(
    () =>
      producer.send([
        { topic: 'e2e-parcels', messages: messages('e2e-parcels') },
        { topic: 'e2e-deliveries', messages: messages('e2e-deliveries') },
      ]),
    { timeout: 90_000, interval: 250 },
  )
  published.push(...records)
  return { records, end }
}

/** Asks for some parcels as of now, as a careful caller does: what fails is tried again for a while. */
async function ask(records: readonly Published[], at: number) {
  const parcels = records
    .filter(({ topic, refused }) => topic === 'e2e-parcels' && !refused)
    .slice(0, 25)
    .map(({ key }) => key!)
  if (parcels.length === 0) return
  const ids = parcels.map((parcel, nth) => `${hours}-${nth}-${parcel}`)
  try {
    const { predictions } = await eventually(
      () =>
        platform.post(
          'inference',
          `/v1/models/${namespace}.parcel-late/predict`,
          { entities: { parcel: parcels }, ids },
          { 'cascata-at': new Date(at).toISOString() },
        ),
      { timeout: 60_000, interval: 100 },
    )
    for (const { id, version } of predictions) answers.push({ id, version, at, wall: Date.now() })
  } catch (error) {
    failures.push((error as Error).message)
  }
}

const covered = () =>
  eventually(
    async () => {
      for (const view of views) {
        const { state, partitions } = await platform.get('feature-store', `/v1/views/${namespace}/${view}`)
        expect(state).toBe('active')
        for (const { nextOffset, end } of partitions) expect(nextOffset).toBe(end)
      }
    },
    { timeout: 120_000, interval: 50 },
  )

async function tick() {
  const { records, end } = await publishHour()
  await covered()
  await ask(records, end)
}

async function readTopic(topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  await readLog({ kafka, topic, from: 'beginning', follow: false, onRecord: (record) => void records.push(record) })
  return records
}

const facts = async () =>
  (await readTopic('cascata.facts')).map((record) => decode(record)).filter((event) => event.namespace === namespace)
const factsNamed = async (name: string) =>
  (await facts()).filter(({ type }) => type === `cascata.${name}.v1`).map(({ data }) => data as Record<string, any>)

async function parquet(bytes: Buffer): Promise<Record<string, any>[]> {
  const file = join(platform.home, `read-${Math.random()}.parquet`)
  writeFileSync(file, bytes)
  const connection = await (await DuckDBInstance.create()).connect()
  return (await connection.runAndReadAll(`select * from read_parquet('${file}')`)).getRowObjectsJson() as Record<string, any>[]
}

/** The rows of a topic that count, from Kafka itself. */
async function rowsOf(topic: Published['topic'], timeField: string): Promise<Row[]> {
  const refused = new Set(published.filter((record) => record.refused).map(({ value }) => value))
  return (await readTopic(topic))
    .filter(({ value }) => value !== null && !refused.has(value.toString()))
    .map(({ partition, offset, timestamp, value }) => {
      const data = JSON.parse(value!.toString())
      const eventTime = Date.parse(data[timeField])
      return { partition, offset, eventTime, available: Math.max(eventTime, timestamp), data }
    })
}

beforeAll(async () => {
  platform = await startPlatform()
  const hosts = Object.entries(platform.read().apps).map(([name, { url }]) => [name, new URL(url).host] as const)
  prometheus = await startPrometheus(platform.home, Object.fromEntries(hosts))
  kafka = connectKafka({ brokers: [platform.read().kafka], clientId: 'e2e' }, silent)
  producer = await openProducer({ kafka, log: silent })
}, 600_000)

afterAll(async () => {
  await producer?.close().catch(() => {})
  await prometheus?.stop()
  await platform?.stop()
}, 120_000)

describe('the cascade', () => {
  it('leads from published rows to a model that serves, with nobody in between', async () => {
    await platform.cascata('apply', '-f', join(import.meta.dirname, 'parcels.yaml'))
    await eventually(
      async () => expect((await platform.get('feature-store', `/v1/views/${namespace}/depots`)).state).toBe('active'),
      { timeout: 30_000 },
    )
    while (hours < historyHours) await publishHour()
    await eventually(
      async () => expect((await platform.get('deployer', `/v1/routes/${namespace}/parcel-late`)).serving).toBe('1'),
      { timeout: 120_000, interval: 200 },
    )
    await tick()
    expect(answers.at(-1)).toMatchObject({ version: '1' })
  })

  it('goes on while every process is killed once, and while the feature store runs twice', async () => {
    const { apps, backing } = platform.read()
    const targets = [
      ...Object.keys(apps).map((name) => ['apps', name] as const),
      ...Object.keys(backing).map((name) => ['backing', name] as const),
    ]
    for (const [nth, [kind, name]] of targets.entries()) {
      if (nth === 2) await platform.up('--replicas', 'feature-store=2')
      if (nth === 6) await platform.up('--replicas', 'feature-store=1')
      const killed = platform.kill(kind, name)
      kills.push({ name, wall: Date.now() })
      await publishHour()
      await killed
      await tick()
    }
    while (hours < historyHours + 72) await tick()
    // A rollout goes forward on evidence: callers go on asking until it has ended.
    const completed = async () => (await factsNamed('rollout.completed')).map(({ version }) => version)
    for (let more = 0; more < 120 && !(await completed()).includes('2'); more++) await tick()
    expect(await completed()).toContain('2')
    expect(failures).toEqual([])
  })
})

describe('afterwards', () => {
  beforeAll(async () => {
    await tick()
    await covered()
  }, 120_000)

  it.each([
    ['parcels', 'e2e-parcels', 'bookedAt'],
    ['deliveries', 'e2e-deliveries', 'deliveredAt'],
    ['depots', 'e2e-deliveries', 'deliveredAt'],
  ] as const)('every accepted row of %s is in the offline store once', async (view, topic, timeField) => {
    const expected = (await rowsOf(topic, timeField)).map(({ partition, offset }) => `${partition}/${offset}`)
    const stored = await parquet(await platform.get('feature-store', `/v1/views/${namespace}/${view}/rows`))
    expect(stored.map((row) => `${row['__partition']}/${row['__offset']}`).toSorted()).toEqual(expected.toSorted())
    const { rows } = await platform.get('feature-store', `/v1/views/${namespace}/${view}`)
    expect(rows.accepted).toBe(expected.length)
    expect(rows.rejected).toBe(published.filter((record) => record.topic === topic && record.refused).length)
  })

  it('the online store holds the winner of every parcel', async () => {
    const byParcel = Map.groupBy(await rowsOf('e2e-parcels', 'bookedAt'), (row) => row.data['parcel'] as string)
    const parcels = [...byParcel.keys()]
    for (let from = 0; from < parcels.length; from += 2_000) {
      const some = parcels.slice(from, from + 2_000)
      const { values, statuses } = await platform.post('feature-store', '/v1/features', {
        namespace,
        features: ['parcels:weightKg', 'parcels:note'],
        entities: { parcel: some },
      })
      const expected = some.map((parcel) => winner(byParcel.get(parcel)!)!.data)
      expect(values).toEqual(expected.map(({ weightKg, note }) => [weightKg, note ?? null]))
      expect(statuses.every(([weight]: string[]) => weight === 'PRESENT')).toBe(true)
    }
  })

  it('a dataset is what the slow way says, field by field', async () => {
    const { id } = await platform.post('feature-store', '/v1/datasets', { model: `${namespace}/parcel-late` })
    const built = await eventually(
      async () => {
        const dataset = await platform.get('feature-store', `/v1/datasets/${id}`)
        expect(dataset.state, JSON.stringify(dataset)).toBe('built')
        return dataset
      },
      { timeout: 120_000 },
    )
    const expected = slowDataset(
      await rowsOf('e2e-parcels', 'bookedAt'),
      await rowsOf('e2e-deliveries', 'deliveredAt'),
      Date.parse(built.cutoff),
    )
    const rows = (await parquet(await platform.get('feature-store', `/v1/datasets/${id}/data`))).map((row) => ({
      parcel: row['parcel'],
      at: Date.parse(`${String(row['at']).replace(' ', 'T').replace(/\+00$/, '')}Z`),
      depot: row['parcels__depot'],
      weightKg: row['parcels__weightKg'],
      express: row['parcels__express'],
      depotLate: row['depots__late'],
      label: row['label'],
    }))
    expect(rows.length).toBeGreaterThan(2_000)
    expect(rows.toSorted((a, b) => (a.parcel < b.parcel ? -1 : a.parcel > b.parcel ? 1 : a.at - b.at))).toEqual(expected)
  })

  it('each training request is one run, and each run at most one version', async () => {
    const requested = (await factsNamed('training.requested')).map(({ run }) => run)
    expect(new Set(requested).size).toBe(requested.length)
    const registered = await factsNamed('version.registered')
    expect(new Set(registered.map(({ run }) => run)).size).toBe(registered.length)
    expect(new Set(registered.map(({ version }) => version)).size).toBe(registered.length)
    expect(requested.length).toBeGreaterThanOrEqual(2)
    const ids = (await facts()).map(({ id }) => id)
    expect(ids.length).toBeGreaterThan(10)
  })

  it('generations of routes never go back', async () => {
    const generations = (await readTopic('cascata.routes'))
      .filter(({ value }) => value !== null)
      .map((record) => (decode(record).data as { generation: number }).generation)
    const first = generations.filter((generation, nth) => generations.indexOf(generation) === nth)
    expect(first).toEqual(first.toSorted((a, b) => a - b))
  })

  it('every answer is in the log of predictions, but for what the buffer of a killed process held', async () => {
    const logged = new Set((await readTopic('cascata.predictions')).map((record) => (decode(record).data as { id: string }).id))
    const lost = answers.filter(({ id }) => !logged.has(id))
    const deaths = kills.filter(({ name }) => name === 'inference' || name === 'kafka').map(({ wall }) => wall)
    for (const { wall } of lost) expect(deaths.some((death) => wall <= death && death - wall < 5_000)).toBe(true)
    expect(answers.length).toBeGreaterThan(1_000)
  })

  it('whatever a caller sends to any route, it gets an error that it can read, and harms nobody', async () => {
    const before = platform.read()
    for (const [app, { url }] of Object.entries(before.apps)) {
      const { requests, faults } = await harass(url)
      expect(faults, app).toEqual([])
      expect(requests).toBeGreaterThan(10)
    }
    const { apps, notReady } = platform.read()
    expect(notReady).toEqual({})
    expect(Object.entries(apps).map(([app, { pid }]) => [app, pid])).toEqual(
      Object.entries(before.apps).map(([app, { pid }]) => [app, pid]),
    )
    await tick()
    expect(failures).toEqual([])
  })

  it('every query of the dashboards shows something, but for what did not happen', async () => {
    const asked = dashboards.flatMap((spec) => queriesOf(spec, { namespace, model: 'parcel-late' }))
    const empty: string[] = []
    for (const { panel, promql } of asked) if ((await prometheus.series(promql)) === 0) empty.push(panel)
    expect(empty.filter((panel) => !unhappened.has(panel))).toEqual([])
    expect(asked.length).toBeGreaterThan(50)
  })

  it('what was served is exactly what datasets have', async () => {
    const skew = `cascata_monitor_feature_skew_ratio{namespace="${namespace}", model="parcel-late"}`
    expect(await prometheus.series(skew)).toBe(4)
    expect(await prometheus.series(`${skew} > 0`)).toBe(0)
  })

  it('every metric is explained', async () => {
    for (const app of Object.keys(platform.read().apps)) {
      const text = String(await platform.get(app, '/metrics'))
      for (const [, name] of text.matchAll(/^# TYPE (cascata_\S+)/gm))
        expect(text).toMatch(new RegExp(`^# HELP ${name} \\S.{9,}`, 'm'))
    }
  })

  it('why and trace tell how it came about', async () => {
    const why = await platform.cascata('why', `${namespace}/parcel-late/2`)
    expect(why).toContain('training.requested')
    expect(why).toContain('labels.ripened')
    const [first] = (await readTopic('e2e-parcels')).filter(({ value }) => value !== null)
    expect(await platform.cascata('trace', `e2e-parcels/${first!.partition}/${first!.offset}`)).toContain('parcel-late')
  })
})
