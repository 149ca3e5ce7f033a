import slotOf from 'cluster-key-slot'
import { type ChainableCommander, Cluster } from 'ioredis'

/** A place of a cluster, by which the others are found. */
const seedsOf = ({ hostname, port, searchParams }: URL) => [
  { host: hostname, port: Number(port || 6379) },
  ...searchParams.getAll('node').map((node) => {
    const { hostname: host, port: at } = new URL(`redis://${node}`)
    return { host, port: Number(at || 6379) }
  }),
]

/** Opens connections to a cluster: `redis-cluster://host:port`, with `?node=host:port` for more places to find it by, if one is down. */
export function openCluster(
  url: URL,
  { onError, ...node }: { connectTimeout: number; commandTimeout: number; onError: (error: Error) => void },
): Cluster {
  const cluster = new Cluster(seedsOf(url), {
    lazyConnect: true,
    enableAutoPipelining: true,
    enableOfflineQueue: true,
    // A primary that is gone is told after half a second: who waits for an answer tries again.
    maxRedirections: 5,
    retryDelayOnFailover: 100,
    retryDelayOnClusterDown: 100,
    slotsRefreshTimeout: node.connectTimeout,
    slotsRefreshInterval: 5_000,
    clusterRetryStrategy: (attempt) => Math.min(50 * attempt, 1_000),
    redisOptions: {
      ...node,
      maxRetriesPerRequest: 0,
      ...(url.username ? { username: decodeURIComponent(url.username) } : {}),
      ...(url.password ? { password: decodeURIComponent(url.password) } : {}),
      ...(url.protocol === 'rediss-cluster:' ? { tls: {} } : {}),
    },
  })
  cluster.on('error', onError)
  cluster.on('node error', onError)
  return cluster
}

interface Call {
  readonly method: string
  readonly args: readonly unknown[]
  readonly slot: number
}

type Results = [error: Error | null, result: unknown][]
type Method = (...args: unknown[]) => ChainableCommander

/** Commands that name how many keys they have, or the command, before their first key. */
const keyIsSecond = new Set(['writeIfNewer', 'applyRuns', 'resetTiles', 'callBuffer', 'call'])

/** A pipeline over a cluster, whose own ones reach one node only: each node gets what is its own, all at once. */
export function clusterPipeline(cluster: Cluster): ChainableCommander {
  const calls: Call[] = []
  const proxy: ChainableCommander = new Proxy({} as ChainableCommander, {
    get(_, method: string) {
      if (method === 'length') return calls.length
      if (method === 'exec') return () => execute(cluster, calls)
      return (...args: unknown[]) => {
        calls.push({ method, args, slot: slotOf(String(args[keyIsSecond.has(method) ? 1 : 0])) })
        return proxy
      }
    },
  })
  return proxy
}

async function execute(cluster: Cluster, calls: readonly Call[]): Promise<Results> {
  if (cluster.slots.length === 0) await known(cluster)
  const results: Results = new Array<Results[number]>(calls.length)
  const nodeOf = (slot: number): string => cluster.slots[slot]?.join() ?? ''
  const groups = Map.groupBy(calls.keys(), (index) => nodeOf(calls[index]!.slot))
  await Promise.all(
    [...groups.values()].map(async (indices) => {
      const pipeline = cluster.pipeline()
      for (const index of indices) {
        const { method, args } = calls[index]!
        ;(pipeline as unknown as Record<string, Method>)[method]!(...args)
      }
      const found = await pipeline.exec().catch((error: unknown): Results => indices.map(() => [error as Error, null]))
      indices.forEach((index, at) => (results[index] = found?.[at] ?? [new Error('Redis gave no answer.'), null]))
    }),
  )
  // Slots have moved: what is tried again finds them.
  if (results.some(([error]) => error?.message.startsWith('MOVED'))) cluster.refreshSlotsCache()
  return results
}

/** Waits until it is known where slots lie. */
const known = (cluster: Cluster): Promise<void> =>
  new Promise((resolve, reject) => {
    if (cluster.status === 'wait') cluster.connect().catch(() => {})
    cluster.delayUntilReady((error) => (error ? reject(error) : resolve()))
  })
