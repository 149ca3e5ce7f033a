import { Registry } from 'prom-client'
import { z } from 'zod'
import { defineEvent, type Topic } from '@cascata/events'
import { fact, type Messaging, openDatabase, silent, startMessaging } from '@cascata/messaging'
import { eventually, spawnWorker, uniqueName } from '@cascata/testing'
import { type BenchContext, type Metrics, preciseNow, quantile } from './context.ts'

export const title = 'Messaging: one hop, draining a queue, ingesting rows, idling'
export const aims = {
  hop_p50_ms: { atMost: 7 },
  hop_p99_ms: { atMost: 30 },
  drain_per_s: { atLeast: 7_000 },
  ingest_rows_per_cpu_s: { atLeast: 80_000 },
  idle_cpu_percent: { atMost: 1 },
}

/** What the consuming process is told. */
export interface Order {
  name: string
  kafka: string
  postgres: string
  rows?: { topic: string; count: number }
}

const ratePerSecond = 100
const hopSeconds = 20
const queued = 10_000
const rowCount = 1_000_000
const rowBytes = 300

/** An event on a topic of its own. */
export function stepEvent(name: string) {
  const topic: Topic = { name, partitions: 1, compacted: false, key: 'key', config: {} }
  const data = z.object({ namespace: z.string(), n: z.number() })
  return defineEvent({
    name: 'bench.stepped',
    version: 1,
    topic,
    producer: 'dispatcher',
    consumers: ['dispatcher'],
    meaning: 'One step of a benchmark.',
    key: ({ n }) => `k${n % 20}`,
    data,
    examples: [{ namespace: 'default', n: 1 }],
  })
}

const freshName = () => uniqueName('bench').replaceAll('-', '_').toLowerCase()

/** A consumer in a process of its own. */
async function consumer({ urls }: BenchContext, name: string, more: Partial<Order> = {}) {
  const order: Order = { name, kafka: urls.kafka, postgres: urls.postgres, ...more }
  const worker = await spawnWorker(new URL('./messaging.process.ts', import.meta.url), { args: [JSON.stringify(order)] })
  await worker.line((line) => line.started, 60_000)
  return worker
}

const committed = (lines: unknown[]) => (lines as { committed?: [number, number][] }[]).flatMap((line) => line.committed ?? [])

/** The publishing side: this process, with its own outbox and relay. */
async function publisher({ urls }: BenchContext, name: string) {
  const db = await openDatabase({ url: urls.postgres, schema: `${name}_out`, log: silent })
  const messaging = await startMessaging({
    app: `${name}_out`,
    kafka: { brokers: [urls.kafka], clientId: name },
    db,
    log: silent,
    registry: new Registry(),
  })
  return { db, messaging, stop: async () => (await messaging.stop(), await db.close()) }
}

/** Outbox commit → effect committed, at a steady rate. */
async function hop(context: BenchContext): Promise<Metrics> {
  const name = freshName()
  const event = stepEvent(name)
  const { db, stop } = await publisher(context, name)
  const worker = await consumer(context, name)
  const warmUp = 300
  const count = warmUp + ratePerSecond * hopSeconds
  const began = performance.now()
  const publishing: Promise<void>[] = []
  const said: number[] = []
  const publish = async (n: number) => {
    await db.transaction((tx) => tx.publish(fact(event, { namespace: 'default', n })))
    said[n] = preciseNow()
  }
  for (let n = 0; n < count; n++) {
    const due = began + (n * 1000) / ratePerSecond
    if (due > performance.now()) await new Promise((resolve) => setTimeout(resolve, due - performance.now()))
    publishing.push(publish(n))
  }
  await Promise.all(publishing)
  await eventually(() => committed(worker.lines).length >= count || Promise.reject(new Error('facts are missing')), {
    timeout: 30_000,
  })
  await worker.terminate()
  await stop()
  const hops = committed(worker.lines)
    .filter(([n]) => n >= warmUp)
    .map(([n, at]) => at - said[n]!)
  return { hop_p50_ms: quantile(hops, 0.5), hop_p99_ms: quantile(hops, 0.99) }
}

/** Facts that were queued before their consumer started. */
async function drain(context: BenchContext): Promise<Metrics> {
  const name = freshName()
  const event = stepEvent(name)
  const { db, messaging, stop } = await publisher(context, name)
  await messaging.topics.ensure([{ topic: name, partitions: 1 }])
  for (let n = 0; n < queued; n += 500) {
    await db.transaction((tx) =>
      tx.publish(Array.from({ length: 500 }, (_, i) => fact(event, { namespace: 'default', n: n + i }))),
    )
  }
  await eventually(
    async () => (await db.query('select 1 from outbox limit 1')).length === 0 || Promise.reject(new Error('not sent yet')),
    { timeout: 60_000 },
  )
  const worker = await consumer(context, name)
  await eventually(() => committed(worker.lines).length >= queued || Promise.reject(new Error('not drained yet')), {
    timeout: 60_000,
    interval: 2,
  })
  const [row] = await db.query<{ seconds: number }>(
    `select extract(epoch from max(seen_at) - min(seen_at))::float8 as seconds from ${name}.inbox`,
  )
  await worker.terminate()
  await stop()
  return { drain_per_s: queued / row!.seconds }
}

/** Rows through `ingest` into a sink that only counts. */
async function ingest(context: BenchContext): Promise<Metrics> {
  const name = freshName()
  const { messaging, stop } = await publisher(context, name)
  const topic = `${name}.rows`
  await messaging.topics.ensure([{ topic, partitions: 4 }])
  await fill(messaging, topic)
  const worker = await consumer(context, name, { rows: { topic, count: rowCount } })
  const { seconds, cpuSeconds, rss } = await worker.line((line) => line.ingested, 120_000)
  await worker.terminate()
  await stop()
  return {
    ingest_rows_per_s: rowCount / seconds,
    ingest_rows_per_cpu_s: rowCount / cpuSeconds,
    ingest_rss_max_mib: rss / 2 ** 20,
  }
}

async function fill(messaging: Messaging, topic: string): Promise<void> {
  const value = Buffer.alloc(rowBytes, 'x')
  const messages = Array.from({ length: 10_000 }, (_, i) => ({ key: `key ${i}`, value }))
  for (let sent = 0; sent < rowCount; sent += messages.length) await messaging.producer.send({ topic, messages })
}

async function idle(context: BenchContext): Promise<Metrics> {
  const worker = await consumer(context, freshName())
  worker.tell('measure')
  const { idleCpu } = await worker.line((line) => line.idleCpu !== undefined, 60_000)
  await worker.terminate()
  return { idle_cpu_percent: idleCpu * 100 }
}

export async function run(context: BenchContext): Promise<{ metrics: Metrics }> {
  const metrics: Metrics = {}
  for (const part of [hop, drain, ingest, idle]) {
    context.say(`${part.name} …`)
    Object.assign(metrics, await part(context))
  }
  return { metrics }
}
