import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { backing, uniqueName } from '@cascata/testing'
import { aView } from '../feature-views/a-view.ts'
import { type View } from '../feature-views/view.ts'
import { compileValidator, type RawRecord } from '../ingest/validate-rows.ts'
import { openRedis } from '../online/redis.ts'
import { answerWindows } from './answer-windows.ts'
import { oldestTiles, partialsOf, runsOf } from './tile-runs.ts'
import { openTileStore, type TileCursor, type TiledView, type TileStore } from './tile-store.ts'

const hour = 3_600_000
const t0 = Date.parse('2001-01-14T12:00:00Z')
const view = aView({
  entity: ['airport'],
  time: 'landedAt',
  ttl: null,
  fields: { airport: 'string', landedAt: 'timestamp', delayMin: 'double' },
  aggregations: {
    landings: { fn: 'count', windows: [{ name: '3h', ms: 3 * hour }] },
    delay: { fn: 'sum', of: 'delayMin', windows: [{ name: '3h', ms: 3 * hour }] },
  },
}) as View & TiledView

let redis: ReturnType<typeof openRedis>
let tiles: TileStore
let prefix: string
beforeAll(() => {
  redis = openRedis(backing().redis, () => {})
})
beforeEach(() => {
  prefix = `${uniqueName('fs')}:`
  tiles = openTileStore({ url: backing().redis, prefix, onError: () => {} })
  return () => tiles.close()
})
afterAll(() => redis.disconnect())

/** A row of Atlanta: its offset is its delay. */
const record = (offset: number, { at = t0, partition = 0, epoch = 0 } = {}): RawRecord => ({
  partition,
  epoch,
  offset,
  timestamp: at,
  headers: {},
  key: null,
  value: Buffer.from(JSON.stringify({ airport: 'ATL', landedAt: new Date(at).toISOString(), delayMin: offset })),
})
const batchOf = (records: readonly RawRecord[]) => compileValidator(view).take(records, Number.MAX_SAFE_INTEGER).batch
const everything = oldestTiles(view.windows, null)
const apply = (records: readonly RawRecord[], { generation = 1, oldest = everything } = {}) =>
  tiles.apply(view, generation, batchOf(records), oldest)
const begin = (next: number, generation = 1) => tiles.begin(view, generation, [{ partition: 0, epoch: 1, next }])

/** What segments of some rows have. */
const built = (records: readonly RawRecord[]) => {
  const batch = batchOf(records)
  return runsOf(view.windows, batch, everything).runs.map((run) => ({
    key: run.key,
    newest: t0,
    tile: { ...run.tile!, partials: partialsOf(view.windows, batch, run) },
  }))
}
const upTo = (next: number): TileCursor[] => [{ partition: 0, epoch: 1, next }]

const answer = async (generation = 1, now = t0) => {
  const [entity] = (await tiles.read(view, generation, ['ATL'])).entities
  return entity ? answerWindows(view.windows, view.windows.features, entity, now) : null
}
const epoch = 1

describe('rows count once', () => {
  it('when a flush is repeated, also with more or fewer rows', async () => {
    await begin(0)
    await apply([record(1, { epoch }), record(2, { epoch })])
    await apply([record(1, { epoch })])
    await apply([record(1, { epoch }), record(2, { epoch }), record(3, { epoch })])
    await apply([record(1, { epoch, partition: 1 })])
    expect(await answer()).toEqual([7, 4])
  })

  it('when a replica comes late that was fenced off: its rows are from before the generation, or from an older epoch', async () => {
    await begin(10)
    await tiles.merge(view, 1, built([record(1, { epoch }), record(9, { epoch })]), everything)
    await apply([record(9, { epoch }), record(10, { epoch })])
    await apply([record(99)])
    expect(await answer()).toEqual([20, 3])
  })

  it('when they come again in a new epoch, they are others', async () => {
    await begin(0)
    await apply([record(5, { epoch: 1 })])
    await apply([record(1, { epoch: 2 })])
    expect(await answer()).toEqual([6, 2])
  })
})

describe('a generation', () => {
  it('takes nothing before it was begun, nor after it is gone', async () => {
    await apply([record(1, { epoch })])
    expect(await answer()).toBeNull()
    await begin(0)
    await apply([record(1, { epoch })])
    await begin(2, 2)
    await tiles.merge(view, 2, built([record(1, { epoch })]), everything)
    await apply([record(2, { epoch })], { generation: 2 })
    await tiles.forget(view, 2)
    expect([await answer(1), await answer(2)]).toEqual([null, [3, 2]])
    await apply([record(2, { epoch })])
    expect(await redis.keys(`${prefix}*1{*`)).toEqual([])
  })

  it('lets go of tiles that no window reaches once there are more than can live, and counts what comes too late', async () => {
    await begin(0)
    await apply(Array.from({ length: 40 }, (_, tile) => record(tile, { epoch, at: t0 + tile * 300_000 })))
    const oldest = oldestTiles(view.windows, t0 + 4 * hour)
    expect(await apply([record(40, { epoch, at: t0 + 4 * hour }), record(41, { epoch })], { oldest })).toBe(1)
    const [entity] = (await tiles.read(view, 1, ['ATL'])).entities
    const left = entity!.tiles.map(({ tile }) => (tile * 300_000 - t0) / hour)
    expect([left.length, Math.min(...left), Math.max(...left)]).toEqual([29, 1, 4])
    expect(entity!.newest).toBe(t0 + 4 * hour)
  })

  it('forgets an entity that is erased', async () => {
    await begin(0)
    await apply([record(1, { epoch })])
    await tiles.erase(view, 'ATL')
    expect(await answer()).toBeNull()
  })
})

describe('a tile that is set from segments', () => {
  it('is healed when rows were lost, and still knows which it has', async () => {
    await begin(0)
    const rows = [record(1, { epoch }), record(2, { epoch }), record(3, { epoch })]
    await apply([rows[0]!, rows[2]!])
    expect(await tiles.reset(view, 1, built(rows), upTo(4))).toEqual({ set: 1, differed: 1, ahead: 0 })
    await apply(rows)
    expect(await answer()).toEqual([6, 3])
    expect(await tiles.reset(view, 1, built(rows), upTo(4))).toEqual({ set: 1, differed: 0, ahead: 0 })
  })

  it('is left when it knows of rows that the segments lack', async () => {
    await begin(0)
    const rows = [record(1, { epoch }), record(2, { epoch })]
    await apply(rows)
    expect(await tiles.reset(view, 1, built(rows.slice(0, 1)), upTo(2))).toEqual({ set: 0, differed: 0, ahead: 1 })
    expect(await answer()).toEqual([3, 2])
  })

  it('comes back when the whole entity was lost', async () => {
    await begin(0)
    expect(await tiles.reset(view, 1, built([record(7, { epoch })]), upTo(8))).toEqual({ set: 1, differed: 1, ahead: 0 })
    expect(await answer()).toEqual([7, 1])
  })
})
