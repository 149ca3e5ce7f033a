import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually as within, type RedisCluster, startRedisCluster } from '@cascata/testing'
import { aView } from '../feature-views/a-view.ts'
import { type View } from '../feature-views/view.ts'
import { compileValidator, type RawRecord } from '../ingest/validate-rows.ts'
import { answerWindows } from '../windows/answer-windows.ts'
import { oldestTiles } from '../windows/tile-runs.ts'
import { openTileStore, type TiledView, type TileStore } from '../windows/tile-store.ts'
import { type OnlineStore, openOnlineStore } from './online-store.ts'
import { rowReader } from './row-codec.ts'

const eventually = <T>(check: () => T | Promise<T>) => within(check, { timeout: 60_000 })
const hour = 3_600_000
const t0 = Date.parse('2001-01-14T12:00:00Z')
const fields = { flight: 'string', publishedAt: 'timestamp', n: 'int' } as const
const view = aView({ id: 1, fields, ttl: null })
const other = aView({ id: 2, name: 'others', fields, ttl: null })
const windowed = aView({
  id: 3,
  name: 'sums',
  fields,
  ttl: null,
  aggregations: { total: { fn: 'sum', of: 'n', windows: [{ name: '3h', ms: 3 * hour }] } },
}) as View & TiledView

const flights = Array.from({ length: 500 }, (_, index) => `F${index}`)
const record = (offset: number, flight: string, n: number, at = t0): RawRecord => ({
  partition: 0,
  epoch: 0,
  offset,
  timestamp: t0,
  headers: {},
  key: null,
  value: Buffer.from(JSON.stringify({ flight, publishedAt: new Date(at).toISOString(), n })),
})
const batchOf = (of: View, records: readonly RawRecord[]) => compileValidator(of).take(records, Number.MAX_SAFE_INTEGER).batch
const rowsOf = (of: View, n: number, at = t0, from = 0) =>
  batchOf(
    of,
    flights.map((flight, index) => record(from + index, flight, n + index, at)),
  )

let cluster: RedisCluster
let online: OnlineStore
let tiles: TileStore
beforeAll(async () => {
  cluster = await startRedisCluster(3)
  const [first, second] = cluster.ports
  const settings = {
    url: `redis-cluster://${cluster.host}:${first}?node=${cluster.host}:${second}`,
    prefix: 'fs:',
    onError: () => {},
  }
  online = openOnlineStore(settings)
  tiles = openTileStore(settings)
}, 120_000)
afterAll(async () => {
  await Promise.all([online?.close(), tiles?.close()])
  await cluster?.stop()
})

/** What is answered of all flights. */
async function values(of: View): Promise<unknown[]> {
  const [answer] = await online.read([{ view: of, keys: flights }])
  const reader = rowReader(of, [of.fields.findIndex(({ name }) => name === 'n')])
  return answer!.rows.map((row) => {
    const columns: unknown[][] = [[]]
    if (row) reader.read(row, columns as never)
    return row && columns[0]![0]
  })
}
const counted = (from: number) => flights.map((_, index) => from + index)

it('keeps rows on all primaries, and answers views of one request together', async () => {
  await online.write(rowsOf(view, 100))
  await online.write(rowsOf(other, 7))
  await online.markComplete(view, 4)
  const [one, two] = await online.read([
    { view, keys: flights },
    { view: other, keys: [...flights, 'nobody'] },
  ])
  expect([one!.complete, two!.complete, one!.rows.length, two!.rows.at(-1)]).toEqual([true, false, 500, null])
  expect([await values(view), await values(other)]).toEqual([counted(100), counted(7)])
  expect(await online.generation(view)).toBe(4)
  const sizes = await online.sizes()
  expect([sizes.get(1)!.rows, sizes.get(2)!.rows]).toEqual([500, 500])
  await online.check()
})

it('has the rule of the newest row decide on every one of them', async () => {
  await online.write(rowsOf(view, 0, t0 - hour, 1_000))
  expect(await values(view)).toEqual(counted(100))
})

it('keeps tiles, and lets go of them', async () => {
  await tiles.begin(windowed, 1, [{ partition: 0, epoch: 0, next: 0 }])
  const batch = batchOf(windowed, flights.flatMap((flight, index) => [record(2 * index, flight, 1), record(2 * index + 1, flight, 2)])) // prettier-ignore
  const oldest = oldestTiles(windowed.windows, null)
  await tiles.apply(windowed, 1, batch, oldest)
  await tiles.apply(windowed, 1, batch, oldest)
  const { entities } = await tiles.read(windowed, 1, flights)
  expect(entities.map((entity) => answerWindows(windowed.windows, windowed.windows.features, entity!, t0 + hour))).toEqual(
    flights.map(() => [3]),
  )
  await tiles.erase(windowed, 'F7')
  expect((await tiles.read(windowed, 1, ['F7', 'F8'])).entities.map((each) => each !== null)).toEqual([false, true])
  await tiles.forget(windowed)
  expect((await tiles.read(windowed, 1, flights)).entities.every((each) => each === null)).toBe(true)
})

it('goes on while slots move from one to another', { timeout: 120_000 }, async () => {
  const moved = cluster.move(0, 1)
  let done = false
  void moved.finally(() => (done = true))
  for (let round = 1; !done || round < 3; round += 1) {
    await eventually(() => online.write(rowsOf(view, round, t0 + round, 10_000 * round)))
    await eventually(async () => expect(await values(view)).toEqual(counted(round)))
  }
  expect(await moved).toBeGreaterThan(5)
})

it('says that it is down while a primary is, and goes on when that is back', { timeout: 120_000 }, async () => {
  const before = await values(view)
  await cluster.kill(2)
  await expect(values(view)).rejects.toThrow()
  await cluster.restart(2)
  await eventually(async () => expect(await values(view)).toEqual(before))
  await eventually(() => online.write(rowsOf(view, 5_000, t0 + 120_000, 10_000_000)))
  expect(await values(view)).toEqual(counted(5_000))
})

it('forgets a view on all of them', async () => {
  await online.forget(view)
  expect((await values(view)).every((each) => each === null)).toBe(true)
  expect(await values(other)).toEqual(counted(7))
  expect(await online.generation(view)).toBeNull()
})
