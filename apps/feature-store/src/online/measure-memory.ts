import { type Redis } from 'ioredis'

/** What a view takes in the online store. */
export interface OnlineSize {
  readonly rows: number
  readonly bytes: number
}

/** Keys that are looked at in one measurement. */
const sampledKeys = 10_000
const keysAtOnce = 500

/** One key of a sample: what Redis spends on it, and the views whose rows lie in it, by their fields. */
interface Measured {
  readonly bytes: number
  readonly parts: readonly { readonly view: number; readonly bytes: number; readonly isRow: boolean }[]
}

/** What each view takes, by its id, on all servers that hold a part of the keys. */
export async function measureMemory(
  primaries: readonly Redis[],
  prefix: string,
  limit = sampledKeys,
): Promise<Map<number, OnlineSize>> {
  const total = new Map<number, OnlineSize>()
  for (const primary of primaries) {
    for (const [view, { rows, bytes }] of await measureServer(primary, prefix, Math.ceil(limit / primaries.length))) {
      const before = total.get(view)
      total.set(view, { rows: rows + (before?.rows ?? 0), bytes: bytes + (before?.bytes ?? 0) })
    }
  }
  return total
}

/**
 * What each view takes on a server, estimated from at most `limit` keys. Redis scans in the order of a hash of the keys, so the first ones
 * are a sample of all; where there are no more it is exact. A hash of several views is parted by the lengths of their rows.
 */
async function measureServer(redis: Redis, prefix: string, limit: number): Promise<Map<number, OnlineSize>> {
  const found = new Map<number, { rows: number; bytes: number }>()
  let [cursor, seen] = ['0', 0]
  do {
    const [next, keys] = await redis.scan(cursor, 'COUNT', keysAtOnce)
    const own = keys.filter((key) => key.startsWith(prefix))
    for (const each of await measureKeys(redis, prefix, own)) addTo(found, each)
    seen += keys.length
    cursor = next
  } while (cursor !== '0' && seen < limit)
  const scale = cursor === '0' || seen === 0 ? 1 : (await redis.dbsize()) / seen
  return new Map(
    [...found].map(([view, { rows, bytes }]) => [view, { rows: Math.round(rows * scale), bytes: Math.round(bytes * scale) }]),
  )
}

function addTo(found: Map<number, { rows: number; bytes: number }>, { bytes, parts }: Measured): void {
  const all = parts.reduce((sum, part) => sum + part.bytes, 0)
  for (const part of parts) {
    const size = found.get(part.view) ?? { rows: 0, bytes: 0 }
    size.bytes += all === 0 ? bytes / parts.length : (bytes * part.bytes) / all
    if (part.isRow) size.rows += 1
    found.set(part.view, size)
  }
}

async function measureKeys(redis: Redis, prefix: string, keys: readonly string[]): Promise<Measured[]> {
  const rows = keys.filter((key) => key.startsWith('{e', prefix.length))
  const tiles = keys.flatMap((key) => {
    const [, kind, view] = /^([wf])\d+\{(\d+)\./.exec(key.slice(prefix.length)) ?? []
    return view === undefined ? [] : [{ key, view: Number(view), isRow: kind === 'w' }]
  })
  const bytes = await answers<number | null>(redis, [...rows, ...tiles.map(({ key }) => key)], (pipeline, key) =>
    pipeline.memory('USAGE', key),
  )
  const fields = await answers<string[]>(redis, rows, (pipeline, key) => pipeline.hkeys(key))
  const places = rows.flatMap((key, index) => fields[index]!.map((field) => ({ key, field, index })))
  const lengths = await answers<number, (typeof places)[number]>(redis, places, (pipeline, { key, field }) =>
    pipeline.hstrlen(key, field),
  )
  const parts = Map.groupBy(
    places.map(({ field, index }, at) => ({ index, view: Number(field), bytes: lengths[at]!, isRow: true })),
    ({ index }) => index,
  )
  // A key that expired meanwhile has no size.
  const sizeOf = (index: number) => bytes[index] ?? 0
  return [
    ...rows.map((_, index) => ({ bytes: sizeOf(index), parts: parts.get(index) ?? [] })),
    ...tiles.map(({ view, isRow }, index) => ({ bytes: sizeOf(rows.length + index), parts: [{ view, bytes: 1, isRow }] })),
  ]
}

async function answers<Answer, Item = string>(
  redis: Redis,
  items: readonly Item[],
  ask: (pipeline: ReturnType<Redis['pipeline']>, item: Item) => unknown,
): Promise<Answer[]> {
  if (items.length === 0) return []
  const pipeline = redis.pipeline()
  for (const item of items) ask(pipeline, item)
  return ((await pipeline.exec()) ?? []).map(([error, value]) => {
    if (error) throw error
    return value as Answer
  })
}
