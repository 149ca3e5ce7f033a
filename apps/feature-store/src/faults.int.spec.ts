import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connectKafka, openTopics, silent, type Topics } from '@cascata/messaging'
import {
  eventually as within,
  type PrivateService,
  startPrivateKafka,
  startPrivatePostgres,
  startPrivateRedis,
  testHome,
  uniqueName,
} from '@cascata/testing'
import { outsider, type Published, settingsForTest, startForTest } from './start-for-test.ts'

const eventually = <T>(check: () => T | Promise<T>) => within(check, { timeout: 60_000, interval: 100 })

const t0 = Date.parse('2001-01-10T00:00:00Z')
const mebibyte = 1024 ** 2
const topic = uniqueName('faults')

/** A disk of 48 MiB; null where this user may not mount one. */
function smallDisk(): string | null {
  const folder = join(testHome(), uniqueName('disk'))
  mkdirSync(folder, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', folder], { stdio: 'ignore' })
    return folder
  } catch {
    return null
  }
}

const disk = smallDisk()
let kafka: PrivateService
let postgres: PrivateService
let redis: PrivateService
let admin: Redis
let them: Awaited<ReturnType<typeof outsider>>
let topics: Topics
let service: Awaited<ReturnType<typeof startForTest>>
let published = 0

beforeAll(async () => {
  ;[kafka, postgres, redis] = await Promise.all([startPrivateKafka(), startPrivatePostgres(), startPrivateRedis()])
  const settings = settingsForTest(kafka.url, {
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    CASCATA_LOG_LEVEL: 'error',
    ...(disk ? { FEATURE_STORE_DATA: disk } : {}),
  })
  service = await startForTest(settings)
  admin = new Redis(redis.url)
  admin.on('error', () => {})
  them = await outsider(kafka.url)
  topics = openTopics(connectKafka({ brokers: [kafka.url], clientId: 'looking' }, silent))
  await them.apply(`
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: faults}
spec:
  source: {topic: ${topic}, partitions: 2}
  entity: [flight]
  eventTime: {field: publishedAt}
  fields: {flight: string, publishedAt: timestamp, n: int, note: string}
`)
  await eventually(async () => expect(await topics.exists(topic)).toBe(true))
  await publish(50)
  await expectAll()
}, 120_000)
afterAll(async () => {
  await service?.stop()
  await them?.close()
  await topics?.close()
  admin?.disconnect()
  await Promise.all([kafka, postgres, redis].map((each) => each?.kill()))
  if (disk) execFileSync('umount', ['-l', disk])
})

const row = (n: number): Published => ({
  value: { flight: `F${n % 40}`, publishedAt: new Date(t0 + n * 1_000).toISOString(), n, note: `${n}`.repeat(100) },
  timestamp: t0 + n * 1_000,
  partition: n % 2,
})

async function publish(count: number): Promise<void> {
  await them.publish(
    topic,
    Array.from({ length: count }, (_, index) => row(published + index)),
  )
  published += count
}

const accepted = async (): Promise<number> => (await service.call('GET', '/v1/views/default/faults')).body.rows.accepted
const newest = () =>
  service.call(
    'POST',
    '/v1/features',
    { features: ['faults:n'], entities: { flight: [`F${(published - 1) % 40}`] } },
    { 'cascata-at': new Date(t0 + 86_400_000).toISOString() },
  )

/** How often writing rows was tried again. */
const retries = async (): Promise<number> => {
  const { text } = await service.call('GET', '/metrics')
  return Number(/^cascata_retries_total\{.*consumer="ingest".*\} (\d+)/m.exec(text)?.[1] ?? 0)
}

/** Every row once in both stores. */
const expectAll = () =>
  eventually(async () => {
    expect(await accepted()).toBe(published)
    expect(await newest()).toMatchObject({ status: 200, body: { values: [[published - 1]] } })
  })

it('waits while Redis is full, answers from what is there, and goes on when there is room', { timeout: 120_000 }, async () => {
  const before = await newest()
  const used = Number(/used_memory:(\d+)/.exec(await admin.info('memory'))![1])
  await admin.config('SET', 'maxmemory', String(Math.round(used / 2)))
  const [held, tried] = [published, await retries()]
  await publish(50)
  await eventually(async () => expect(await retries()).toBeGreaterThan(tried))
  expect(await accepted()).toBe(held)
  expect(
    await service.call(
      'POST',
      '/v1/features',
      { features: ['faults:n'], entities: { flight: [`F${(held - 1) % 40}`] } },
      { 'cascata-at': new Date(t0 + 86_400_000).toISOString() },
    ),
  ).toMatchObject({ status: 200, body: { values: before.body.values } })
  await admin.config('SET', 'maxmemory', '0')
  await expectAll()
})

it('is late, and loses nothing, while Redis is slow', { timeout: 120_000 }, async () => {
  await admin.call('CLIENT', 'PAUSE', '3000', 'ALL')
  await publish(50)
  await expectAll()
})

it('answers look-ups while Postgres is down, says so, and goes on when it is back', { timeout: 120_000 }, async () => {
  const before = await newest()
  await postgres.kill()
  expect((await newest()).body.values).toEqual(before.body.values)
  await eventually(async () => expect((await service.call('GET', '/readyz')).status).toBe(503))
  await publish(50)
  await postgres.restart()
  await expectAll()
  await eventually(async () => expect((await service.call('GET', '/readyz')).status).toBe(200))
})

it.skipIf(!disk)('waits while the disk is full, and leaves no half a segment', { timeout: 120_000 }, async () => {
  const ballast = join(disk!, 'ballast')
  const { bavail, bsize } = statfsSync(disk!)
  const [held, tried] = [published, await retries()]
  writeFileSync(ballast, Buffer.alloc(bavail * bsize - 4096))
  await publish(4_000)
  await eventually(async () => expect(await retries()).toBeGreaterThan(tried))
  expect((await accepted()) - held).toBeLessThan(4_000)
  rmSync(ballast)
  await expectAll()
  const rows = await service.call('GET', '/v1/views/default/faults/rows')
  expect(rows.status).toBe(200)
  expect(statfsSync(disk!).bavail * bsize).toBeGreaterThan(mebibyte)
  const segments = readdirSync(join(disk!, 'segments'), { recursive: true }).filter((name) => String(name).endsWith('.parquet'))
  expect(segments.length).toBeLessThan(40)
})
