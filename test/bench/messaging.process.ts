import { setTimeout } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { consumersOf, done, on, openDatabase, silent, startMessaging } from '@cascata/messaging'
import { type Order, stepEvent } from './messaging.ts'
import { preciseNow } from './context.ts'

/** The consuming side of the messaging benchmark, in a process of its own. */
const order = JSON.parse(process.argv[2]!) as Order
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const event = stepEvent(order.name)
const db = await openDatabase({ url: order.postgres, schema: order.name, log: silent })
await db.query('create table if not exists effect (n int)')

let handled: number[] = []
const timed = {
  ...db,
  /** The hop ends when the effect is committed. */
  async transaction<T>(work: Parameters<typeof db.transaction<T>>[0]) {
    const result = await db.transaction<T>(work)
    if (handled.length > 0) say({ committed: handled.map((n) => [n, preciseNow()]) })
    handled = []
    return result
  },
}

const messaging = await startMessaging({
  app: order.name,
  kafka: { brokers: [order.kafka], clientId: order.name },
  db: timed,
  log: silent,
  registry: new Registry(),
  consumers: consumersOf(order.name, [
    on(event, async ({ data }, tx) => {
      await tx.query('insert into effect values ($1)', [data.n])
      handled.push(data.n)
      return done
    }),
  ]),
})

if (order.rows) {
  let rows = 0
  let rss = 0
  let cpu: NodeJS.CpuUsage | undefined
  let began = 0
  messaging.ingest({
    consumer: `${order.name}.rows`,
    topics: [order.rows.topic],
    sink: {
      async write(batch) {
        cpu ??= process.cpuUsage()
        began ||= performance.now()
        rss = Math.max(rss, process.memoryUsage.rss())
        return batch.length
      },
      async commit(_tx, count) {
        rows += count
      },
      async discard() {},
    },
    onHalt: async () => {},
  })
  const timer = setInterval(() => {
    if (rows < order.rows!.count) return
    clearInterval(timer)
    const used = process.cpuUsage(cpu)
    say({ ingested: rows, seconds: (performance.now() - began) / 1000, cpuSeconds: (used.user + used.system) / 1e6, rss })
  }, 5)
}

say({ started: true })
process.stdin.on('data', async () => {
  // Joining its group, connecting and compiling take some twenty seconds to settle.
  await setTimeout(20_000)
  const before = process.cpuUsage()
  await setTimeout(10_000)
  const { user, system } = process.cpuUsage(before)
  say({ idleCpu: (user + system) / 1e6 / 10 })
})
process.once('SIGTERM', async () => {
  await messaging.stop()
  await db.close()
  process.exit(0)
})
