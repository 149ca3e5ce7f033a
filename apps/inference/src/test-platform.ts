import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import {
  fromKafka,
  predictionMade,
  resourceApplied,
  routeChanged,
  topics,
  type CloudEvent,
  type DataOf,
  type Topic,
} from '@cascata/events'
import { connectKafka, fact, openProducer, openTopics, silent, toRecord, type Fact } from '@cascata/messaging'
import { parseResources } from '@cascata/resources'
import { sha256Of } from './models/test-models.ts'
import { type Route } from './routing/decide-route.ts'

/** A version as the registry keeps it. */
export interface Registered {
  model: Uint8Array
  golden?: unknown
  signature?: unknown
  inputs?: { schema: { name: string; nullable: boolean }[] }
}

interface Stand {
  url: string
  server: Server
  close(): Promise<void>
}

const listen = async (
  handler: (request: IncomingMessage, body: Buffer) => { status?: number; body: unknown },
): Promise<Stand> => {
  const server = createServer((request, reply) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { status = 200, body } = handler(request, Buffer.concat(chunks))
      reply.statusCode = status
      if (body instanceof Uint8Array) reply.end(body)
      else reply.setHeader('content-type', 'application/json').end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    server,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The registry's routes that a replica reads, over versions in memory. */
export async function standInRegistry() {
  const versions = new Map<string, object>()
  const blobs = new Map<string, Uint8Array>()
  const put = (bytes: Uint8Array) => (blobs.set(sha256Of(bytes), bytes), sha256Of(bytes))
  const stand = await listen(({ url = '' }) => {
    const found = url.startsWith('/v1/blobs/') ? blobs.get(url.slice(10)) : versions.get(url.slice('/v1/versions/'.length))
    return found ? { body: found } : { status: 404, body: { code: 'REG_NOT_FOUND', message: 'not there', hint: '' } }
  })
  return {
    ...stand,
    blobs,
    register(name: string, { model, golden, signature, inputs }: Registered) {
      const goldenSha256 = golden === undefined ? null : put(Buffer.from(JSON.stringify(golden)))
      versions.set(name, {
        modelSha256: put(model),
        goldenSha256,
        signature: signature ?? null,
        inputs: inputs ?? null,
        revision: 1,
      })
    },
  }
}

type Value = string | number | boolean | null

/** The feature store's look-up, over rows in memory: key `view/field=value,…`. */
export async function standInFeatureStore(views: Record<string, readonly string[]>) {
  const rows = new Map<string, Record<string, Value>>()
  const state = { calls: 0, down: false, refuse: undefined as string | undefined }
  const keyOf = (view: string, entity: Record<string, Value>) =>
    `${view}/${views[view]!.map((field) => `${field}=${entity[field]}`).join(',')}`
  const stand = await listen((_request, raw) => {
    state.calls++
    if (state.down) return { status: 503, body: { code: 'FS_VIEW_REBUILDING', message: 'being rebuilt', hint: '' } }
    const { features, entities } = JSON.parse(raw.toString()) as { features: string[]; entities: Record<string, Value[]> }
    if (features.some((feature) => feature.startsWith(`${state.refuse}:`)))
      return { status: 409, body: { code: 'FS_VIEW_BUILDING', message: 'not yet', hint: '' } }
    const count = Object.values(entities)[0]!.length
    const found = Array.from({ length: count }, (_, at) =>
      features.map((feature) => {
        const [view, field] = feature.split(':') as [string, string]
        const row = rows.get(keyOf(view, Object.fromEntries(Object.entries(entities).map(([name, list]) => [name, list[at]!]))))
        if (!row) return [null, 'NOT_FOUND'] as const
        return row[field] === null || row[field] === undefined
          ? ([null, 'NULL_VALUE'] as const)
          : ([row[field], 'PRESENT'] as const)
      }),
    )
    return {
      body: {
        names: features,
        values: found.map((row) => row.map(([value]) => value)),
        statuses: found.map((row) => row.map(([, status]) => status)),
        eventTimes: [],
      },
    }
  })
  return { ...stand, state, put: (view: string, row: Record<string, Value>) => rows.set(keyOf(view, row), row) }
}

/** Publishes what other apps would, and reads what inference says. */
export async function platform(brokers: string) {
  const kafka = connectKafka({ brokers: [brokers], clientId: 'test' }, silent)
  const open = openTopics(kafka)
  await open.ensure(topics.map(({ name, partitions, config }) => ({ topic: name, partitions, config })))
  const producer = await openProducer({ kafka, log: silent })
  const heard: { topic: string; event: CloudEvent }[] = []
  const consumer = kafka.consumer({ groupId: `test-${Math.random()}`, metadataMaxAge: 2_000 })
  await consumer.connect()
  await consumer.subscribe({ topics: ['cascata.facts', 'cascata.predictions'], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ topic, message }) => void heard.push({ topic, event: fromKafka(message as never) }),
  })
  const say = (topic: Topic, said: Fact) => producer.send({ topic: topic.name, messages: [toRecord(said, 'test')] })
  const said = <Data>(type: string, model: string): Data[] =>
    heard.flatMap(({ event }) =>
      event.type === type && (event.data as { model: string }).model === model ? [event.data as Data] : [],
    )
  let generation = 0
  return {
    heard,
    predictions: (model: string) => said<DataOf<typeof predictionMade>>(predictionMade.type, model),
    facts: (type: string, model: string) => said<Record<string, unknown>>(type, model),
    route: async (route: Partial<Route> & { model: string; champion: string | null }): Promise<Route> => {
      const split = route.champion === null ? [] : [{ version: route.champion, from: 0, to: 10_000 }]
      const data: Route = { namespace: 'default', revision: 1, generation: ++generation, split, warm: [], ...route }
      await say(routeChanged.topic, fact(routeChanged, data))
      return data
    },
    apply: async (yaml: string) => {
      for (const { kind, metadata, spec } of parseResources(yaml, { file: 'test.yaml' })) {
        const { name, namespace } = metadata
        await say(
          resourceApplied.topic,
          fact(resourceApplied, {
            apiVersion: 'cascata/v1',
            kind,
            namespace,
            name,
            revision: 1,
            generation: ++generation,
            commit: null,
            metadata: { name, namespace },
            spec: spec as unknown as Record<string, unknown>,
          }),
        )
      }
    },
    close: async () => {
      await consumer.disconnect()
      await producer.close()
      await open.close()
    },
  }
}
