import { Registry } from 'prom-client'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import { defineEvent, type EventDefinition, type Topic } from '@cascata/events'
import { deleteRecords } from './test-app/topics.ts'
import { backing, eventually, uniqueName } from '@cascata/testing'
import { readCompacted } from './compacted.ts'
import { type Database, openDatabase } from './database.ts'
import { fact, toRecord } from './fact.ts'
import { consumersOf, on } from './handlers.ts'
import { latest, latestAll } from './latest.ts'
import { silent } from './log.ts'
import { type Messaging, startMessaging } from './messaging.ts'
import { done } from './outcome.ts'

interface Setting {
  namespace: string
  name: string
  generation: number
  value: string
}

const { kafka: broker, postgres } = backing()
let name: string
let topic: Topic
let setting: EventDefinition<Setting>
let db: Database
let messaging: Messaging
let handled: Setting[]

const say = (value: Partial<Setting>) => fact(setting, { namespace: 'default', name: 'a', generation: 1, value: 'one', ...value })
const publish = (...values: Partial<Setting>[]) =>
  messaging.producer.send({ topic: topic.name, messages: values.map((value) => toRecord(say(value), 'test')) })

beforeEach(async () => {
  name = uniqueName('compacted').replaceAll('-', '_').toLowerCase()
  topic = { name, partitions: 1, compacted: true, key: 'name', config: { 'cleanup.policy': 'compact,delete' } }
  setting = defineEvent({
    name: 'setting.changed',
    version: 1,
    topic,
    producer: 'registry',
    consumers: ['dispatcher'],
    meaning: 'A setting has a new value.',
    key: (data) => data.name,
    data: z.object({ namespace: z.string(), name: z.string(), generation: z.number(), value: z.string() }),
    examples: [{ namespace: 'default', name: 'a', generation: 1, value: 'one' }],
  })
  handled = []
  db = await openDatabase({ url: postgres, schema: name, log: silent })
  messaging = await startMessaging({
    app: name,
    kafka: { brokers: [broker], clientId: name },
    db,
    log: silent,
    registry: new Registry(),
    consumers: consumersOf(name, [on(setting, async ({ data }) => (handled.push(data), done))]),
  })
})
afterEach(async () => {
  await messaging.stop()
  await db.query(`drop schema ${name} cascade`)
  await db.close()
})

it('gives a handler newer generations only, and keeps the newest', async () => {
  await publish(
    { generation: 1 },
    { generation: 3, value: 'three' },
    { generation: 2, value: 'late' },
    { generation: 3, value: 'again' },
    { name: 'b', generation: 1 },
  )
  await eventually(async () => expect((await latestAll(db, setting)).map(({ key }) => key)).toEqual(['a', 'b']))
  expect(handled.map(({ name: key, generation }) => `${key}${generation}`)).toEqual(['a1', 'a3', 'b1'])
  expect(await latest(db, setting, 'a')).toMatchObject({ generation: 3, data: { value: 'three' } })
  expect(await latest(db, setting, 'c')).toBeUndefined()
})

it('reads a topic to its end without a group or a database, then follows it, and ignores a stale value that comes late', async () => {
  await publish({ generation: 5, value: 'five' }, { name: 'b' })
  const values = new Map<string, string | undefined>()
  const reader = readCompacted({
    kafka: messaging.kafka,
    topic,
    definitions: [setting],
    log: silent,
    onValue: (key, event) => void values.set(key, (event?.data as Setting | undefined)?.value),
  })
  await reader.caughtUp
  expect(Object.fromEntries(values)).toEqual({ a: 'five', b: 'one' })

  await publish({ generation: 4, value: 'stale' }, { generation: 6, value: 'six' })
  await eventually(() => expect(values.get('a')).toBe('six'))
  await messaging.producer.send({ topic: topic.name, messages: [{ key: 'b', value: null }] })
  await eventually(() => expect(values.get('b')).toBeUndefined())
  await reader.stop()
})

it.each(['never written', 'emptied'])('has nothing to wait for in a topic that was %s', async (state) => {
  if (state === 'emptied') {
    await publish({}, { generation: 2 })
    await deleteRecords(messaging.kafka, name, [{ partition: 0, offset: '-1' }])
    await eventually(async () => expect(await messaging.topics.bounds(name)).toEqual(new Map([[0, { low: 2, high: 2 }]])))
  }
  const values: string[] = []
  const reader = readCompacted({
    kafka: messaging.kafka,
    topic,
    definitions: [setting],
    log: silent,
    onValue: (key) => void values.push(key),
  })
  await reader.caughtUp
  expect(values).toEqual([])
  await publish({ generation: 9 })
  await eventually(() => expect(values).toEqual(['a']))
  await reader.stop()
})

it('says again what the topic has lost, and leaves what it holds', async () => {
  await publish({ name: 'kept', generation: 2 }, { name: 'old', generation: 1 })
  const truth = [
    say({ name: 'kept', generation: 2, value: 'not again' }),
    say({ name: 'old', generation: 3, value: 'newer' }),
    say({ name: 'lost', generation: 1, value: 'back' }),
  ]
  messaging.republish(topic, [setting], async () => truth)
  await eventually(() =>
    expect(handled.map((value) => `${value.name} ${value.value}`)).toEqual(['kept one', 'old one', 'old newer', 'lost back']),
  )
})
