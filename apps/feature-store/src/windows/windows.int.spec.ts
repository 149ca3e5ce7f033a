import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backing, uniqueName } from '@cascata/testing'
import { buildDataset, datasetPath } from '../datasets/build-dataset.ts'
import { decidePlan, type DatasetPlan } from '../datasets/decide-plan.ts'
import { type ViewRows } from '../datasets/history-sql.ts'
import { type Value, type View } from '../feature-views/view.ts'
import { encodeKey } from '../ingest/entity-key.ts'
import { type RowBatch } from '../ingest/row-batch.ts'
import { compileValidator, type RawRecord } from '../ingest/validate-rows.ts'
import { type Duck, literal, openDuck, quoted, rowsOf } from '../offline/duckdb.ts'
import { type SegmentFile } from '../offline/segment-columns.ts'
import { openSegmentWriter } from '../offline/segment-writer.ts'
import { completeKeyOf, openRedis } from '../online/redis.ts'
import { recordsOf, type SlowRow, slowly, start, streamRows, windowed } from './a-windowed-stream.ts'
import { answerWindows } from './answer-windows.ts'
import { builtTiles, seenEntities } from './build-tiles.ts'
import { oldestTiles } from './tile-runs.ts'
import { openTileStore, type TileCursor, type TiledView, type TileStore } from './tile-store.ts'

const minute = 60_000
const partitions = 3
const keys = ['ATL', 'S|O'].flatMap((airport) => [1, 2].map((runway) => ({ airport, runway })))

let folder: string
let duck: Duck
let redis: ReturnType<typeof openRedis>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cascata-windows-'))
  duck = await openDuck({ folder, name: 'test', memory: 256 * 1024 ** 2, threads: 1 })
  redis = openRedis(backing().redis, () => {})
})
afterAll(async () => {
  redis.disconnect()
  duck.close()
  await rm(folder, { recursive: true, force: true })
})

/** What may happen between two flushes. */
type Mishap = 'none' | 'killed' | 'wiped' | 'lost' | 'swept'
interface Flush {
  readonly takes: readonly [number, number, number]
  readonly then: Mishap
}

const flushes = fc.array(
  fc.record({
    takes: fc.tuple(fc.nat(12), fc.nat(12), fc.nat(12)),
    then: fc.constantFrom<Mishap>('none', 'none', 'killed', 'killed', 'wiped', 'lost', 'swept'),
  }),
  { minLength: 2, maxLength: 8 },
)

/** A feature store in small: flushes of three partitions into segments and tiles, with cursors that move only when both were written. */
class Ingesting {
  readonly files: SegmentFile[] = []
  readonly slow: SlowRow[] = []
  readonly next = [0, 0, 0]
  readonly highs: (number | null)[] = [null, null, null]
  generation = 1
  private readonly validator
  private readonly view: View & TiledView
  private readonly tiles: TileStore
  private readonly prefix: string
  private readonly byPartition: RawRecord[][]

  constructor(view: View & TiledView, tiles: TileStore, prefix: string, records: readonly RawRecord[]) {
    this.view = view
    this.tiles = tiles
    this.prefix = prefix
    this.validator = compileValidator(view)
    this.byPartition = Array.from({ length: partitions }, (_, partition) =>
      records.filter((each) => each.partition === partition),
    )
  }

  get watermark(): number | null {
    return this.highs.includes(null) ? null : Math.min(...(this.highs as number[]))
  }

  get oldest(): number[] {
    return oldestTiles(this.view.windows, this.watermark)
  }

  get rows(): ViewRows {
    const fieldsOf = () => new Set(this.view.fields.map(({ name }) => name))
    return { view: this.view, whole: this.files, cut: [], snapshot: [], fieldsOf }
  }

  private get cursors(): TileCursor[] {
    return this.next.map((next, partition) => ({ partition, epoch: 0, next }))
  }

  async flush({ takes, then }: Flush): Promise<void> {
    const taken = takes.map((count, partition) =>
      this.byPartition[partition]!.slice(this.next[partition], this.next[partition]! + count),
    )
    const { batch, rejects, highs } = this.validator.take(taken.flat(), Number.MAX_SAFE_INTEGER)
    expect(rejects).toEqual([])
    await this.tiles.apply(this.view, this.generation, batch, this.oldest)
    if (then === 'killed') return
    await this.commit(batch, taken, highs)
    if (then === 'wiped') await this.tiles.forget(this.view)
    if (then === 'wiped') await this.rebuild()
    if (then === 'lost') await this.loseAnEntity()
    if (then === 'swept') await this.sweep()
  }

  private async commit(batch: RowBatch, taken: readonly RawRecord[][], highs: ReadonlyMap<number, number>): Promise<void> {
    if (batch.count > 0) {
      const writer = await openSegmentWriter(duck, folder, this.view)
      const { file } = await writer.write(batch, Date.now())
      writer.close()
      this.files.push({ path: join(folder, file), revision: 1 })
    }
    for (let index = 0; index < batch.count; index += 1) {
      const order = [batch.eventTimes, batch.availableAts, batch.epochs, batch.partitions, batch.offsets].map(
        (each) => each[index]!,
      )
      this.slow.push({
        key: batch.keys[index]!,
        order,
        eventTime: order[0]!,
        availableAt: order[1]!,
        values: Object.fromEntries(this.view.fields.map(({ name }, field) => [name, batch.values[field]![index]!])),
      })
    }
    taken.forEach((records, partition) => (this.next[partition]! += records.length))
    for (const [partition, high] of highs) this.highs[partition] = Math.max(high, this.highs[partition] ?? high)
  }

  async rebuild(): Promise<void> {
    this.generation += 1
    await this.tiles.begin(this.view, this.generation, this.cursors)
    const connection = await duck.connect()
    for await (const some of seenEntities(connection, this.rows))
      await this.tiles.merge(this.view, this.generation, some, this.oldest)
    for (const [level, from] of this.oldest.entries()) {
      for await (const some of builtTiles(connection, this.rows, { level, from, to: 2 ** 31 - 1 }))
        await this.tiles.merge(this.view, this.generation, some, this.oldest)
    }
    connection.closeSync()
  }

  /** All tiles are set, not only those that are closed: nothing is under way here. */
  async sweep(): Promise<void> {
    const connection = await duck.connect()
    for (const [level, from] of this.oldest.entries()) {
      for await (const some of builtTiles(connection, this.rows, { level, from, to: 2 ** 31 - 1 }))
        await this.tiles.reset(this.view, this.generation, some, this.cursors)
    }
    connection.closeSync()
  }

  /** Redis forgets an entity, as a failover may make it; the sweep gives it back, but for what was seen long ago. */
  private async loseAnEntity(): Promise<void> {
    const found = await redis.keys(`${this.prefix}w${this.generation}*ATL*`)
    for (const key of found) {
      const kept = await redis.hgetBuffer(key, 'n')
      await redis.del(key)
      await redis.hset(key, 'n', kept!)
    }
    await this.sweep()
  }
}

const close = (view: View & TiledView, ingesting: Ingesting, found: Value, name: string, key: string, at: number): void => {
  const feature = view.windows.features.find((each) => each.name === name)!
  const expected = slowly(view, feature, ingesting.slow, key, at)
  if (typeof expected !== 'number' || feature.type !== 'double') expect([name, key, found]).toEqual([name, key, expected])
  else {
    expect([name, key, typeof found]).toEqual([name, key, 'number'])
    const { field } = view.windows.levels[feature.level]!.slots[feature.slot]!
    const sizes = ingesting.slow.filter((row) => row.key === key).map((row) => Math.abs(Number(row.values[field!])))
    const size = feature.fn === 'stddev' ? Math.max(...sizes) : sizes.reduce((sum, each) => sum + each, 0)
    expect(Math.abs((found as number) - expected), `${name} of ${key}: ${String(found)}, slowly ${expected}`).toBeLessThanOrEqual(
      1e-9 * Math.max(1, size) * (feature.fn === 'stddev' ? 1 : 1e-3),
    )
  }
}

/** Aggregates as datasets have them, for every entity at every instant. */
async function offline(view: View & TiledView, rows: ViewRows, instants: readonly number[]) {
  const path = join(folder, `${uniqueName('spine')}.parquet`)
  const connection = await duck.connect()
  const spine = [...keys, { airport: 'NIX', runway: 9 }].flatMap(({ airport, runway }) =>
    instants.map((at) => `(${literal(airport)}, ${runway}, ${at})`),
  )
  await connection.run(
    `copy (select * from (values ${spine.join(', ')}) as spine (airport, runway, at_ms)) to ${literal(path)} (format parquet)`,
  )
  const names = view.served.map(({ name }) => name)
  const features = names.map((name) => `${view.name}:${name}`)
  const plan = decidePlan(
    { features, request: {}, label: null, spine: ['airport', 'runway'], chain: [] },
    new Map([[view.name, view]]),
  )
  const built = await buildDataset(
    duck,
    folder,
    {
      plan: plan as DatasetPlan,
      spine: { is: 'file', file: { path, columns: ['airport', 'runway'] } },
      views: new Map([[view.name, rows]]),
      cutoff: null,
      max: null,
      split: null,
    },
    async () => {},
  )
  const columns = names.map((name) => `${quoted(`${view.name}__${name}`)} as ${quoted(name)}`)
  const found = await rowsOf<Record<string, Value>>(
    connection,
    `select airport, runway::INTEGER as runway, epoch_ms("at")::DOUBLE as "at", ${columns.join(', ')} from read_parquet(${literal(datasetPath(folder, built.hash))})`,
  )
  connection.closeSync()
  return found
}

const narrow = (value: Value): Value => (typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value)

describe('random streams: late, out of order, doubled, over three partitions, with kills, losses and sweeps', () => {
  it('give the same aggregates online, offline and the slow way', { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        streamRows,
        flushes,
        fc.option(fc.constantFrom(6, 30), { nil: null }),
        fc.array(fc.nat(600), { minLength: 1, maxLength: 4 }),
        async (stream, plan, ttlHours, instants) => {
          const prefix = `${uniqueName('fs')}:`
          const tiles = openTileStore({ url: backing().redis, prefix, onError: () => {} })
          const view = windowed(1, ttlHours === null ? null : ttlHours * 60 * minute)
          try {
            const ingesting = new Ingesting(view, tiles, prefix, recordsOf(stream))
            await ingesting.rebuild()
            for (const flush of plan) await ingesting.flush(flush)
            await ingesting.flush({ takes: [99, 99, 99], then: 'none' })
            const last = Math.max(...stream.map(({ arrival }) => arrival))
            const now = start + (last + instants[0]! * 2.5) * minute
            await redis.hset(completeKeyOf(prefix), String(view.id), ingesting.generation)

            const read = await tiles.read(
              view,
              ingesting.generation,
              keys.map(({ airport, runway }) => encodeKey([airport, runway])),
            )
            expect(read.complete).toBe(true)
            for (const [index, { airport, runway }] of keys.entries()) {
              const key = encodeKey([airport, runway])
              const entity = read.entities[index]!
              const fresh = entity && (view.spec.ttl === null || now - entity.newest <= view.spec.ttl)
              const values = fresh
                ? answerWindows(view.windows, view.windows.features, entity, now)
                : view.windows.features.map(() => null)
              view.windows.features.forEach(({ name }, at) => close(view, ingesting, values[at]!, name, key, now))
            }

            const found = await offline(view, ingesting.rows, [now, ...instants.map((step) => start + step * 2.5 * minute)])
            for (const row of found) {
              const key = encodeKey([row['airport']!, row['runway']!])
              for (const { name } of view.windows.features)
                close(view, ingesting, narrow(row[name]!), name, key, row['at'] as number)
            }
          } finally {
            await tiles.forget(view)
            await tiles.close()
          }
        },
      ),
      { numRuns: 25 },
    )
  })
})
