import { expect } from 'vitest'
import { backing, eventually, spawnWorker, uniqueName, type Worker } from '@cascata/testing'
import { connectKafka, type Database, fact, openDatabase, openProducer, openTopics, silent, specOf, toRecord } from '../index.ts'
import { Effects1764000000001 } from './effects-migration.ts'
import { eventsOf } from './events.ts'

interface Effect {
  handler: string
  key: string
  n: number
}

/** A topic and a schema of one test, and what can be done with them. */
export async function openBench(urls: { kafka: string; postgres: string } = backing()) {
  const name = uniqueName('messaging').replaceAll('-', '_').toLowerCase()
  const events = eventsOf(name)
  const kafka = connectKafka({ brokers: [urls.kafka], clientId: name }, silent)
  const topics = openTopics(kafka)
  await eventually(() => topics.ensure([specOf(events.topic)]), { timeout: 30_000 })
  const db: Database = await openDatabase({ url: urls.postgres, schema: name, migrations: [Effects1764000000001], log: silent })
  const producer = await openProducer({ kafka, log: silent })
  const workers: Worker[] = []
  const published: { key: string; n: number }[] = []

  const effects = () => db.query<Effect>('select handler, key, n from effect order by position')

  return {
    name,
    ...events,
    kafka,
    topics,
    db,
    producer,
    effects,
    async worker(orders: object = {}) {
      const worker = await spawnWorker(new URL('./app.ts', import.meta.url), {
        args: [JSON.stringify({ name, ...urls, ...orders })],
      })
      workers.push(worker)
      return worker
    },
    /** Publishes `count` facts over the keys in turn, straight to the topic. */
    async publish(count: number, keys = ['a', 'b', 'c', 'd']) {
      const messages = Array.from({ length: count }, () => {
        const step = { namespace: 'default', key: keys[published.length % keys.length]!, n: published.length }
        published.push(step)
        return toRecord(fact(events.counted, step), 'test')
      })
      await eventually(() => producer.send({ topic: name, messages }), { timeout: 60_000 })
      return messages
    },
    /** Waits until every published fact had its effect, then looks that each had it once, in the order of its key, and was echoed once. */
    async expectOnceInOrder(timeout = 60_000) {
      const expected = published.map(({ n }) => n)
      await eventually(
        async () =>
          expect((await effects()).filter(({ handler }) => handler === 'echoed').length).toBeGreaterThanOrEqual(expected.length),
        { timeout },
      )
      await eventually(async () => expect((await db.query('select 1 from outbox')).length).toBe(0), { timeout })
      for (const handler of ['counted', 'echoed']) {
        const done = (await effects()).filter((effect) => effect.handler === handler)
        expect(done.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual(expected)
        for (const key of new Set(published.map((step) => step.key))) {
          expect(done.filter((effect) => effect.key === key).map(({ n }) => n)).toEqual(
            published.filter((step) => step.key === key).map(({ n }) => n),
          )
        }
      }
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.kill().catch(() => {})))
      await producer.close().catch(() => {})
      await topics.close()
      await db.query(`drop schema ${name} cascade`).catch(() => {})
      await db.close()
    },
  }
}
export type Bench = Awaited<ReturnType<typeof openBench>>
