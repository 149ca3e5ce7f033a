import { execFileSync, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join, resolve } from 'node:path'
import { routeChanged, topics, type DataOf } from '@cascata/events'
import { connectKafka, fact, openProducer, openTopics, silent, toRecord } from '@cascata/messaging'
import { createClient, type Client } from '@cascata/service'
import { eventually, freePort, marks } from '@cascata/testing'
import type { BenchContext } from './context.ts'

const root = resolve(import.meta.dirname, '../..')

/** Apps of the platform as processes of their own, on the bundles that `up` runs. */
export interface Apps {
  url(app: string): string
  client(app: string): Client
  pid(app: string): number
  publish(route: Pick<DataOf<typeof routeChanged>, 'model' | 'champion'> & Partial<DataOf<typeof routeChanged>>): Promise<void>
  producer: Awaited<ReturnType<typeof openProducer>>
  stop(): Promise<void>
}

/** Builds and starts apps on free ports, and waits until they are ready. */
export async function startApps(
  { urls, home, say }: BenchContext,
  names: readonly string[],
  more: Record<string, string> = {},
): Promise<Apps> {
  execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', join(root, 'infra/build.ts'), ...names], {
    stdio: 'ignore',
  })
  const kafka = connectKafka({ brokers: [urls.kafka], clientId: 'bench' }, silent)
  const open = openTopics(kafka)
  await open.ensure(topics.map(({ name, partitions, config }) => ({ topic: name, partitions, config })))
  await open.close()

  const ports = new Map<string, number>()
  for (const name of names) ports.set(name, await freePort())
  const urlOf = (name: string) => `http://127.0.0.1:${ports.get(name)}`
  const prefix = (name: string) => name.toUpperCase().replaceAll('-', '_')
  const env = {
    PATH: process.env['PATH'],
    CASCATA_HOME: home,
    CASCATA_LOG_LEVEL: 'warn',
    ...marks(),
    KAFKA_BROKERS: urls.kafka,
    DATABASE_URL: urls.postgres,
    REDIS_URL: urls.redis,
    ...Object.fromEntries(
      names.flatMap((name) => [
        [`${prefix(name)}_PORT`, String(ports.get(name))],
        [`${prefix(name)}_URL`, urlOf(name)],
      ]),
    ),
    ...more,
  }
  const children = new Map(
    names.map((name) => {
      const child = spawn(process.execPath, ['--enable-source-maps', join(root, 'dist/apps', name, 'main.js')], {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const log = createWriteStream(join(home, `${name}.log`))
      child.stdout.pipe(log)
      child.stderr.pipe(log)
      return [name, child] as const
    }),
  )
  for (const name of names) {
    await eventually(
      async () => {
        if (children.get(name)!.exitCode !== null) throw new Error(`${name} ended: see ${home}/${name}.log`)
        const { ok } = await fetch(`${urlOf(name)}/readyz`)
        if (!ok) throw new Error(`${name} is not ready`)
      },
      { timeout: 60_000, interval: 100 },
    )
    say(`${name} is ready`)
  }
  const producer = await openProducer({ kafka, log: silent })
  let generation = Date.now()
  return {
    url: urlOf,
    client: (app) => createClient({ baseUrl: urlOf(app) }),
    pid: (app) => children.get(app)!.pid!,
    producer,
    publish: async (route) => {
      const split = [{ version: route.champion!, from: 0, to: 10_000 }]
      const data = { namespace: 'default', revision: 1, generation: ++generation, split, warm: [], ...route }
      await producer.send({ topic: routeChanged.topic.name, messages: [toRecord(fact(routeChanged, data), 'bench')] })
    },
    stop: async () => {
      await producer.close()
      await Promise.all(
        [...children.values()].map((child) => {
          if (child.exitCode !== null) return undefined
          const ended = new Promise((done) => child.once('exit', done))
          child.kill('SIGTERM')
          return ended
        }),
      )
    },
  }
}

export const applyResources = (apps: Apps, yaml: string): Promise<unknown> =>
  apps.client('registry').upload('/v1/resources', Buffer.from(yaml), { contentType: 'application/yaml' })

/** Registers a model file with its columns, and returns its version. */
export async function registerModel(apps: Apps, model: string, bytes: Uint8Array, columns: readonly string[]): Promise<string> {
  const registry = apps.client('registry')
  const { sha256 } = await registry.upload<{ sha256: string }>('/v1/blobs', Buffer.from(bytes))
  const signature = { inputs: columns.map((name) => ({ name, type: 'double', nullable: true })), outputs: [], classes: [0, 1] }
  const { version } = await registry.post<{ version: string }>('/v1/versions', {
    namespace: 'default',
    model,
    run: `bench-${model}-${Date.now()}`,
    modelSha256: sha256,
    signature,
    revision: 1,
  })
  return version
}

/** Waits until a version answers for a model. */
export const untilServes = (apps: Apps, model: string) =>
  eventually(
    async () => {
      const answer = await fetch(`${apps.url('inference')}/v2/models/${model}/ready`)
      if (!answer.ok) throw new Error(`${model} does not serve`)
    },
    { timeout: 30_000, interval: 20 },
  )
