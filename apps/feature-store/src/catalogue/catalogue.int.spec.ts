import { afterAll, beforeAll, expect, it } from 'vitest'
import { resourceApplied } from '@cascata/events'
import { type Principal, runInContext, systemClock } from '@cascata/service'
import { aFeatureStore, type StoreForTest } from '../a-feature-store.ts'
import { keepModel } from '../datasets/models.store.ts'
import { eraser } from '../erasure/erase.ts'
import { aView } from '../feature-views/a-view.ts'
import { type View } from '../feature-views/view.ts'
import { findView, listViews } from '../feature-views/views.store.ts'
import { keepService } from '../feature-services/feature-services.store.ts'
import { type RawRecord } from '../ingest/validate-rows.ts'
import { CatalogueController } from './catalogue.controller.ts'
import { type InsightLimits, lookingInto } from './look-into.ts'
import { type DriftOfValues } from './measure-drift.ts'
import { type FeatureProfile } from './measure.ts'

const t0 = Date.parse('2001-01-10T00:00:00Z')
const entity = ['flight']
const time = 'at'

const own = aView({
  name: 'flights',
  entity,
  time,
  fields: {
    flight: 'string',
    at: 'timestamp',
    km: 'double',
    carrier: { type: 'string', nullable: true },
    'odd"; drop table view; --': 'int',
  },
})
const others = aView({
  name: 'distances',
  entity,
  time,
  fields: { flight: 'string', at: 'timestamp', miles: 'double', airline: { type: 'string', nullable: true }, noise: 'int' },
})

const valuesOf = (index: number) => ({
  km: ((index * 7919) % 4001) + 100,
  carrier: index % 10 === 0 ? null : ['UA', "O'Hare", 'DL', 'WN'][(index * 31) % 4]!,
})

const record = (offset: number, value: object): RawRecord => ({
  partition: 0,
  offset,
  epoch: 0,
  timestamp: t0 + offset * 1_000,
  key: null,
  value: Buffer.from(JSON.stringify(value)),
  headers: {},
})

const flight = (index: number) => ({ flight: `F${index}`, at: new Date(t0 + index * 1_000).toISOString() })

let store: StoreForTest
const views: View[] = []
beforeAll(async () => {
  store = await aFeatureStore()
  for (const [view, rowOf] of [
    [own, (index: number) => ({ ...valuesOf(index), 'odd"; drop table view; --': index % 3 })],
    [
      others,
      (index: number) => ({
        miles: valuesOf(index).km / 1.609344,
        airline: valuesOf(index).carrier,
        noise: (index * 104_729) % 997,
      }),
    ],
  ] as const) {
    const stored = await store.apply(view)
    views.push(stored)
    const rows = Array.from({ length: 400 }, (_, index) => record(index, { ...flight(index), ...rowOf(index) }))
    await store.flush(stored, await store.sink(stored), rows)
  }
})
afterAll(() => store.close())

/** Routes of the catalogue as somebody calls them who may see some resources. */
function catalogue(limits: Partial<InsightLimits> = {}, allows: Principal['allows'] = () => true) {
  const config = { profileRows: 100_000, profileTime: 20_000, ...limits }
  const controller = new CatalogueController(store.db, lookingInto({ ...store, config }))
  const principal: Principal = { name: 'reader', role: 'viewer', unscoped: false, allows }
  const asReader = <T>(work: () => T) => runInContext({ correlationId: 'test', principal }, work)
  return {
    list: (asked: Parameters<CatalogueController['list']>[0]) => asReader(() => controller.list(asked)),
    similar: (asked: Parameters<CatalogueController['similar']>[0]) => asReader(() => controller.similar(asked)),
    show: (...names: Parameters<CatalogueController['show']>) => asReader(() => controller.show(...names)),
  }
}
const everything = { unused: 'false', similar: 'false', limit: 100 } as const

it('profiles a feature over its rows, and finds the same one in another unit', async () => {
  const found = await catalogue().show('default', 'flights', 'km')
  const km = Array.from({ length: 400 }, (_, index) => valuesOf(index).km).sort((a, b) => a - b)
  expect(found.values).toMatchObject({
    state: 'measured',
    rows: 400,
    nulls: 0,
    distinct: new Set(km).size,
    numbers: {
      mean: expect.closeTo(km.reduce((sum, each) => sum + each, 0) / 400, 6) as number,
      quantiles: { min: km[0], p50: (km[199]! + km[200]!) / 2, max: km[399] },
    },
  })
  expect(found.similar).toEqual([
    expect.objectContaining({
      feature: 'default/distances:miles',
      by: 'values',
      keys: 400,
      correlation: expect.closeTo(1, 9) as number,
    }),
  ])
})

it('counts texts by their most frequent values, and finds the same ones by another name', async () => {
  const found = await catalogue().show('default', 'flights', 'carrier')
  const counts = Map.groupBy(
    Array.from({ length: 400 }, (_, index) => valuesOf(index).carrier).filter((each) => each !== null),
    (each) => each,
  )
  expect(found.values).toMatchObject({ rows: 400, nulls: 40, distinct: 4, numbers: null })
  expect(new Map((found.values as FeatureProfile).top.map(({ value, count }) => [value, count]))).toEqual(
    new Map([...counts].map(([value, all]) => [value, all.length])),
  )
  expect(found.similar).toEqual([
    expect.objectContaining({ feature: 'default/distances:airline', by: 'values', keys: 360, equal: 1, agreement: 1 }),
  ])
})

it('finds nothing near to a feature that is a thing of its own', async () => {
  expect((await catalogue().show('default', 'distances', 'noise')).similar).toEqual([])
})

it('takes every name for a name', async () => {
  const { values } = await catalogue().show('default', 'flights', 'odd"; drop table view; --')
  expect(values).toMatchObject({ rows: 400, distinct: 3 })
  await expect(catalogue().show('default', "flights' or 1=1", 'km')).rejects.toMatchObject({ code: 'FS_VIEW_NOT_FOUND' })
  await expect(catalogue().show('default', 'flights', 'flight')).rejects.toMatchObject({ code: 'FS_FEATURE_NOT_FOUND' })
  expect((await catalogue().list({ ...everything, q: "' or 1=1 --" })).total).toBe(0)
})

it('tells which models and versions use a feature, and which features nobody does', async () => {
  const spec = { features: ['flights:km'], label: { field: 'distances:noise' } }
  await store.db.transaction(async (tx) => {
    await tx.query('insert into latest (topic, key, type, generation, data) values ($1, $2, $3, 1, $4), ($1, $5, $3, 1, $6)', [
      resourceApplied.topic.name,
      'Model/default/delay',
      resourceApplied.type,
      JSON.stringify({ kind: 'Model', namespace: 'default', name: 'delay', metadata: {}, spec }),
      'FeatureView/default/flights',
      JSON.stringify({
        kind: 'FeatureView',
        namespace: 'default',
        name: 'flights',
        metadata: { owner: 'ops', description: 'plans', tags: ['aviation'] },
        spec: {},
      }),
    ])
    await keepModel(tx, { namespace: 'default', name: 'delay', revision: 1, spec })
    const version = { namespace: 'default', model: 'delay', revision: 1 } as Parameters<typeof keepService>[1]
    await keepService(tx, { ...version, version: '9' }, ['flights:km', 'flights:carrier'])
    await keepService(tx, { ...version, version: '10' }, null)
  })
  const { uses, owner, lineage } = await catalogue().show('default', 'flights', 'km')
  expect(owner).toBe('ops')
  expect(uses).toEqual({
    models: [{ model: 'default/delay', as: 'feature' }],
    versions: ['default/delay/10', 'default/delay/9'],
    versionCount: 2,
  })
  expect(lineage.edges).toContainEqual({ from: 'model:default/delay', to: 'version:default/delay/10' })
  expect((await catalogue().list({ ...everything, tag: 'aviation', name: 'k' })).features).toEqual([
    expect.objectContaining({ id: 'default/flights:km', uses: { models: 1, versions: 2 } }),
  ])
  expect((await catalogue().list({ ...everything, view: 'Distances', type: 'int' })).features.map(({ id }) => id)).toEqual([
    'default/distances:noise',
  ])
  expect((await catalogue().list({ ...everything, unused: 'true' })).features.map(({ id }) => id)).toEqual([
    'default/distances:airline',
    'default/distances:miles',
    'default/flights:odd"; drop table view; --',
  ])
})

it('looks again when rows came or went', async () => {
  const lookInto = lookingInto({ ...store, config: { profileRows: 100_000, profileTime: 20_000 } })
  const look = async () => {
    const stored = (await findView(store.db, 'default', 'distances'))!
    return lookInto(
      stored,
      stored.view.fields.find(({ name }) => name === 'noise')!,
      await listViews(store.db),
    )
  }
  const [first, again] = [await look(), await look()]
  expect(again).toBe(first)
  const view = views[1]!
  await store.flush(view, await store.sink(view), [record(400, { ...flight(400), miles: 1, airline: null, noise: 1 })])
  expect(await look()).toMatchObject({ profile: { rows: 401 } })
  const erasing = eraser({
    ...store,
    datasets: store.folder,
    clock: systemClock,
    log: { info() {} } as never,
    within: 1,
    changed: () => {},
  })
  await erasing.erase('default', 'distances', { flight: 'F400' }, 'test')
  expect(await look()).toMatchObject({ profile: { rows: 400 } })
})

it('compares documents with what is there, by definition and by values', async () => {
  const document = (name: string, topic: string, fields: string) =>
    `apiVersion: cascata/v1\nkind: FeatureView\nmetadata: {name: ${name}}\nspec: {source: {topic: ${topic}}, entity: [flight], eventTime: {field: at}, fields: {flight: string, at: timestamp, ${fields}}}\n`
  const resources = [
    document('distances', 'distances', 'miles: double, noise: int'),
    document('planned', 'flights', 'km: double'),
  ].join('---\n')
  const { alike, values } = await catalogue().similar({ resources })
  expect(alike).toMatchObject([
    {
      name: 'distances',
      feature: 'default/distances:miles',
      similar: [{ feature: 'default/flights:km', by: 'values', keys: 400 }],
    },
    { name: 'planned', feature: 'default/planned:km', similar: [{ feature: 'default/flights:km', by: 'definition' }] },
  ])
  expect(values).toEqual({ features: 2, looked: 2 })
  const blind = catalogue({}, (_, resource) => resource === 'distances')
  expect((await blind.similar({ resources })).alike).toEqual([])
  await expect(catalogue().similar({ resources: 'kind: Nothing' })).rejects.toMatchObject({ code: 'FS_RESOURCES_INVALID' })
})

it('shows nobody what is not theirs', async () => {
  const mine = catalogue({}, (namespace, resource) => namespace === 'default' && resource === 'flights')
  expect((await mine.list(everything)).features.map(({ view }) => view)).toEqual(['flights', 'flights', 'flights'])
  await expect(mine.show('default', 'distances', 'noise')).rejects.toMatchObject({ code: 'FS_VIEW_NOT_FOUND' })
  expect(await mine.show('default', 'flights', 'km')).toMatchObject({
    similar: [],
    uses: { models: [], versions: [], versionCount: 0 },
  })
})

it('looks at no more rows than it may, and says when it took too long', async () => {
  const { values } = await catalogue({ profileRows: 100 }).show('default', 'flights', 'km')
  expect(values).toMatchObject({ state: 'measured' })
  expect((values as { rows: number }).rows).toBeLessThanOrEqual(100)
  expect((await catalogue({ profileTime: 0 }).show('default', 'flights', 'km')).values).toEqual({ state: 'too-slow' })
})

it('counts the values of each day, and how far they are from those of the other days', async () => {
  const view = await store.apply(
    aView({ name: 'days', entity, time, fields: { flight: 'string', at: 'timestamp', km: 'double', hub: 'string' } }),
  )
  const day = 86_400_000
  const rows = Array.from({ length: 4_000 }, (_, index) => {
    const days = Math.floor(index / 1_000)
    const at = new Date(t0 - day * (40 * Number(days === 0)) + days * day + index * 1_000)
    const late = days === 3
    return { flight: `F${index}`, at: at.toISOString(), km: (index % 100) + (late ? 40 : 0), hub: late ? 'ATL' : "O'Hare" }
  })
  const sink = await store.sink(view)
  for (const part of [0, 1, 2, 3])
    await store.flush(
      view,
      sink,
      rows.slice(1_000 * part, 1_000 * (part + 1)).map((row, index) => ({
        ...record(1_000 * part + index, row),
        timestamp: Date.parse(row.at),
      })),
    )
  const driftIn = async (feature: string, profileRows: number) => {
    const { values } = await catalogue({ profileRows }).show('default', 'days', feature)
    return (values as unknown as { drift: DriftOfValues | null }).drift!
  }
  const all = await driftIn('km', 100_000)
  expect(all.days.map((each) => [each.day, each.rows])).toEqual([
    ['2001-01-11', 1_000],
    ['2001-01-12', 1_000],
    ['2001-01-13', 1_000],
  ])
  const [first, second, third] = all.days.map(({ distance }) => distance!)
  expect(third).toBeGreaterThan(1.4 * Math.max(first!, second!))
  const some = await driftIn('hub', 3_000)
  expect(some.bins).toEqual({ values: ["O'Hare", 'ATL'] })
  for (const { rows: sampled } of some.days) {
    expect(sampled).toBeGreaterThan(50)
    expect(sampled).toBeLessThan(150)
  }
})
