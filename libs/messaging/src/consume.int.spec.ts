import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventually } from '@cascata/testing'
import { fact, toRecord } from './fact.ts'
import { readDeadLetters, replayDeadLetters } from './dead-letters.ts'
import { type Bench, openBench } from './test-app/harness.ts'

let bench: Bench
beforeEach(async () => void (bench = await openBench()))
afterEach(() => bench.close())

it('has the effect of a fact once although it was sent twice', async () => {
  const messages = await bench.publish(8)
  await bench.producer.send({ topic: bench.name, messages })
  await bench.worker()
  await bench.producer.send({ topic: bench.name, messages })
  await bench.expectOnceInOrder()
  await eventually(async () => {
    const [cursor] = await bench.db.query<{ next: string }>(`select next_offset as next from cursor`)
    expect(Number(cursor!.next)).toBe((await bench.topics.bounds(bench.name)).get(0)!.high)
  })
  await bench.expectOnceInOrder()
})

it.each(['before-effect', 'after-effect', 'after-commit', 'after-send'])(
  'has each effect once although the process was killed %s',
  async (dieAt) => {
    const first = await bench.worker({ dieAt })
    await first.line((line) => line.started)
    await bench.publish(20)
    expect((await first.died()).signal).toBe('SIGKILL')
    await bench.worker()
    await bench.expectOnceInOrder()
  },
)

it('keeps order and count when a leader of the relay was cut off, replaced, and comes back', async () => {
  const old = await bench.worker()
  await old.line((line) => line.started)
  await bench.publish(4)
  await bench.expectOnceInOrder()

  old.freeze()
  await bench.db.transaction((tx) =>
    tx.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and pid <> pg_backend_pid()`, [
      bench.name,
    ]),
  )
  await bench.worker()
  await bench.publish(200)
  await bench.expectOnceInOrder()
  old.thaw()
  await bench.publish(200)
  await bench.expectOnceInOrder()
})

it('survives a rebalance in the middle of a batch whose owner hangs and comes back', async () => {
  const owner = await bench.worker({ slowMs: 20, idleInTransactionMs: 2_000 })
  await owner.line((line) => line.started)
  await bench.publish(40)
  await owner.line((line) => line.handling && line.n >= 3)
  owner.freeze()
  await bench.worker()
  await eventually(async () => expect((await bench.effects()).length).toBeGreaterThan(0), { timeout: 60_000 })
  owner.thaw()
  await bench.publish(40)
  await bench.expectOnceInOrder()
})

it('puts what is no event of ours into the dead letters at once, and replays it from there', async () => {
  const good = toRecord(fact(bench.counted, { namespace: 'default', key: 'p', n: 1 }), 'test')
  await bench.producer.send({
    topic: bench.name,
    messages: [
      { ...good, value: 'not json' },
      { ...good, value: '{"namespace":"default","key":"p","n":"three"}' },
      { ...good, headers: { ...good.headers, ce_type: 'cascata.unknown.v1' } },
      { key: 'p', value: null },
      { key: null, value: Buffer.from([0xff, 0x00]) },
    ],
  })
  await bench.publish(4)
  await bench.worker()
  await bench.expectOnceInOrder()

  const dlq = `${bench.name}.cascata.${bench.name}.dlq`
  const letters = await readDeadLetters(bench.kafka, dlq)
  expect(letters.map(({ reason }) => reason.split(':')[0])).toEqual(['EVENT_NOT_JSON', 'EVENT_DATA_INVALID', 'EVENT_NOT_JSON'])
  expect(letters[0]).toMatchObject({
    topic: bench.name,
    from: { partition: 0, offset: 0 },
    key: 'p',
    value: 'not json',
    consumer: `cascata.${bench.name}`,
  })

  await replayDeadLetters(bench.producer, [{ ...letters[0]!, value: '{"namespace":"default","key":"p","n":99}' }])
  await eventually(async () => expect((await bench.effects()).filter(({ n }) => n === 99)).toHaveLength(2))
})

it('tries a handler again while later facts of its key and of others wait, and keeps their order', async () => {
  await bench.worker({ fails: { b: 5 } })
  await bench.publish(24)
  await bench.expectOnceInOrder()
})

it('parks a key whose handler keeps failing, lets the others go on, and takes the key up in order when it works', async () => {
  await bench.publish(16, ['x', 'y'])
  const failing = await bench.worker({ fails: { x: 1_000 } })
  await eventually(
    async () => expect((await bench.effects()).filter(({ key, handler }) => key === 'y' && handler === 'echoed')).toHaveLength(8),
    { timeout: 60_000 },
  )
  expect((await bench.effects()).filter(({ key }) => key === 'x')).toHaveLength(0)
  await eventually(async () => expect(await bench.db.query('select 1 from parked')).toHaveLength(8))

  await failing.kill()
  await bench.worker()
  await bench.publish(8, ['x', 'y'])
  await bench.expectOnceInOrder()
  expect(await bench.db.query('select 1 from parked')).toHaveLength(0)
})

it('handles 10,000 facts that were queued', async () => {
  await bench.publish(10_000, ['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  await bench.worker()
  await bench.expectOnceInOrder(90_000)
})

it('lets what is under way end when it is stopped', async () => {
  const worker = await bench.worker({ slowMs: 10 })
  await worker.line((line) => line.started)
  await bench.publish(60)
  await worker.line((line) => line.handling)
  expect((await worker.terminate()).code).toBe(0)
  await bench.worker()
  await bench.expectOnceInOrder()
})
