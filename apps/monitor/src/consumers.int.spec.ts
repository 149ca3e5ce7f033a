import { eventOf, type EventDefinition } from '@cascata/events'
import { type Database, openDatabase, silent } from '@cascata/messaging'
import { backing, uniqueName } from '@cascata/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { consumers } from './consumers.ts'
import { Monitor1764000100000 } from './migrations/1764000100000-monitor.ts'
import { forgetOld } from './predictions/retention.ts'
import { ensurePartition, keepPredictions, partitions } from './predictions/predictions.store.ts'
import { sawPredictions } from './models/models.store.ts'
import { flightsOf, predictionOf } from './test-platform/flights.ts'

let db: Database
beforeAll(async () => {
  db = await openDatabase({
    url: backing().postgres,
    schema: uniqueName('monitor'),
    migrations: [Monitor1764000100000],
    log: silent,
  })
})
afterAll(() => db?.close())

const examples = [...consumers.byType.values()].flatMap(({ definition, handle }) =>
  definition.examples.map((example, i) => ({
    type: definition.type,
    i,
    definition: definition as EventDefinition<unknown>,
    example,
    handle,
  })),
)

it.each(examples)('takes example $i of $type, and takes it again', async ({ definition, example, handle }) => {
  const event = eventOf(definition, example, { id: uniqueName('event'), time: '2001-01-20T10:00:00.000Z', app: 'feature-store' })
  for (const outcome of [await db.transaction((tx) => handle(event, tx)), await db.transaction((tx) => handle(event, tx))])
    expect(['done', 'drop']).toContain(outcome.is)
})

it('forgets predictions after their time, day by day', async () => {
  const day = 86_400_000
  const now = Date.parse('2026-06-01T12:00:00Z')
  for (const daysAgo of [45, 31, 29, 0]) {
    const at = now - daysAgo * day
    await ensurePartition(db, new Date(at).toISOString().slice(0, 10))
    await db.transaction(async (tx) => {
      await keepPredictions(
        tx,
        flightsOf(daysAgo, 20).map((flight) => predictionOf('forget', flight)),
        at,
      )
      await sawPredictions(tx, { namespace: 'forget', name: 'delay' }, new Date(at), new Date(at))
    })
  }
  const kept = async () =>
    (await db.query<{ day: string }>(`select distinct kept_on::text as day from prediction order by 1`)).map(
      ({ day: each }) => each,
    )
  expect(await kept()).toHaveLength(4)
  await forgetOld({ db, clock: { now: () => now }, signal: new AbortController().signal })
  expect(await kept()).toEqual(['2026-05-03', '2026-06-01'])
  expect(await partitions(db)).not.toContain('2026-04-17')
})
