import { afterAll, beforeAll, expect, it } from 'vitest'
import { aFeatureStore, type StoreForTest } from '../a-feature-store.ts'
import { aView } from '../feature-views/a-view.ts'
import { type View } from '../feature-views/view.ts'
import { findView } from '../feature-views/views.store.ts'
import { type RawRecord } from './validate-rows.ts'

const t0 = Date.parse('2001-01-10T00:00:00Z')
const iso = (ms: number) => new Date(ms).toISOString()

let store: StoreForTest
beforeAll(async () => {
  store = await aFeatureStore()
})
afterAll(() => store.close())

const row = (partition: number, offset: number, at: number): RawRecord => ({
  partition,
  offset,
  epoch: 0,
  timestamp: at,
  key: null,
  value: Buffer.from(JSON.stringify({ flight: 'F1', publishedAt: iso(at), distanceKm: 1 })),
  headers: {},
})

const watermarkOf = async ({ namespace, name }: View) => (await findView(store.db, namespace, name))!.state.watermark

it('holds the watermark while a partition has rows that nobody has read, however new to the view it is', async () => {
  const view = await store.apply(aView({ name: 'unread' }))
  const ends = new Map([
    [0, 2],
    [1, 1],
    [2, 0],
  ])
  const sink = await store.sink(view, { ends: async () => ends })
  await store.flush(view, sink, [row(0, 0, t0)])
  await store.flush(view, sink, [row(0, 1, t0 + 60_000)])
  expect(await watermarkOf(view)).toBeNull()
  await store.flush(view, sink, [row(1, 0, t0 + 30_000)])
  expect(await watermarkOf(view)).toBe(t0 + 30_000)
})

it('holds the watermark when nobody could look at where the partitions end', async () => {
  const view = await store.apply(aView({ name: 'unseen' }))
  let broken = true
  const ends = async () => {
    if (broken) throw new Error('Kafka is down.')
    return new Map([
      [0, 2],
      [1, 0],
    ])
  }
  const sink = await store.sink(view, { ends })
  await store.db.query('insert into view_partition (view_id, topic, partition) values ($1, $2, 1)', [
    view.id,
    view.spec.source.topic,
  ])
  await store.flush(view, sink, [row(0, 0, t0)])
  expect(await watermarkOf(view)).toBeNull()
  broken = false
  await store.flush(view, sink, [row(0, 1, t0 + 60_000)])
  expect(await watermarkOf(view)).toBe(t0 + 60_000)
})

it('does not look at ends while every partition brings rows', async () => {
  const view = await store.apply(aView({ name: 'busy' }))
  let looks = 0
  const ends = async () => {
    looks += 1
    return new Map([[0, 9]])
  }
  const sink = await store.sink(view, { ends })
  for (let offset = 0; offset < 3; offset += 1) await store.flush(view, sink, [row(0, offset, t0 + offset)])
  expect(looks).toBe(1)
  expect(await watermarkOf(view)).toBe(t0 + 2)
})
