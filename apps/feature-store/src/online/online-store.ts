import { type Result } from 'ioredis'
import { type View } from '../feature-views/view.ts'
import { type RowBatch } from '../ingest/row-batch.ts'
import { compareOnline } from './online-order.ts'
import { bucketOf, completeKeyOf, expirySlack, globbed, openRedis } from './redis.ts'
import { rowEncoder } from './row-codec.ts'

/**
 * Writes rows of one slot, each only if it wins by the online rule. An equal row is written again: that is a redelivery.
 * KEYS: the rows' keys. ARGV[1]: ms to keep them, 0 for ever. ARGV[2…]: the rows. Returns how many won.
 */
const writeIfNewer = `
local keep, won = ARGV[1], 0
for i = 1, #KEYS do
  local row = ARGV[i + 1]
  local old = redis.call('GETRANGE', KEYS[i], 0, 23)
  local wins = old == ''
  if not wins then
    local a, b, c, d, e = struct.unpack('>I7I7I2I2I6', row)
    local f, g, h, k, l = struct.unpack('>I7I7I2I2I6', old)
    if a ~= f then wins = a > f
    elseif b ~= g then wins = b > g
    elseif c ~= h then wins = c > h
    elseif d ~= k then wins = d > k
    else wins = e >= l end
  end
  if wins then
    if keep == '0' then redis.call('SET', KEYS[i], row) else redis.call('SET', KEYS[i], row, 'PX', keep) end
    won = won + 1
  end
end
return won`

declare module 'ioredis' {
  interface RedisCommander<Context> {
    writeIfNewer(keys: number, ...args: (string | Buffer)[]): Result<number, Context>
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
  forget(view: Pick<View, 'id'>): Promise<void>
  /** Throws when Redis does not answer, or may drop rows when it is full. */
  check(): Promise<void>
  close(): Promise<void>
}

export interface ViewRead {
  readonly view: Pick<View, 'id'>
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

  const rowKey = (id: number, bucket: number, key: string) => `${prefix}{${id}.${bucket}}${key}`
  const completeKey = (id: number) => completeKeyOf(prefix, id)

  return {
    async write(batch) {
      if (batch.count === 0) return
      const { view } = batch
      const encoder = rowEncoder(view)
      const keep = view.spec.ttl === null ? '0' : String(view.spec.ttl + expirySlack)
      const pipeline = redis.pipeline()
      for (const [bucket, indices] of byBucket(batch)) {
        const keys = indices.map((index) => rowKey(view.id, bucket, batch.keys[index]!))
        pipeline.writeIfNewer(keys.length, ...keys, keep, ...indices.map((index) => encoder.encode(batch, index)))
      }
      const results = (await pipeline.exec()) ?? []
      const failed = results.find(([error]) => error)
      if (failed?.[0]) throw failed[0]
    },

    async read(reads) {
      const keys = reads.flatMap(({ view, keys }) => [
        completeKey(view.id),
        ...keys.map((key) => rowKey(view.id, bucketOf(key), key)),
      ])
      const values = await redis.mgetBuffer(...keys)
      let at = 0
      return reads.map(({ keys }) => {
        const complete = values[at] !== null
        const rows = values.slice(at + 1, (at += keys.length + 1))
        return { complete, rows }
      })
    },

    async generation({ id }) {
      const value = await redis.get(completeKey(id))
      return value === null ? null : Number(value)
    },
    markComplete: async ({ id }, generation) => void (await redis.set(completeKey(id), String(generation))),
    markIncomplete: async ({ id }) => void (await redis.del(completeKey(id))),

    async forget({ id }) {
      await redis.del(completeKey(id))
      for await (const keys of redis.scanStream({ match: `${globbed(prefix)}{${id}.*}*`, count: 1_000 })) {
        if ((keys as string[]).length > 0) await redis.unlink(...(keys as string[]))
      }
    },

    async check() {
      const policy = /maxmemory_policy:(\S+)/.exec(await redis.info('memory'))?.[1]
      if (policy && policy !== 'noeviction')
        throw new Error(`Redis has maxmemory-policy ${policy}: it may drop rows. Set noeviction.`)
    },
    close: async () => redis.disconnect(),
  }
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
