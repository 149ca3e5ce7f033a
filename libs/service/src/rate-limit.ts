/** How many requests of one kind may come: so many a second for long, and so many at once. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

interface Bucket {
  tokens: number
  at: number
}

/** Buckets that are kept at most; the one that was filled longest ago makes room. */
const mostBuckets = 10_000

/**
 * Counts requests by name (of a token, of an address) in a token bucket each. Answers 0 when the request may pass, else the ms until one may.
 *
 * @param now ms of any clock that only goes forward
 */
export const rateLimiter = ({ perSecond, burst }: Rate) => {
  const buckets = new Map<string, Bucket>()
  return (name: string, now: number): number => {
    const known = buckets.get(name) ?? { tokens: burst, at: now }
    const tokens = Math.min(burst, known.tokens + ((now - known.at) * perSecond) / 1_000)
    buckets.delete(name)
    buckets.set(name, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now })
    if (buckets.size > mostBuckets) buckets.delete(buckets.keys().next().value!)
    return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) * 1_000) / perSecond)
  }
}
