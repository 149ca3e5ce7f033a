import autocannon from 'autocannon'

export interface Load {
  url: string
  connections: number
  seconds: number
  /** Bodies, taken in turn. */
  bodies: readonly string[]
  headers?: Record<string, string>
}

/** What a load did: answers a second, and latencies in ms. */
export interface Loaded {
  perSecond: number
  p50: number
  p99: number
  failed: number
  /** Answers, those of the warm-up included. */
  total: number
}

const once = async ({ url, connections, seconds, bodies, headers = {} }: Load): Promise<Loaded> => {
  const requests = bodies.map((body) => ({
    method: 'POST' as const,
    body,
    headers: { 'content-type': 'application/json', ...headers },
  }))
  const result = await autocannon({ url, connections, duration: seconds, requests })
  return {
    perSecond: result.requests.average,
    p50: result.latency.p50,
    p99: result.latency.p99,
    total: result.requests.total,
    failed: result.non2xx + result.errors + result.timeouts,
  }
}

/** Loads a URL, after a warm-up of two seconds. @throws Error when any answer was not 2xx: a figure of failures is no figure */
export async function load(what: Load): Promise<Loaded> {
  const warm = await once({ ...what, seconds: 2 })
  const loaded = await once(what)
  if (loaded.failed > 0) throw new Error(`${loaded.failed} requests to ${what.url} failed`)
  return { ...loaded, total: loaded.total + warm.total }
}
