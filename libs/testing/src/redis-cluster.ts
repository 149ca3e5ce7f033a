import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { ensureRedis, freePort, gone, type ProcessRef, signalGroup, startDetached, stop } from '@cascata/infra'
import { eventually } from './eventually.ts'
import { marks, testHome } from './test-home.ts'
import { uniqueName } from './unique-name.ts'

/** A cluster of Redis of one test's own. */
export interface RedisCluster {
  /** Of its first primary. */
  readonly host: string
  readonly ports: readonly number[]
  /** Hands the slots that hold keys from one primary to another, with the keys in them. */
  move(source: number, target: number): Promise<number>
  /** kill -9 of a primary. */
  kill(index: number): Promise<void>
  /** Starts it again on its data. */
  restart(index: number): Promise<void>
  stop(): Promise<void>
}

const host = '127.0.0.1'
const slots = 16_384

/** Starts so many primaries, each with its even share of the slots, and waits until all know of each other. */
export async function startRedisCluster(primaries = 3): Promise<RedisCluster> {
  const program = await ensureRedis(() => {})
  const folder = join(testHome(), uniqueName('redis-cluster'))
  const nodes: { port: number; bus: number; process: ProcessRef }[] = []
  const start = (port: number, bus: number): Promise<ProcessRef> => {
    const cwd = join(folder, String(port))
    mkdirSync(cwd, { recursive: true })
    const args = [
      ...['--port', String(port), '--cluster-port', String(bus), '--bind', host, '--dir', cwd, '--daemonize', 'no'],
      ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--appendonly', 'yes', '--save', ''],
      ...['--maxmemory-policy', 'noeviction', '--loglevel', 'warning'],
    ]
    const env = { PATH: process.env['PATH'], LC_ALL: 'C', ...marks() }
    return startDetached({ file: program, args, env, cwd }, { out: join(cwd, 'log'), err: join(cwd, 'log') })
  }
  for (let index = 0; index < primaries; index += 1) {
    const [port, bus] = [await freePort(), await freePort()]
    nodes.push({ port, bus, process: await start(port, bus) })
  }
  const clients = nodes.map(({ port }) => new Redis({ host, port, retryStrategy: () => 50, maxRetriesPerRequest: null }))
  for (const client of clients) client.on('error', () => {})
  const isWhole = () =>
    eventually(
      async () => {
        for (const client of clients) {
          const info = await client.cluster('INFO')
          if (!info.includes('cluster_state:ok') || !info.includes(`cluster_known_nodes:${primaries}`)) throw new Error(info)
        }
      },
      { timeout: 60_000 },
    )
  for (const [index, client] of clients.entries()) {
    const [from, to] = [Math.floor((index * slots) / primaries), Math.floor(((index + 1) * slots) / primaries) - 1]
    await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to)
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
    if (index > 0) await clients[0]!.call('CLUSTER', 'MEET', host, nodes[index]!.port, nodes[index]!.bus)
  }
  await isWhole()
  return {
    host,
    ports: nodes.map(({ port }) => port),
    async move(source, target) {
      const [one, other] = [clients[source]!, clients[target]!]
      const [own, its] = [String(await one.cluster('MYID')), String(await other.cluster('MYID'))]
      const held = new Set<number>()
      for (const key of await one.keys('*')) held.add(await one.cluster('KEYSLOT', key))
      for (const slot of held) {
        await other.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', own)
        await one.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', its)
        const keys = (await one.call('CLUSTER', 'GETKEYSINSLOT', slot, 100_000)) as string[]
        await one.call('MIGRATE', host, nodes[target]!.port, '', 0, 5_000, 'KEYS', ...keys)
        for (const client of [other, one]) await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', its)
      }
      return held.size
    },
    async kill(index) {
      signalGroup(nodes[index]!.process, 'SIGKILL')
      await gone(nodes[index]!.process, 5_000)
    },
    async restart(index) {
      const node = nodes[index]!
      node.process = await start(node.port, node.bus)
      await isWhole()
    },
    async stop() {
      for (const client of clients) client.disconnect()
      await Promise.all(nodes.map((node) => stop(node.process, { patienceMs: 0 })))
    },
  }
}
