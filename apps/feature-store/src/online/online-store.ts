import { type Result } from 'ioredis'
import { type View } from '../feature-views/view.ts'
import { type RowBatch } from '../ingest/row-batch.ts'
import { measureMemory, type OnlineSize } from './measure-memory.ts'
import { compareOnline } from './online-order.ts'
import {
  bucketOf,
  completeKeyOf,
  expirySlack,
  globbed,
  hashOf,
  keysLike,
  openRedis,
  pipelineOf,
  primariesOf,
  succeeded,
} from './redis.ts'
import { rowEncoder } from './row-codec.ts'

/**
 * Writes rows of one view and slot, each only if it wins by the online rule. An equal row is written again: that is a redelivery.
 * A row begins with what decides, in an order of bytes that is the order of the rule (see row-codec.ts).
 * KEYS: the hashes of the rows' entities. ARGV[1]: the view's field in them. ARGV[2]: ms to keep a row, 0 for ever. ARGV[3…]: the rows.
 */
const writeIfNewer = `
local field, keep, byte = ARGV[1], tonumber(ARGV[2]), string.byte
for i = 1, #KEYS do
  local row = ARGV[i + 2]
  local old = redis.call('HGET', KEYS[i], field)
  local wins = true
  if old then
    local after = 8
    for _ = 1, 4 do
      local lead = byte(row, after)
      after = after + (lead < 240 and 1 or lead - 238)
    end
    for at = 1, after - 1 do
      local a, b = byte(row, at), byte(old, at)
      if a ~= b then
        wins = a > b
        break
      end
    end
  end
  if wins then
    local left = redis.call('PTTL', KEYS[i])
    redis.call('HSET', KEYS[i], field, row)
    if keep == 0 then
      if left >= 0 then redis.call('PERSIST', KEYS[i]) end
    elseif left == -2 or (left >= 0 and left < keep) then
      redis.call('PEXPIRE', KEYS[i], keep)
    end
  end
end`

declare module 'ioredis' {
  interface RedisCommander<Context> {
    writeIfNewer(keys: number, ...args: (string | Buffer)[]): Result<null, Context>
  }
}

/** The latest row of every entity. */
export interface OnlineStore {
  /** Writes the winners of a batch by compare-and-set; idempotent. */
  write(batch: RowBatch): Promise<void>
  /** The rows of entity keys, in their order, null where there is none; one round trip for all views. */
  read(reads: readonly ViewRead[]): Promise<ViewAnswer[]>
  /** The generation of the view's rows that Redis holds; null when it was lost or is not complete yet. */
  generation(view: Pick<View, 'id'>): Promise<number | null>
  markComplete(view: Pick<View, 'id'>, generation: number): Promise<void>
  /** Forgets that the view's rows are complete: look-ups are refused until they are rebuilt. */
  markIncomplete(view: Pick<View, 'id'>): Promise<void>
  /** Removes all rows of a view that was deleted. */
  forget(view: KeyedView): Promise<void>
  /** What each view takes in Redis, tiles too, by its id; estimated from a bounded sample of all keys. */
  sizes(): Promise<ReadonlyMap<number, OnlineSize>>
  /** Throws when Redis does not answer, or may drop rows when it is full. */
  check(): Promise<void>
  close(): Promise<void>
}

/** What the place of a view's rows depends on. */
export type KeyedView = Pick<View, 'id' | 'namespace' | 'entity'>

export interface ViewRead {
  readonly view: KeyedView
  readonly keys: readonly string[]
}

export interface ViewAnswer {
  /** False while the view's rows are being rebuilt: then the rows mean nothing. */
  readonly complete: boolean
  readonly rows: readonly (Buffer | null)[]
}

export function openOnlineStore({
  url,
  prefix,
  onError,
}: {
  url: string
  prefix: string
  onError: (error: Error) => void
}): OnlineStore {
  const redis = openRedis(url, onError)
  redis.defineCommand('writeIfNewer', { lua: writeIfNewer })

  const completeKey = completeKeyOf(prefix)

  return {
    async write(batch) {
      if (batch.count === 0) return
      const { view } = batch
      const encoder = rowEncoder(view)
      const hashKey = hashKeys(prefix, view)
      const keep = view.spec.ttl === null ? '0' : String(view.spec.ttl + expirySlack)
      const pipeline = pipelineOf(redis)
      for (const [bucket, indices] of byBucket(batch)) {
        const keys = indices.map((index) => hashKey(bucket, batch.keys[index]!))
        pipeline.writeIfNewer(keys.length, ...keys, fieldOf(view), keep, ...indices.map((index) => encoder.encode(batch, index)))
      }
      await succeeded(pipeline)
    },

    async read(reads) {
      const pipeline = pipelineOf(redis)
      pipeline.hmget(completeKey, ...reads.map(({ view }) => fieldOf(view)))
      const plan = hashReads(prefix, reads)
      for (const [hash, { fields }] of plan) pipeline.hmgetBuffer(hash, ...fields)
      const [complete, ...results] = (await succeeded(pipeline)) as [(string | null)[], ...(Buffer | null)[][]]
      const rows = reads.map(({ keys }) => new Array<Buffer | null>(keys.length).fill(null))
      let next = 0
      for (const { places } of plan.values()) {
        const values = results[next++]!
        for (const [index, { read, at }] of places.entries()) rows[read]![at] = values[index]!
      }
      return reads.map((_, index) => ({ complete: complete[index] !== null, rows: rows[index]! }))
    },

    async generation(view) {
      const value = await redis.hget(completeKey, fieldOf(view))
      return value === null ? null : Number(value)
    },
    markComplete: async (view, generation) => void (await redis.hset(completeKey, fieldOf(view), generation)),
    markIncomplete: async (view) => void (await redis.hdel(completeKey, fieldOf(view))),

    async forget(view) {
      await redis.hdel(completeKey, fieldOf(view))
      const match = `${globbed(`${prefix}{${placeOf(view)}.`)}*`
      for await (const keys of keysLike(redis, match)) {
        const pipeline = pipelineOf(redis)
        for (const key of keys) pipeline.hdel(key, fieldOf(view))
        await succeeded(pipeline)
      }
    },

    sizes: async () => measureMemory(await primariesOf(redis), prefix),

    async check() {
      for (const primary of await primariesOf(redis)) {
        const policy = /maxmemory_policy:(\S+)/.exec(await primary.info('memory'))?.[1]
        if (policy && policy !== 'noeviction')
          throw new Error(`Redis has maxmemory-policy ${policy}: it may drop rows. Set noeviction.`)
      }
    },
    close: async () => redis.disconnect(),
  }
}

/**
 * Rows of an entity lie in one hash, a field a view, so that views of one entity are read by one command and Redis packs them together.
 * Views of equal entity fields share their hashes; should two others ever have the same number here, their fields still differ.
 */
const placeOf = ({ namespace, entity }: KeyedView): string =>
  `e${hashOf(`${namespace}|${entity.map(({ name, type }) => `${name}:${type}`).join('|')}`).toString(36)}`

const fieldOf = ({ id }: Pick<View, 'id'>): string => String(id)

function hashKeys(prefix: string, view: KeyedView): (bucket: number, key: string) => string {
  const head = `${prefix}{${placeOf(view)}.`
  return (bucket, key) => `${head}${bucket}}${key}`
}

interface HashRead {
  readonly fields: string[]
  /** By field: which read, and which of its keys, it is for. */
  readonly places: { readonly read: number; readonly at: number }[]
}

function hashReads(prefix: string, reads: readonly ViewRead[]): Map<string, HashRead> {
  const hashes = new Map<string, HashRead>()
  const named = new Map<readonly string[], { place: string; names: readonly string[] }>()
  for (const [read, { view, keys }] of reads.entries()) {
    const place = placeOf(view)
    let own = named.get(keys)
    if (own?.place !== place) {
      const hashKey = hashKeys(prefix, view)
      own = { place, names: keys.map((key) => hashKey(bucketOf(key), key)) }
      named.set(keys, own)
    }
    for (const [at, hash] of own.names.entries()) {
      const known = hashes.get(hash)
      if (known) {
        known.fields.push(fieldOf(view))
        known.places.push({ read, at })
      } else hashes.set(hash, { fields: [fieldOf(view)], places: [{ read, at }] })
    }
  }
  return hashes
}

/** The winners of a batch by bucket: of rows of one key only the greatest is worth a write. */
function byBucket(batch: RowBatch): Map<number, number[]> {
  const winners = new Map<string, number>()
  for (let index = 0; index < batch.count; index += 1) {
    const key = batch.keys[index]!
    const other = winners.get(key)
    if (other === undefined || compareOnline(positionAt(batch, index), positionAt(batch, other)) >= 0) winners.set(key, index)
  }
  const grouped = new Map<number, number[]>()
  for (const [key, index] of winners) {
    const bucket = bucketOf(key)
    const indices = grouped.get(bucket)
    if (indices) indices.push(index)
    else grouped.set(bucket, [index])
  }
  return grouped
}

const positionAt = (batch: RowBatch, index: number) => ({
  eventTime: batch.eventTimes[index]!,
  availableAt: batch.availableAts[index]!,
  epoch: batch.epochs[index]!,
  partition: batch.partitions[index]!,
  offset: batch.offsets[index]!,
})
