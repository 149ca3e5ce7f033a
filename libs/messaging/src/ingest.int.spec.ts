import { Registry } from 'prom-client'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { deleteRecords, recreate } from './test-app/topics.ts'
import { backing, eventually, uniqueName } from '@cascata/testing'
import type { RawRow } from './buffer.ts'
import { type Gap, haltCursor } from './cursors.ts'
import { type Database, openDatabase } from './database.ts'
import type { Ingest } from './ingest.ts'
import { silent } from './log.ts'
import { type Messaging, startMessaging } from './messaging.ts'
import { messagingMetrics } from './metrics.ts'
import { startReader } from './reader.ts'

const { kafka: broker, postgres } = backing()
let name: string
let db: Database
let replicas: { messaging: Messaging; db: Database }[]
let published: string[]

const partitions = 3
const consumer = () => `cascata.features.${name}`

async function replica(log = silent) {
  const own = await openDatabase({ url: postgres, schema: name, log: silent })
  const messaging = await startMessaging({
    app: name,
    kafka: { brokers: [broker], clientId: name },
    db: own,
    log,
    registry: new Registry(),
  })
  replicas.push({ messaging, db: own })
  return messaging
}

/** Keeps rows in a table, so that a row that counts twice, or never, shows. */
function startRows(messaging: Messaging, { write = async (rows: RawRow[]) => rows } = {}) {
  const discarded: RawRow[][] = []
  const ingest: Ingest = messaging.ingest<RawRow[]>({
    consumer: consumer(),
    topics: [name],
    maxRows: 500,
    sink: {
      write,
      commit: async (tx, rows) =>
        void (await tx.query('insert into row_seen select * from unnest($1::int[], $2::int[], $3::int[], $4::text[])', [
          rows.map((row) => row.partition),
          rows.map((row) => row.epoch),
          rows.map((row) => row.offset),
          rows.map((row) => row.value?.toString() ?? null),
        ])),
      discard: async (rows) => void discarded.push(rows),
    },
    onHalt: async (tx, gap) => void (await tx.query('insert into gap_seen values ($1)', [JSON.stringify(gap)])),
  })
  return { ingest, discarded }
}

async function publish(count: number, messaging = replicas[0]!.messaging) {
  const messages = Array.from({ length: count }, (_, i) => ({ key: `k${i % 7}`, value: `row ${published.length + i}` }))
  published.push(...messages.map(({ value }) => value))
  await eventually(() => messaging.producer.send({ topic: name, messages }))
}

const seen = async () => (await db.query<{ value: string }>('select value from row_seen')).map(({ value }) => value)
const gaps = async () => (await db.query<{ gap: Gap }>('select gap from gap_seen')).map(({ gap }) => gap)

async function expectEachOnce(expected = published) {
  await eventually(async () => expect(new Set(await seen()).size).toBe(new Set(expected).size), { timeout: 60_000 })
  expect((await seen()).toSorted()).toEqual(expected.toSorted())
}

beforeEach(async () => {
  name = uniqueName('ingest').replaceAll('-', '_').toLowerCase()
  replicas = []
  published = []
  db = await openDatabase({ url: postgres, schema: name, log: silent })
  await db.query('create table row_seen (partition int, epoch int, "offset" int, value text)')
  await db.query('create table gap_seen (gap jsonb)')
  await (await replica()).topics.ensure([{ topic: name, partitions }])
})
afterEach(async () => {
  for (const { messaging, db: own } of replicas) {
    await messaging.stop()
    await own.close()
  }
  await db.query(`drop schema ${name} cascade`)
  await db.close()
})

it('hands every row over once, also those of several replicas that come and go', async () => {
  const { messaging } = replicas[0]!
  startRows(messaging)
  await publish(2_000)
  const second = startRows(await replica())
  await publish(2_000)
  await second.ingest.stop()
  startRows(await replica())
  await publish(2_000)
  await expectEachOnce()
  const states = await messaging.partitions(consumer())
  expect(states.map(({ nextOffset, end }) => end - nextOffset)).toEqual([0, 0, 0])
  expect(states.reduce((sum, { end }) => sum + end, 0)).toBe(6_000)
})

it('tries again while a store is down, and neither loses nor repeats a row', async () => {
  let broken = true
  startRows(replicas[0]!.messaging, {
    write: async (rows) => {
      if (broken) throw new Error('the store is down')
      return rows
    },
  })
  await publish(300)
  await eventually(async () => expect((await db.query('select 1 from cursor')).length).toBe(partitions))
  broken = false
  await expectEachOnce()
})

it('discards what another replica was first to commit', async () => {
  let overtaken = false
  const { discarded } = startRows(replicas[0]!.messaging, {
    write: async (rows) => {
      if (!overtaken) {
        overtaken = true
        // What a successor does that took over while this replica hung: it commits the same rows first.
        await db.query(`update cursor set next_offset = next_offset + 1 where consumer = $1`, [consumer()])
        await db.query(
          `insert into row_seen select partition, epoch, "offset", value from jsonb_to_recordset($1) as row (partition int, epoch int, "offset" int, value text)`,
          [
            JSON.stringify(
              [...Map.groupBy(rows, (row) => row.partition).values()].map(([first]) => ({
                ...first,
                value: first!.value!.toString(),
              })),
            ),
          ],
        )
        await db.query(`update cursor set next_offset = 0 where consumer = $1 and not partition = any($2)`, [
          consumer(),
          [...new Set(rows.map((row) => row.partition))],
        ])
      }
      return rows
    },
  })
  await publish(70)
  await expectEachOnce()
  expect(discarded).toHaveLength(1)
})

it('halts when the topic was deleted and created again, however far it has grown, and goes on after a resume', async () => {
  const { messaging } = replicas[0]!
  const { ingest } = startRows(messaging)
  await publish(60)
  await expectEachOnce()
  await ingest.stop()

  await recreate(messaging.kafka, { topic: name, partitions })
  const before = published
  published = []
  await publish(600)
  startRows(messaging)
  await eventually(async () =>
    expect((await gaps()).map(({ reason }) => reason)).toEqual(['recreated', 'recreated', 'recreated']),
  )
  expect(await seen()).toHaveLength(before.length)
  expect((await messaging.partitions(consumer())).every(({ halted }) => halted?.reason === 'recreated')).toBe(true)

  await messaging.resumeHalted({ consumer: consumer() }, 'earliest')
  await expectEachOnce([...before, ...published])
  expect((await messaging.partitions(consumer())).map(({ epoch }) => epoch)).toEqual([1, 1, 1])
})

it('notices a topic that is created again while it reads', async () => {
  const { messaging } = replicas[0]!
  startRows(messaging)
  await publish(60)
  await expectEachOnce()
  await recreate(messaging.kafka, { topic: name, partitions })
  await publish(600)
  await eventually(async () => expect((await gaps()).length).toBe(partitions), { timeout: 60_000 })
  expect(await seen()).toHaveLength(60)
  const before = await seen()
  await messaging.resumeHalted({ consumer: consumer() }, 'earliest')
  await expectEachOnce([...before, ...published.slice(60)])
})

it('reads a topic that was away while several replicas ran, after a resume', async () => {
  let missed = 0
  const log = { ...silent, warn: ({ error = '' }: { error?: string }) => void (error.includes('does not exist yet') && missed++) }
  const { messaging } = replicas[0]!
  startRows(await replica(log))
  startRows(await replica(log))
  await publish(60)
  await expectEachOnce()
  await recreate(messaging.kafka, { topic: name, partitions }, () =>
    eventually(() => expect(missed).toBeGreaterThan(6), { timeout: 60_000 }),
  )
  await eventually(async () => expect(await gaps()).toHaveLength(partitions), { timeout: 60_000 })
  await messaging.resumeHalted({ consumer: consumer() }, 'earliest')
  await publish(300)
  await expectEachOnce()
})

it('reads on when the group is joined anew between a resume and the look at cursors', async () => {
  const { messaging } = replicas[0]!
  const { kafka, topics } = messaging
  const { ingest } = startRows(messaging)
  await publish(60)
  await expectEachOnce()
  await ingest.stop()
  await recreate(kafka, { topic: name, partitions })
  const read = new Set<string>()
  const start = (metrics = messagingMetrics(new Registry())) => {
    const reader = startReader(
      { kafka, topics, db, log: silent, metrics },
      {
        consumer: consumer(),
        reads: [name],
        startFrom: 'earliest',
        maxRows: 500,
        maxBytes: 1_000_000,
        onGap: (gap) => db.transaction(async (tx) => void (await haltCursor(tx, consumer(), gap))),
      },
    )
    const reading = (async () => {
      for (let batch = await reader.next(); batch; batch = await reader.next()) {
        for (const { value } of batch.rows) read.add(value!.toString())
        reader.flushed(batch)
      }
    })()
    return { stop: async () => void (await Promise.all([reader.stop(), reading])) }
  }
  const first = start()
  await eventually(async () => expect((await messaging.partitions(consumer())).every(({ halted }) => halted)).toBe(true))
  await messaging.resumeHalted({ consumer: consumer() }, 'earliest')
  published = []
  await publish(300)
  const second = start()
  await eventually(() => expect(read.size).toBe(300), { timeout: 30_000 })
  await Promise.all([first.stop(), second.stop()])
})

it('halts when retention has removed rows that were due, and never skips them in silence', async () => {
  const { messaging } = replicas[0]!
  const { ingest } = startRows(messaging)
  await publish(60)
  await expectEachOnce()
  await ingest.stop()
  await publish(90)
  const bounds = await messaging.topics.bounds(name)
  await deleteRecords(messaging.kafka, name, [{ partition: 0, offset: String(bounds.get(0)!.high) }])
  startRows(messaging)
  await eventually(async () =>
    expect((await gaps()).map(({ reason, partition }) => [reason, partition])).toEqual([['retention', 0]]),
  )

  await publish(30)
  await messaging.resumeHalted({ consumer: consumer() }, 'latest')
  await publish(30)
  await eventually(async () => {
    const states = await messaging.partitions(consumer())
    expect(states.every(({ nextOffset, end, halted }) => nextOffset === end && !halted)).toBe(true)
  })
  const rows = await seen()
  expect(new Set(rows).size).toBe(rows.length)
})

it('reads everything again, in a new epoch, when a replay is asked for', async () => {
  const { messaging } = replicas[0]!
  startRows(messaging)
  await publish(90)
  await expectEachOnce()
  await messaging.resumeHalted({ consumer: consumer() }, 'earliest', true)
  await eventually(async () => expect(await seen()).toHaveLength(180))
})
