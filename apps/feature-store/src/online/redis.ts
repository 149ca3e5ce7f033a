import { type ChainableCommander, type Cluster, Redis } from 'ioredis'
import { clusterPipeline, openCluster } from './redis-cluster.ts'

/** A server, or a cluster of them. */
export type Client = Redis | Cluster

const timeouts = { connectTimeout: 2_000, commandTimeout: 10_000 }

/**
 * Opens a connection that fails fast: who waits for an answer is told, and what must be written is tried again by its caller.
 *
 * @param url `redis:`, `rediss:`, or `redis-cluster:`, `rediss-cluster:` for a cluster
 */
export function openRedis(url: string, onError: (error: Error) => void): Client {
  if (/^rediss?-cluster:/.test(url)) return openCluster(new URL(url), { ...timeouts, onError })
  const redis = new Redis(url, {
    ...timeouts,
    lazyConnect: true,
    enableAutoPipelining: true,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: true,
    retryStrategy: (attempt) => Math.min(50 * attempt, 1_000),
    // After a failover the old primary is a replica that takes no writes: find the new one, and send the command again.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
  })
  redis.on('error', onError)
  return redis
}

/** Commands that go out together, in one round trip; in a cluster to each node those that are its own. */
export const pipelineOf = (client: Client): ChainableCommander =>
  client instanceof Redis ? client.pipeline() : clusterPipeline(client)

/** The servers that hold the keys, each with its own part of them. */
export async function primariesOf(client: Client): Promise<Redis[]> {
  if (client instanceof Redis) return [client]
  if (client.status === 'wait') await client.connect()
  return client.nodes('master')
}

/** All keys of a pattern, in parts. */
export async function* keysLike(client: Client, match: string): AsyncGenerator<string[]> {
  for (const primary of await primariesOf(client))
    for await (const keys of primary.scanStream({ match, count: 1_000 }))
      if ((keys as string[]).length > 0) yield keys as string[]
}

/** What belongs to a view is spread over this many hash tags, so that a cluster spreads it too and a script meets one slot only. */
export const buckets = 64

/** FNV-1a over the UTF-16 units of a text. */
export const hashOf = (text: string): number => {
  let hash = 0x811c_9dc5
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x0100_0193)
  return hash >>> 0
}

export const bucketOf = (key: string): number => hashOf(key) % buckets

/** A hash by view: the generation of its rows, or tiles, once they are complete. One key, so that a look-up of many views asks once. */
export const completeKeyOf = (prefix: string): string => `${prefix}complete`

/** Physical expiry counts from the write and comes a little after the logical one, which is judged at read. In ms. */
export const expirySlack = 10 * 60_000

/** A text as a pattern of Redis that stands for itself. */
export const globbed = (text: string): string => text.replaceAll(/[*?[\]\\^]/g, '\\$&')

/** The answers of a pipeline. @throws the first error of any of its commands */
export async function succeeded(pipeline: ChainableCommander): Promise<unknown[]> {
  const results = (await pipeline.exec()) ?? []
  return results.map(([error, value]) => {
    if (error) throw error
    return value
  })
}
