import { Registry } from 'prom-client'
import { consumersOf, type Database, done, fact, on, openDatabase, startMessaging } from '../index.ts'
import { eventsOf } from './events.ts'
import { Effects1764000000001 } from './effects-migration.ts'

/**
 * A small app of two handlers in a process of its own, to be killed and frozen. What it is told comes as JSON in its only argument;
 * what it does goes to stdout as JSON lines.
 */
interface Orders {
  name: string
  kafka: string
  postgres: string
  /** Where the process kills itself, once: the first time it gets there. */
  dieAt?: 'before-effect' | 'after-effect' | 'after-commit' | 'after-send'
  /** Keys whose handler throws so many times before it works. */
  fails?: Record<string, number>
  /** Prints `handling` and takes this long, without a timer: the database sleeps. */
  slowMs?: number
  idleInTransactionMs?: number
}

const orders = JSON.parse(process.argv[2]!) as Orders
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const die = () => process.kill(process.pid, 'SIGKILL')
const log = {
  debug() {},
  info: () => {},
  warn: (fields: object, message: string) => say({ warn: message, ...fields }),
  error: (fields: object, message: string) => say({ error: message, ...fields }),
}
const { counted, echoed } = eventsOf(orders.name)
const fails = new Map(Object.entries(orders.fails ?? {}))

/** Dies when the first effect is committed and nobody knows, or when the first fact is sent and still in the outbox. */
function dying(db: Database): Database {
  return {
    ...db,
    async query(sql, params) {
      if (orders.dieAt === 'after-send' && sql.startsWith('delete from outbox')) die()
      return db.query(sql, params)
    },
    async transaction(work) {
      let handled = false
      const result = await db.transaction((tx) =>
        work({ ...tx, query: (sql, params) => ((handled ||= sql.startsWith('insert into effect')), tx.query(sql, params)) }),
      )
      if (handled && orders.dieAt === 'after-commit') die()
      return result
    },
  }
}

const db = dying(
  await openDatabase({
    url: orders.postgres,
    schema: orders.name,
    migrations: [Effects1764000000001],
    log,
    idleInTransactionMs: orders.idleInTransactionMs ?? 30_000,
  }),
)

const messaging = await startMessaging({
  app: orders.name,
  kafka: { brokers: [orders.kafka], clientId: orders.name },
  db,
  log,
  registry: new Registry(),
  consumers: consumersOf(orders.name, [
    on(counted, async (event, tx) => {
      const { key, n } = event.data
      say({ handling: key, n })
      if (orders.dieAt === 'before-effect') die()
      const failures = fails.get(key) ?? 0
      if (failures > 0) {
        fails.set(key, failures - 1)
        throw new Error(`${key} can't be handled yet`)
      }
      await tx.query('insert into effect (handler, key, n, event_id) values ($1, $2, $3, $4)', ['counted', key, n, event.id])
      if (orders.slowMs) await tx.query('select pg_sleep($1)', [orders.slowMs / 1000])
      await tx.publish(fact(echoed, event.data), { causedBy: event })
      if (orders.dieAt === 'after-effect') die()
      return done
    }),
    on(echoed, async (event, tx) => {
      await tx.query('insert into effect (handler, key, n, event_id, cause) values ($1, $2, $3, $4, $5)', [
        'echoed',
        event.data.key,
        event.data.n,
        event.id,
        event.causationid,
      ])
      return done
    }),
  ]),
})
say({ started: process.pid })

process.once('SIGTERM', async () => {
  await messaging.stop()
  await db.close()
  say({ stopped: true })
})
