import { afterAll, beforeAll, expect, it } from 'vitest'
import { silent } from '@cascata/messaging'
import { parseResources, type Model } from '@cascata/resources'
import { systemClock } from '@cascata/service'
import { backing } from '@cascata/testing'
import { aFeatureStore, type StoreForTest } from '../a-feature-store.ts'
import { keepModel } from '../datasets/models.store.ts'
import { planJob } from '../datasets/plan-job.ts'
import { aView } from '../feature-views/a-view.ts'
import { type View } from '../feature-views/view.ts'
import { findView } from '../feature-views/views.store.ts'
import { onResume } from '../ingest/on-halt.ts'
import { type RawRecord } from '../ingest/validate-rows.ts'
import { rebuild, type RebuildParts } from '../online/rebuild.ts'
import { openRedis } from '../online/redis.ts'
import { answerWindows } from './answer-windows.ts'
import { onlineWriter } from './online-writer.ts'
import { sweepTiles } from './sweep-tiles.ts'
import { type TiledView } from './tile-store.ts'

const hour = 3_600_000
const t0 = Date.parse('2001-01-14T12:00:00Z')
const log = { ...silent } as unknown as RebuildParts['log']
const windows = [
  { name: '3h', ms: 3 * hour },
  { name: '7d', ms: 168 * hour },
]

let store: StoreForTest
let redis: ReturnType<typeof openRedis>
beforeAll(async () => {
  store = await aFeatureStore()
  redis = openRedis(backing().redis, () => {})
})
afterAll(async () => {
  redis.disconnect()
  await store.close()
})

const landings = (name: string) =>
  aView({
    name,
    entity: ['airport'],
    time: 'landedAt',
    ttl: null,
    fields: { airport: 'string', landedAt: 'timestamp', delayMin: 'double' },
    aggregations: { delay: { fn: 'sum', of: 'delayMin', windows } },
  })

const record = (offset: number, at: number, delayMin: number): RawRecord => ({
  partition: 0,
  epoch: 0,
  offset,
  timestamp: at,
  headers: {},
  key: null,
  value: Buffer.from(JSON.stringify({ airport: 'ATL', landedAt: new Date(at).toISOString(), delayMin })),
})

const stored = async (view: View) => (await findView(store.db, view.namespace, view.name))!
const build = (view: View) => rebuild({ ...store, clock: systemClock, log }, view)

/** A view with its tiles complete, and a way to flush rows into it. */
async function aWindowedView(name: string) {
  const view = await store.apply(landings(name))
  await build(view)
  const flush = async (records: readonly RawRecord[]) => {
    const { onlineGeneration } = (await stored(view)).state
    const online = onlineWriter(store, view, () => null)
    await store.flush(view, await store.sink(view, { online, generation: () => onlineGeneration }), records)
  }
  return { view, flush }
}

const answer = async (view: View, now: number) => {
  const { state } = await stored(view)
  const tiled = view as View & TiledView
  const { complete, entities } = await store.tiles.read(tiled, state.onlineGeneration, ['ATL'])
  return { complete, values: entities[0] && answerWindows(tiled.windows, tiled.windows.features, entities[0], now) }
}

it('heals closed tiles that Redis has lost, once, and leaves the open ones', async () => {
  const { view, flush } = await aWindowedView('swept')
  await flush([record(0, t0 - 2 * hour, 1), record(1, t0 - hour, 2), record(2, t0, 4)])
  const { state } = await stored(view)
  const [hash] = await redis.keys(`${store.prefix}w${state.onlineGeneration}{${view.id}.*ATL`)
  const kept = await redis.hgetallBuffer(hash!)
  await redis.del(hash!)
  await redis.hset(hash!, { n: kept['n']! })
  expect((await answer(view, t0)).values).toEqual([null, null])

  await store.db.query('update view set watermark = $2 where id = $1', [view.id, t0])
  const [parts, progress] = [{ ...store, log }, new Map()]
  expect(await sweepTiles(parts, view, progress)).toEqual({ set: 4, differed: 4, ahead: 0 })
  expect((await answer(view, t0)).values).toEqual([3, 3])
  expect(await sweepTiles(parts, view, progress)).toEqual({ set: 0, differed: 0, ahead: 0 })
  await store.db.query('update view set watermark = $2 where id = $1', [view.id, t0 + hour])
  expect(await sweepTiles(parts, view, progress)).toEqual({ set: 2, differed: 2, ahead: 0 })
  expect((await answer(view, t0)).values).toEqual([7, 7])
})

it('makes tiles anew when partitions go on in a new epoch, with what came meanwhile', async () => {
  const { view, flush } = await aWindowedView('resumed')
  await flush([record(0, t0 - hour, 1)])
  await store.db.transaction((tx) => onResume(view)(tx, []))
  expect(await answer(view, t0)).toMatchObject({ complete: false })
  await flush([record(1, t0, 2)])
  await build(view)
  await flush([record(2, t0, 4)])
  expect(await answer(view, t0)).toEqual({ complete: true, values: [7, 7] })
})

it('leaves the longest window out between the parts of a dataset', async () => {
  const flights = aView({ fields: { flight: 'string', publishedAt: 'timestamp', airport: 'string', late: 'bool' } })
  for (const view of [flights, landings('landings')]) await store.apply(view)
  const model = (features: string) => {
    const text = `
apiVersion: cascata/v1
kind: Model
metadata: {name: late}
spec:
  task: binary
  observations: {view: flights}
  label: {field: "flights:late", within: 36h}
  features: [${features}]`
    return (parseResources(text, { file: 'model.yaml' })[0] as Model).spec
  }
  const embargoOf = async (revision: number, features: string) => {
    const named = { namespace: 'default', name: 'late', revision }
    await store.db.transaction((tx) => keepModel(tx, { ...named, spec: model(features) }))
    const plan = await planJob(store.db, { namespace: 'default', model: 'late', revision, request: { is: 'model' } })
    return plan.split!.embargo
  }
  expect(await embargoOf(1, '"flights:airport"')).toBe(36 * hour)
  expect(await embargoOf(2, '"flights:airport", "landings:delay_3h"')).toBe(168 * hour)
})
