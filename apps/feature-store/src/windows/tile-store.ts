import { type ChainableCommander, type Result } from 'ioredis'
import { type View } from '../feature-views/view.ts'
import { type RowBatch } from '../ingest/row-batch.ts'
import {
  bucketOf,
  buckets,
  completeKeyOf,
  expirySlack,
  globbed,
  keysLike,
  openRedis,
  pipelineOf,
  succeeded,
} from '../online/redis.ts'
import { entityOf, type EntityTiles } from './entity-tiles.ts'
import { layoutOf } from './tile-codec.ts'
import { type Built, cutRun, encodeBuilt, encodeReset, encodeRun, runsOf, type TileRun } from './tile-runs.ts'
import { applyRuns, resetTiles } from './tile-scripts.ts'
import { type WindowPlan } from './window-plan.ts'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    applyRuns(keys: number, ...args: (string | Buffer | number)[]): Result<number[] | null, Context>
    resetTiles(keys: number, ...args: (string | Buffer | number)[]): Result<[number, number, number] | null, Context>
  }
}

/** A windowed view as tiles are made for it. */
export type TiledView = Pick<View, 'id' | 'spec'> & { readonly windows: WindowPlan }

/** How far a partition was read: `next` is the first offset that was not. */
export interface TileCursor {
  readonly partition: number
  readonly epoch: number
  readonly next: number
}

/**
 * Tiles of windowed views: a hash an entity, of partials by level and tile. Generations are apart from each other: what is built anew,
 * or was lost, is a new one, made of what the segments have and of the rows that come after them.
 */
export interface TileStore {
  /** Opens a generation for rows from these cursors on. Rows before them are ignored: they come from segments. */
  begin(view: TiledView, generation: number, cursors: readonly TileCursor[]): Promise<void>
  /** Applies rows, each once however often they come. A generation that is not there takes nothing. Returns how many were too late for every tile. */
  apply(view: TiledView, generation: number, batch: RowBatch, oldest: readonly number[]): Promise<number>
  /** Adds what segments have, once a generation. */
  merge(view: TiledView, generation: number, tiles: readonly Built[], oldest: readonly number[]): Promise<void>
  /** Sets tiles to what segments up to `cursors` have, but for those that know of later rows. */
  reset(view: TiledView, generation: number, tiles: readonly Built[], cursors: readonly TileCursor[]): Promise<ResetCounts>
  /** What is held of entities, null for one never seen. Incomplete: this generation is not there, or not yet whole. */
  read(
    view: TiledView,
    generation: number,
    keys: readonly string[],
  ): Promise<{ complete: boolean; entities: (EntityTiles | null)[] }>
  /** Removes an entity, from every generation. */
  erase(view: Pick<View, 'id'>, key: string): Promise<void>
  /** Removes all of a view, or all but one generation. */
  forget(view: Pick<View, 'id'>, but?: number): Promise<void>
  close(): Promise<void>
}

export interface ResetCounts {
  readonly set: number
  /** Of those set, tiles that held another number of rows. */
  readonly differed: number
  readonly ahead: number
}

/** Runs of one script call, at most: it holds Redis up. */
const runsAtOnce = 200
/** Runs on their way, at most: each call has to be answered in time. */
const runsAhead = 4_000

export function openTileStore({
  url,
  prefix,
  onError,
}: {
  url: string
  prefix: string
  onError: (error: Error) => void
}): TileStore {
  const redis = openRedis(url, onError)
  redis.defineCommand('applyRuns', { lua: applyRuns })
  redis.defineCommand('resetTiles', { lua: resetTiles })

  const hashKey = (id: number, generation: number, bucket: number, key: string) =>
    `${prefix}w${generation}{${id}.${bucket}}${key}`
  const floorsKey = (id: number, generation: number, bucket: number) => `${prefix}f${generation}{${id}.${bucket}}`

  /** One by one: keys of several slots are in no one command of a cluster. */
  const unlinkAll = async (keys: readonly string[]) => {
    const pipeline = pipelineOf(redis)
    for (const key of keys) pipeline.unlink(key)
    await succeeded(pipeline)
  }

  /** Calls a script for the items of each hash tag; what each call answered, with its items. */
  const each = async <Item extends { key: string }, Answer>(
    view: TiledView,
    generation: number,
    items: readonly Item[],
    call: (pipeline: ChainableCommander, keys: string[], items: readonly Item[], indices: number[]) => void,
  ): Promise<{ items: readonly Item[]; answer: Answer }[]> => {
    const answers: { items: readonly Item[]; answer: Answer }[] = []
    for (let from = 0; from < items.length; from += runsAhead)
      answers.push(...(await some<Item, Answer>(view, generation, items.slice(from, from + runsAhead), call)))
    return answers
  }

  const some = async <Item extends { key: string }, Answer>(
    view: TiledView,
    generation: number,
    items: readonly Item[],
    call: (pipeline: ChainableCommander, keys: string[], items: readonly Item[], indices: number[]) => void,
  ): Promise<{ items: readonly Item[]; answer: Answer }[]> => {
    const pipeline = pipelineOf(redis)
    const calls: (readonly Item[])[] = []
    for (const [bucket, own] of Map.groupBy(items, ({ key }) => bucketOf(key))) {
      for (let from = 0; from < own.length; from += runsAtOnce) {
        const sent = own.slice(from, from + runsAtOnce)
        const place = new Map<string, number>()
        for (const { key } of sent) if (!place.has(key)) place.set(key, place.size + 2)
        const keys = [
          floorsKey(view.id, generation, bucket),
          ...[...place.keys()].map((key) => hashKey(view.id, generation, bucket, key)),
        ]
        call(
          pipeline,
          keys,
          sent,
          sent.map(({ key }) => place.get(key)!),
        )
        calls.push(sent)
      }
    }
    const answers = await succeeded(pipeline)
    return answers.map((answer, index) => ({ items: calls[index]!, answer: answer as Answer }))
  }

  const send = async (
    view: TiledView,
    generation: number,
    items: readonly { key: string; encode: (keyIndex: number) => Buffer }[],
    oldest: readonly number[],
  ) => {
    const levels = view.windows.levels.flatMap((level, index) => [layoutOf(level), String(oldest[index]!)])
    const fixed = [keepOf(view), String(mostTiles(view.windows)), String(view.windows.levels.length), ...levels]
    return each<(typeof items)[number], number[] | null>(view, generation, items, (pipeline, keys, some, indices) =>
      pipeline.applyRuns(keys.length, ...keys, ...fixed, ...some.map(({ encode }, index) => encode(indices[index]!))),
    )
  }

  return {
    async begin({ id }, generation, cursors) {
      const pipeline = pipelineOf(redis)
      const floors = cursors.flatMap(({ partition, epoch, next }) => {
        const floor = Buffer.alloc(8)
        floor.writeUIntBE(next, floor.writeUInt16BE(epoch, 0), 6)
        return [String(partition), floor]
      })
      for (let bucket = 0; bucket < buckets; bucket += 1) {
        const key = floorsKey(id, generation, bucket)
        pipeline.del(key)
        pipeline.hset(key, 'generation', String(generation), ...floors)
      }
      await succeeded(pipeline)
    },

    async apply(view, generation, batch, oldest) {
      if (batch.count === 0) return 0
      const { runs, late } = runsOf(view.windows, batch, oldest)
      let pending: TileRun[] = runs
      while (pending.length > 0) {
        const items = pending.map((run) => ({
          key: run.key,
          run,
          encode: (keyIndex: number) => encodeRun(view.windows, batch, run, keyIndex),
        }))
        const answers = await send(view, generation, items, oldest)
        pending = answers.flatMap(({ items: sent, answer }) => cut(batch, sent as typeof items, answer ?? []))
      }
      return late
    },

    async merge(view, generation, tiles, oldest) {
      const items = tiles.map((tile) => ({
        key: tile.key,
        encode: (keyIndex: number) => encodeBuilt(view.windows, tile, keyIndex),
      }))
      await send(view, generation, items, oldest)
    },

    async reset(view, generation, tiles, cursors) {
      const read = Buffer.concat(cursors.map(encodeCursor))
      const answers = await each<Built, [number, number, number] | null>(
        view,
        generation,
        tiles,
        (pipeline, keys, some, indices) =>
          pipeline.resetTiles(
            keys.length,
            ...keys,
            keepOf(view),
            read,
            ...some.map((tile, index) => encodeReset(view.windows, tile, indices[index]!)),
          ),
      )
      const total = { set: 0, differed: 0, ahead: 0 }
      for (const { answer } of answers) {
        const [set, differed, ahead] = answer ?? [0, 0, 0]
        total.set += set
        total.differed += differed
        total.ahead += ahead
      }
      return total
    },

    async read({ id, windows }, generation, keys) {
      const pipeline = pipelineOf(redis)
      pipeline.hget(completeKeyOf(prefix), String(id))
      // `call` answers with a list: an object of some hundred fields an entity costs more than all else here.
      for (const key of keys) pipeline.callBuffer('HGETALL', hashKey(id, generation, bucketOf(key), key))
      const [complete, ...hashes] = await succeeded(pipeline)
      return {
        complete: complete === String(generation),
        entities: (hashes as Buffer[][]).map((hash) => entityOf(windows, hash)),
      }
    },

    async erase({ id }, key) {
      const match = `${globbed(prefix)}w*${globbed(`{${id}.${bucketOf(key)}}${key}`)}`
      for await (const found of keysLike(redis, match)) await unlinkAll(found)
    },

    async forget({ id }, but) {
      for (const kind of ['w', 'f']) {
        const match = `${globbed(prefix)}${kind}*{${id}.*`
        const kept = but === undefined ? null : `${prefix}${kind}${but}{`
        for await (const found of keysLike(redis, match))
          await unlinkAll(found.filter((key) => kept === null || !key.startsWith(kept)))
      }
    },

    close: async () => redis.disconnect(),
  }
}

/** How many tiles of an entity can live when the watermark is near: dead ones are let go beyond that. */
const mostTiles = ({ levels }: WindowPlan): number => levels.reduce((sum, { hop, longest }) => sum + longest / hop + 2, 1)

/** How long a hash is kept after a write, in ms, '0' for ever: an entity without a ttl stays seen. */
const keepOf = ({ spec, windows }: TiledView): string =>
  spec.ttl === null ? '0' : String(Math.max(spec.ttl, windows.longest + 86_400_000) + expirySlack)

/** What is left of runs of which some rows had been applied. `answer`: index of a run, last offset applied, … */
function cut(batch: RowBatch, sent: readonly { readonly run: TileRun }[], answer: readonly number[]): TileRun[] {
  const left: TileRun[] = []
  for (let at = 0; at < answer.length; at += 2) {
    const rest = cutRun(batch, sent[answer[at]!]!.run, answer[at + 1]!)
    if (rest) left.push(rest)
  }
  return left
}

function encodeCursor({ partition, epoch, next }: TileCursor): Buffer {
  const cursor = Buffer.alloc(10)
  cursor.writeUIntBE(next, cursor.writeUInt16BE(epoch, cursor.writeUInt16BE(partition, 0)), 6)
  return cursor
}
