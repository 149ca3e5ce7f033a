import { createHash } from 'node:crypto'
import { Redis } from 'ioredis'
import type { Metrics } from '../context.ts'
import { entities, fieldsPerView, valueOf, viewName, views } from './workload.ts'

/** A number as a protobuf varint. */
function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) + 128)
  }
}

/** Feast's key of an entity with one integer as its join key (serialisation version 3), with the project behind it. */
function feastKey(id: number): Buffer {
  const head = Buffer.from('01000000020000000200000069640400000008000000', 'hex')
  const value = Buffer.alloc(8)
  value.writeBigInt64LE(BigInt(id))
  return Buffer.concat([head, value, Buffer.from('default')])
}

/** Feast names a field by four bytes of a hash; which hash makes no difference to its size. */
const hashed = (name: string): Buffer => createHash('md5').update(name).digest().subarray(0, 4)

/** Writes the rows of the workload as Feast's Redis store lays them out: a hash an entity, protobuf values, `_ts:view`. */
async function writeFeast(redis: Redis, count: number): Promise<void> {
  const at = Math.floor(Date.now() / 1_000)
  const fields = Array.from({ length: count }, (_, view) =>
    Array.from({ length: fieldsPerView }, (_, field) => hashed(`${viewName(view)}:f${view * fieldsPerView + field}`)),
  )
  const time = Buffer.concat([Buffer.from([0x08]), varint(at)])
  for (let from = 0; from < entities; from += 200) {
    const pipeline = redis.pipeline()
    for (let id = from; id < from + 200; id += 1) {
      const pairs = fields.flatMap((names, view) => [
        ...names.flatMap((name, field) => [name, Buffer.concat([Buffer.from([0x20]), varint(valueOf(view, field, id))])]),
        Buffer.from(`_ts:${viewName(view)}`),
        time,
      ])
      pipeline.hset(feastKey(id), ...pairs)
    }
    await pipeline.exec()
  }
}

const usedBytes = async (redis: Redis): Promise<number> => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])

/**
 * What the rows of the workload take in Redis, ours and as Feast lays them out, by what `used_memory` falls and grows by: of all views,
 * and of a single one, whose hash is small enough for Redis to pack it.
 */
export async function memory(url: string): Promise<Metrics> {
  const redis = new Redis(url)
  const empty = redis.duplicate({ db: 1 })
  const sizeOf = async (count: number): Promise<number> => {
    const before = await usedBytes(redis)
    await writeFeast(empty, count)
    const grown = (await usedBytes(redis)) - before
    await empty.flushdb()
    return grown
  }
  try {
    const feast = await sizeOf(views)
    const feastSingle = await sizeOf(1)
    const keys = await redis.keys('fs:{e*}*')
    const all = await usedBytes(redis)
    await inBatches(redis, keys, async (pipeline, key) => {
      const fields = await redis.hkeys(key)
      pipeline.hdel(key, ...fields.toSorted().slice(1))
    })
    const one = await usedBytes(redis)
    await inBatches(redis, keys, (pipeline, key) => Promise.resolve(void pipeline.del(key)))
    const none = await usedBytes(redis)
    const rows = entities * views
    return {
      redis_bytes_per_row: (all - none) / rows,
      redis_feast_bytes_per_row: feast / rows,
      redis_of_feast_ratio: (all - none) / feast,
      redis_single_view_bytes_per_row: (one - none) / entities,
      redis_feast_single_view_bytes_per_row: feastSingle / entities,
    }
  } finally {
    redis.disconnect()
    empty.disconnect()
  }
}

async function inBatches(
  redis: Redis,
  keys: readonly string[],
  add: (pipeline: ReturnType<Redis['pipeline']>, key: string) => Promise<void>,
): Promise<void> {
  for (let from = 0; from < keys.length; from += 500) {
    const pipeline = redis.pipeline()
    await Promise.all(keys.slice(from, from + 500).map((key) => add(pipeline, key)))
    await pipeline.exec()
  }
}
