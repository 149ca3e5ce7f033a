import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { silent } from '@cascata/messaging'
import { aFeatureStore, type StoreForTest } from '../a-feature-store.ts'
import { eraser } from '../erasure/erase.ts'
import { erasuresOf, listErasures } from '../erasure/erasures.store.ts'
import { aView } from '../feature-views/a-view.ts'
import { type View } from '../feature-views/view.ts'
import { findView } from '../feature-views/views.store.ts'
import { type RawRecord } from '../ingest/validate-rows.ts'
import { rowsOf } from '../offline/duckdb.ts'
import { scanSql } from '../offline/segment-columns.ts'
import { directoryFiles } from '../offline/segment-files.ts'
import { sweep } from '../offline/sweeper.ts'
import { rebuild } from '../online/rebuild.ts'
import { readHeader } from '../online/row-codec.ts'
import { keepUp, type UpkeepParts } from './upkeep.ts'

const hour = 3_600_000
const t0 = Date.parse('2001-01-10T00:00:00Z')
const iso = (ms: number) => new Date(ms).toISOString()

let store: StoreForTest
beforeAll(async () => {
  store = await aFeatureStore()
})
afterAll(() => store.close())

const row = (offset: number, flight: string, at: number): RawRecord => ({
  partition: 0,
  offset,
  epoch: 0,
  timestamp: at + hour,
  key: null,
  value: Buffer.from(JSON.stringify({ flight, publishedAt: iso(at), distanceKm: offset })),
  headers: {},
})

const log = { ...silent, child: () => log } as unknown as UpkeepParts['log']
const parts = (more: Partial<UpkeepParts> = {}): UpkeepParts => ({
  ...store,
  log,
  clock: { now: () => Date.now() },
  rules: { settleAfter: 0, minFiles: 2, maxAge: 0, targetBytes: 1_000_000, maxBytes: 10_000_000 },
  retention: null,
  every: 1_000,
  ...more,
})
const stored = async ({ namespace, name }: View) => (await findView(store.db, namespace, name))!

/** Every row that is shown, with its file's place. */
async function shown(view: View) {
  const files = await store.segments.list(store.db, view.id)
  const connection = await store.duck.connect()
  const columns = [
    'flight',
    'distanceKm',
    '__offset',
    '__event_time',
    '__available_at',
    '__ingested_at',
    '__revision',
    '__deleted',
  ]
  const scan = scanSql(view, files, () => new Set(Object.keys(view.spec.fields)), columns)
  const rows = await rowsOf(connection, `select * from (${scan}) order by __offset`)
  connection.closeSync()
  return { files, rows }
}

const online = async (view: View, key: string) => {
  const { rows } = (await store.online.read([{ view, keys: [key] }]))[0]!
  return rows[0] ? readHeader(rows[0]) : null
}

it('merges segments into files of whole days, row for row the same, and only once', async () => {
  const view = await store.apply(aView({ name: 'merged' }))
  const sink = await store.sink(view)
  for (let offset = 0; offset < 12; offset += 1)
    await store.flush(view, sink, [row(offset, `F${offset % 3}`, t0 + ((offset * 7) % 12) * 6 * hour)])
  const before = await shown(view)
  await keepUp(parts(), await stored(view))
  const after = await shown(view)
  expect(after.rows).toEqual(before.rows)
  expect(before.files).toHaveLength(12)
  expect(after.files).toHaveLength(1)
  expect(after.files[0]).toMatchObject({
    compacted: true,
    rows: 12,
    position: before.files.at(-1)!.position,
    ranges: [{ partition: 0, epoch: 0, from: 0, to: 12 }],
    eventTime: { min: t0, max: t0 + 11 * 6 * hour },
  })
  await keepUp(parts(), await stored(view))
  expect((await shown(view)).files).toEqual(after.files)

  // Who reads the old files may go on for a while; then they go.
  expect(await readdir(join(store.folder, String(view.id)))).toHaveLength(13)
  await store.db.query(`update segment set dropped_at = now() - interval '2 hours' where dropped_at is not null`)
  await sweep(store.db, directoryFiles(store.folder), Date.now())
  expect(await readdir(join(store.folder, String(view.id)))).toHaveLength(1)
  expect((await shown(view)).rows).toEqual(before.rows)
})

it('erases an entity: at once for who looks, from the files by and by, and for good', async () => {
  const view = await store.apply(aView({ name: 'erased' }))
  const sink = await store.sink(view)
  await store.flush(view, sink, [row(0, 'F1', t0), row(1, 'F2', t0), row(2, 'F1', t0 + hour)])
  const erasing = eraser({
    ...store,
    datasets: store.folder,
    log,
    clock: { now: () => Date.now() },
    within: hour,
    changed: () => {},
  })
  const { erasure } = await erasing.erase('default', 'erased', { flight: 'F1' }, 'ops')
  const flights = async () => (await shown(view)).rows.map(({ flight }) => flight)

  expect(erasure).toMatchObject({ number: 1, by: 'ops', entity: [['flight', 'F1']] })
  expect(await online(view, 'F1')).toMatchObject({ revision: 0 })
  expect(await flights()).toEqual(['F2'])

  // A flush that was under way, one that comes late, and a new row of the same name.
  await store.flush(view, sink, [row(3, 'F1', t0 + 2 * hour), row(4, 'F2', t0 + 2 * hour)])
  const known = await erasuresOf(store.db, view)
  const later = await store.sink(view, { erasures: () => known })
  await store.flush(view, later, [row(5, 'F1', t0 + 3 * hour)])
  expect(await flights()).toEqual(['F2', 'F2'])
  expect(await online(view, 'F1')).toMatchObject({ revision: 0 })

  const whole = { ...parts(), tiles: store.tiles, generation: 1 }
  await store.online.forget(view)
  await rebuild(whole, view)
  expect(await online(view, 'F1')).toMatchObject({ revision: 0 })
  expect(await online(view, 'F2')).toMatchObject({ revision: 1, offset: 4 })

  await keepUp(parts(), await stored(view))
  expect((await shown(view)).files.every(({ erasures }) => erasures === 1)).toBe(true)
  expect(await listErasures(store.db, view.id)).toMatchObject([{ doneAt: null, entity: [['flight', 'F1']] }])
  await store.db.query(`update segment set dropped_at = now() - interval '2 hours' where dropped_at is not null`)
  await sweep(store.db, directoryFiles(store.folder), Date.now())
  await keepUp(parts(), await stored(view))
  expect(await listErasures(store.db, view.id)).toMatchObject([{ doneAt: expect.any(Number), entity: null }])
  const connection = await store.duck.connect()
  const left = await rowsOf(connection, `select distinct flight from read_parquet('${store.folder}/${view.id}/*.parquet')`)
  connection.closeSync()
  expect(left).toEqual([{ flight: 'F2' }])
  await store.flush(view, later, [row(6, 'F1', t0 + 4 * hour)])
  expect(await flights()).toEqual(['F2', 'F2'])
  await expect(erasing.erase('default', 'erased', { flight: null }, 'ops')).rejects.toMatchObject({ code: 'FS_ERASURE_INVALID' })
  await expect(erasing.erase('default', 'erased', { toString: 'F1' }, 'ops')).rejects.toMatchObject({
    code: 'FS_ERASURE_INVALID',
  })
})

it('drops with age what can no longer answer, and nothing else', async () => {
  const ages = await store.apply(aView({ name: 'ages', ttl: hour }))
  const stays = await store.apply(aView({ name: 'stays', ttl: null }))
  for (const view of [ages, stays]) await store.flush(view, await store.sink(view), [row(0, 'F1', t0)])
  const later = (ms: number) => parts({ retention: 2 * hour, clock: { now: () => Date.now() + ms } })
  const left = async (view: View) => (await shown(view)).rows.length
  for (const view of [ages, stays]) await keepUp(later(hour), await stored(view))
  expect([await left(ages), await left(stays)]).toEqual([1, 1])
  for (const view of [ages, stays]) await keepUp(later(3 * hour), await stored(view))
  expect([await left(ages), await left(stays)]).toEqual([0, 1])
})
