/** What differs between all that was published and all that was seen. */
export interface Comparison<T> {
  published: number
  seen: number
  /** Published, never seen. */
  missing: T[]
  /** Seen again. */
  twice: T[]
  /** Seen, never published. */
  strange: T[]
  /** Seen before something of the same key that was published earlier. */
  outOfOrder: T[]
}

/** Keeps everything that a test published, and judges what came out. */
export interface Oracle<T> {
  publish(...items: T[]): void
  all(): readonly T[]
  compare(seen: readonly T[]): Comparison<T>
}

/**
 * @param by.id What makes an item itself.
 * @param by.key Items of one key must be seen in the order in which they were published; left out: any order will do.
 */
export const oracleOf = <T>(by: { id: (item: T) => string; key?: (item: T) => string }): Oracle<T> => {
  const published = new Map<string, { item: T; position: number }>()
  return {
    publish: (...items) => items.forEach((item) => published.set(by.id(item), { item, position: published.size })),
    all: () => [...published.values()].map(({ item }) => item),
    compare(seen) {
      const met = new Set<string>()
      const last = new Map<string, number>()
      const result: Comparison<T> = {
        published: published.size,
        seen: seen.length,
        missing: [],
        twice: [],
        strange: [],
        outOfOrder: [],
      }
      for (const item of seen) {
        const id = by.id(item)
        const known = published.get(id)
        if (!known) result.strange.push(item)
        else if (met.has(id)) result.twice.push(item)
        else if (by.key) {
          const key = by.key(known.item)
          if (known.position < (last.get(key) ?? -1)) result.outOfOrder.push(item)
          last.set(key, Math.max(known.position, last.get(key) ?? -1))
        }
        met.add(id)
      }
      result.missing = [...published].filter(([id]) => !met.has(id)).map(([, { item }]) => item)
      return result
    },
  }
}
