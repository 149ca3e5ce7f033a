import { afterAll, beforeAll, expect, it } from 'vitest'
import { silent } from '@cascata/messaging'
import { systemClock } from '@cascata/service'
import { aFeatureStore, type StoreForTest } from '../a-feature-store.ts'
import { type RawRecord } from '../ingest/validate-rows.ts'
import { rowsOf } from '../offline/duckdb.ts'
import { scanSql } from '../offline/segment-columns.ts'
import { lookUp } from '../online/look-up.ts'
import { rebuildWhenLost, type RebuildParts } from '../online/rebuild.ts'
import { compact } from '../upkeep/compact.ts'
import { aView } from './a-view.ts'
import { viewCatalogue } from './catalogue.ts'
import { findView, listViews, revisionsOf } from './views.store.ts'

const t0 = Date.parse('2001-01-10T00:00:00Z')
const iso = (ms: number) => new Date(ms).toISOString()

let store: StoreForTest
beforeAll(async () => {
  store = await aFeatureStore()
})
afterAll(() => store.close())

const record = (offset: number, value: object, epoch = 0): RawRecord => ({
  partition: 0,
  offset,
  epoch,
  timestamp: t0 + offset,
  key: null,
  value: Buffer.from(JSON.stringify(value)),
  headers: {},
})

const rebuilding = (): RebuildParts => ({ ...store, clock: systemClock, log: { ...silent } as unknown as RebuildParts['log'] })
const state = async (name: string) => (await findView(store.db, 'default', name))!

/** A look-up as a replica does it that has just looked at all views. */
async function asker() {
  const catalogue = viewCatalogue(store.db)
  catalogue.take(await listViews(store.db))
  const ask = lookUp({ ...store, catalogue, config: { maxEntities: 10, maxFeatures: 10 } })
  return (features: string[], entities: Record<string, unknown[]>) =>
    ask({ namespace: 'default', features, entities, now: t0 + 60_000 })
}

it('takes fields that are new, wider or held to less in place: old rows read like new ones, online, offline and merged', async () => {
  const fields = {
    flight: 'string',
    publishedAt: 'timestamp',
    n: 'int',
    share: 'float',
    code: { type: 'string', maxLength: 2 },
  } as const
  const first = await store.apply(aView({ name: 'plans', fields }))
  await store.online.markComplete(first, 1)
  const huge = '9007199254740993'
  await store.flush(first, await store.sink(first), [
    { ...record(0, {}), value: Buffer.from(`{"flight":"F1","publishedAt":"${iso(t0)}","n":${huge},"share":0.1,"code":"AA"}`) },
    record(1, { flight: 'F2', publishedAt: iso(t0), n: 3, share: 0.5, code: 'BB' }),
  ])
  const wider = {
    ...fields,
    n: 'double',
    share: 'double',
    code: { type: 'string', maxLength: 20 },
    gates: { type: 'int', nullable: true },
  } as const
  const second = await store.apply(aView({ name: 'plans', revision: 2, fields: wider }))
  expect(second.id).toBe(first.id)
  const value = { flight: 'F3', publishedAt: iso(t0), n: 0.5, share: 0.25, code: 'longer', gates: 4 }
  await store.flush(second, await store.sink(second), [record(2, value)])

  const [n, share, code, gates] = await (
    await asker()
  )(['plans:n', 'plans:share', 'plans:code', 'plans:gates'], { flight: ['F1', 'F2', 'F3'] })
  const expected = [
    { flight: 'F1', n: Number(huge), share: Math.fround(0.1), code: 'AA', gates: null },
    { flight: 'F2', n: 3, share: 0.5, code: 'BB', gates: null },
    { flight: 'F3', n: 0.5, share: 0.25, code: 'longer', gates: 4 },
  ]
  expect([n!.values, share!.values, code!.values, gates!.values]).toEqual(
    (['n', 'share', 'code', 'gates'] as const).map((name) => expected.map((row) => row[name])),
  )

  const offline = async () => {
    const revisions = await revisionsOf(store.db, second.id)
    const files = await store.segments.list(store.db, second.id)
    const scan = scanSql(second, files, (revision) => new Set(Object.keys(revisions.get(revision)!.fields)), [
      ...Object.keys(wider),
      '__revision',
    ])
    const connection = await store.duck.connect()
    const rows = await rowsOf(
      connection,
      `select flight, n, share, code, gates::INTEGER as gates, __revision::INTEGER as revision from (${scan}) order by flight`,
    )
    connection.closeSync()
    return rows
  }
  const rows = expected.map((row, index) => ({ ...row, revision: index < 2 ? 1 : 2 }))
  expect(await offline()).toEqual(rows)
  await compact(store, second, await store.segments.list(store.db, second.id), 0)
  expect(await store.segments.list(store.db, second.id)).toMatchObject([{ revision: 2, rows: 3, compacted: true }])
  expect(await offline()).toEqual(rows)
})

it('builds a view with another entity from its segments: look-ups wait with 409, and never mix old keys with new ones', async () => {
  const fields = { flight: 'string', origin: 'string', publishedAt: 'timestamp', n: 'int' } as const
  const first = await store.apply(aView({ name: 'routes', fields }))
  await store.online.markComplete(first, 1)
  const value = (flight: string, origin: string, n: number) => ({ flight, origin, publishedAt: iso(t0 + n), n })
  // A flight that is called like an airport: its old row would answer for the airport, were the keys the same.
  await store.flush(first, await store.sink(first), [record(0, value('SFO', 'ATL', 1)), record(1, value('F2', 'ATL', 2))])

  const second = await store.apply(aView({ name: 'routes', revision: 2, fields, entity: ['origin'] }))
  expect(second.id).not.toBe(first.id)
  expect((await state('routes')).state).toMatchObject({ building: true, accepted: 2 })
  const asked = async (origin: string[]) => (await (await asker())(['routes:n'], { origin }))[0]
  await expect(asked(['ATL'])).rejects.toMatchObject({ code: 'FS_VIEW_BUILDING', status: 409 })
  // The replica that has not noticed yet can't commit rows under the old key.
  const late = store.flush(first, await store.sink(first), [record(2, value('F3', 'ATL', 3))])
  await expect(late).rejects.toThrow('was deleted')

  await rebuildWhenLost(rebuilding(), await state('routes'))
  expect((await state('routes')).state.building).toBe(false)
  expect(await asked(['ATL', 'SFO'])).toMatchObject({ values: [2, null], statuses: ['PRESENT', 'NOT_FOUND'] })
  await store.flush(second, await store.sink(second, { generation: () => 2 }), [record(2, value('F3', 'ATL', 3))])
  expect(await asked(['ATL'])).toMatchObject({ values: [3] })

  // A revision that was seen before changes nothing.
  await store.apply(aView({ name: 'routes', fields }))
  expect((await state('routes')).view).toMatchObject({ id: second.id, revision: 2 })
})
