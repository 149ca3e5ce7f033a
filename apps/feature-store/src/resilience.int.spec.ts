import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connectKafka, openTopics, silent, type Topics } from '@cascata/messaging'
import {
  eventually,
  type PrivateService,
  spawnWorker,
  startPrivateKafka,
  startPrivateRedis,
  uniqueName,
  type Worker,
} from '@cascata/testing'
import { type Duck, literal, openDuck, rowsOf } from './offline/duckdb.ts'
import { callerOf, outsider, type Published, settingsForTest } from './start-for-test.ts'

const t0 = Date.parse('2001-01-10T00:00:00Z')
const iso = (ms: number) => new Date(ms).toISOString()

let kafka: PrivateService
let redis: PrivateService
let them: Awaited<ReturnType<typeof outsider>>
let topics: Topics
let duck: Duck
let settings: Record<string, string>
let main: string
const workers: Worker[] = []

beforeAll(async () => {
  ;[kafka, redis] = await Promise.all([startPrivateKafka(), startPrivateRedis()])
  settings = settingsForTest(kafka.url, { REDIS_URL: redis.url })
  main = await bundled()
  them = await outsider(kafka.url)
  topics = openTopics(connectKafka({ brokers: [kafka.url], clientId: 'looking' }, silent))
  duck = await openDuck({ folder: settings['CASCATA_HOME']!, name: 'reading', memory: 128 * 1024 ** 2, threads: 1 })
})
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.kill()))
  rmSync(main, { force: true })
  duck?.close()
  await topics?.close()
  await them?.close()
  await Promise.all([kafka?.kill(), redis?.kill()])
})

/** The service as it is deployed: Node can't run decorators by itself. It stays in the workspace, where its packages are found. */
async function bundled(): Promise<string> {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const outfile = join(root, 'dist', 'test', `${uniqueName('feature_store')}.mjs`)
  await build({
    entryPoints: [fileURLToPath(new URL('main.ts', import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    tsconfig: join(root, 'tsconfig.base.json'),
    plugins: [
      {
        name: 'packages-outside',
        setup: ({ onResolve }) =>
          onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
            kind === 'entry-point' || path.startsWith('@cascata/') ? undefined : { path, external: true },
          ),
      },
    ],
  })
  return outfile
}

/** A replica in a process of its own, answering. */
const replica = async () => {
  const worker = await spawnWorker(main, { env: { ...settings, CASCATA_LOG_LEVEL: 'info' } })
  workers.push(worker)
  const { url } = await worker.line<{ url: string }>((line) => typeof line.url === 'string', 40_000)
  return { worker, url, call: callerOf(url) }
}

const yaml = (name: string, topic: string) => `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: ${name}}
spec:
  source: {topic: ${topic}, partitions: 3}
  entity: [flight]
  eventTime: {field: publishedAt}
  fields: {flight: string, publishedAt: timestamp, n: int}
`

/** Rows of 97 entities in no order of time. */
const rowsOfRound = (from: number, count: number): Published[] =>
  Array.from({ length: count }, (_, index) => {
    const n = from + index
    const at = t0 + ((n * 7_919) % 10_007) * 1_000
    return { value: { flight: `F${n % 97}`, publishedAt: iso(at), n }, timestamp: t0 + n * 1_000 + 10_007_000, partition: n % 3 }
  })

const covered = async (call: ReturnType<typeof callerOf>, view: string, topic: string) =>
  eventually(
    async () => {
      const bounds = await topics.bounds(topic)
      const { body } = await call('GET', `/v1/views/default/${view}`)
      for (const [partition, { high }] of bounds)
        expect(body.partitions.find((each: { partition: number }) => each.partition === partition)?.nextOffset).toBe(high)
      return body
    },
    { timeout: 60_000, interval: 100 },
  )

/** Every row once offline, and online the winner of each key by the rule. */
const expectExact = async (call: ReturnType<typeof callerOf>, view: string, published: readonly Published[]) => {
  const path = join(settings['CASCATA_HOME']!, `${uniqueName('rows')}.parquet`)
  writeFileSync(path, (await call('GET', `/v1/views/default/${view}/rows`)).bytes)
  const connection = await duck.connect()
  const rows = await rowsOf<{ n: number }>(connection, `select n::INTEGER as n from read_parquet(${literal(path)}) order by n`)
  connection.closeSync()
  expect(rows.map(({ n }) => n)).toEqual(published.map((_, n) => n))

  const winners = new Map<string, { at: number; known: number; n: number }>()
  for (const { value, timestamp } of published) {
    const { flight, publishedAt, n } = value as { flight: string; publishedAt: string; n: number }
    const row = { at: Date.parse(publishedAt), known: timestamp!, n }
    const other = winners.get(flight)
    if (!other || row.at > other.at || (row.at === other.at && row.known > other.known)) winners.set(flight, row)
  }
  const flights = [...winners.keys()]
  const { body, status } = await call(
    'POST',
    '/v1/features',
    { features: [`${view}:n`], entities: { flight: flights } },
    { 'cascata-at': iso(t0 + 24 * 3_600_000) },
  )
  expect(status).toBe(200)
  expect(body.values.flat()).toEqual(flights.map((flight) => winners.get(flight)!.n))
}

it('has every row once offline and the winner online, whatever dies meanwhile', { timeout: 300_000 }, async () => {
  const [view, topic] = ['flights', uniqueName('flights')]
  let first = await replica()
  await them.apply(yaml(view, topic))
  await eventually(async () => expect(await topics.exists(topic)).toBe(true), { timeout: 60_000 })
  const published: Published[] = []
  const publish = async (count: number) => {
    const rows = rowsOfRound(published.length, count)
    published.push(...rows)
    await them.publish(topic, rows)
  }

  // The service dies in the middle of its flushes, again and again, and is started anew.
  for (let round = 0; round < 3; round += 1) {
    await publish(2_000)
    await eventually(
      async () =>
        expect((await first.call('GET', `/v1/views/default/${view}`)).body.rows?.accepted ?? 0).toBeGreaterThan(round * 500),
      { timeout: 60_000 },
    )
    await publish(1_000)
    await first.worker.kill()
    first = await replica()
  }

  // Two replicas share the partitions; one dies while it holds some.
  const second = await replica()
  await publish(2_000)
  await second.worker.kill()
  await publish(500)
  await covered(first.call, view, topic)
  await expectExact(first.call, view, published)

  // Redis is down: rows wait, look-ups say so, nothing is lost.
  await redis.kill()
  await publish(1_000)
  const refused = await first.call('POST', '/v1/features', { features: ['flights:n'], entities: { flight: ['F1'] } })
  expect(refused).toMatchObject({ status: 503, body: { code: 'FS_ONLINE_UNAVAILABLE' } })
  await redis.restart()
  await covered(first.call, view, topic)
  await eventually(() => expectExact(first.call, view, published), { timeout: 30_000, interval: 250 })

  // Redis is emptied: look-ups are refused, never NOT_FOUND, until the rows are there again.
  const { Redis } = await import('ioredis')
  const admin = new Redis(redis.url)
  await admin.flushall()
  await admin.quit()
  const seen = new Set<string>()
  await eventually(
    async () => {
      const { status, body } = await first.call(
        'POST',
        '/v1/features',
        { features: ['flights:n'], entities: { flight: ['F1'] } },
        { 'cascata-at': iso(t0 + 24 * 3_600_000) },
      )
      seen.add(status === 200 ? body.statuses[0][0] : body.code)
      expect(status).toBe(200)
    },
    { timeout: 30_000, interval: 10 },
  )
  expect([...seen].sort()).toEqual(['FS_VIEW_REBUILDING', 'PRESENT'])
  await expectExact(first.call, view, published)
})

it('halts at a topic that was created again, says so, and goes on in a new epoch when told', { timeout: 120_000 }, async () => {
  const [view, topic] = ['gates', uniqueName('gates')]
  // Several of them: after the topic was away they join the group again one by one.
  const [{ call }] = await Promise.all([replica(), replica()])
  await them.apply(yaml(view, topic))
  await eventually(async () => expect(await topics.exists(topic)).toBe(true), { timeout: 60_000 })
  await them.publish(topic, rowsOfRound(0, 30))
  await covered(call, view, topic)
  const admin = connectKafka({ brokers: [kafka.url], clientId: 'admin' }, silent).admin()
  await admin.connect()
  await admin.deleteTopics({ topics: [topic] })
  await admin.disconnect()
  await eventually(async () => expect(await topics.exists(topic)).toBe(false))
  await eventually(() => topics.ensure([{ topic, partitions: 3 }]))
  await them.publish(topic, rowsOfRound(30, 30))
  await eventually(
    async () =>
      expect((await call('GET', `/v1/views/default/${view}`)).body).toMatchObject({
        state: 'halted',
        rows: { accepted: 30 },
        partitions: [
          { halted: { reason: 'recreated' } },
          { halted: { reason: 'recreated' } },
          { halted: { reason: 'recreated' } },
        ],
      }),
    { timeout: 60_000 },
  )
  const { watermark } = (await call('GET', `/v1/views/default/${view}`)).body
  expect(await call('POST', `/v1/views/default/${view}/resume`, { from: 'earliest' })).toMatchObject({ status: 200 })
  const resumed = await covered(call, view, topic)
  expect(resumed).toMatchObject({ state: 'active', rows: { accepted: 60 } })
  expect(Math.max(...resumed.partitions.map(({ epoch }: { epoch: number }) => epoch))).toBe(1)
  expect(Date.parse(resumed.watermark)).toBeGreaterThanOrEqual(Date.parse(watermark))
})
