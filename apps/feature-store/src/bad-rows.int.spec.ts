import { afterAll, beforeAll, expect, it } from 'vitest'
import { backing, eventually, uniqueName } from '@cascata/testing'
import { outsider, type Published, settingsForTest, startForTest } from './start-for-test.ts'

const t0 = Date.parse('2001-01-10T00:00:00Z')
const iso = (ms: number) => new Date(ms).toISOString()
const view = uniqueName('hostile').toLowerCase().replaceAll('_', '-')
const topic = view

let service: Awaited<ReturnType<typeof startForTest>>
let them: Awaited<ReturnType<typeof outsider>>

beforeAll(async () => {
  const { kafka } = backing()
  service = await startForTest(settingsForTest(kafka))
  them = await outsider(kafka)
  await them.apply(`
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: ${view}}
spec:
  source: {topic: ${topic}, partitions: 1}
  entity: [flight]
  eventTime: {field: publishedAt}
  ttl: none
  fields: {flight: string, publishedAt: timestamp, seats: {type: int, nullable: true, min: 0}, distance: double}
`)
  await eventually(async () => expect((await state()).partitions).toHaveLength(1))
})
afterAll(async () => {
  await them?.close()
  await service?.stop()
})

const state = async () => (await service.call('GET', `/v1/views/default/${view}`)).body
const row = (flight: unknown, more: object = {}, at = t0) => ({ flight, publishedAt: iso(at), seats: 1, distance: 2.5, ...more })
const sent = (value: Published['value'], timestamp = t0, key: string | null = null): Published => ({ key, value, timestamp })

/** What a row is refused with; of `rejected` the metric counts as many. */
const bad: [string, Published][] = [
  ['NOT_JSON', sent('flight,AA1,2001')],
  ['NOT_JSON', sent(Buffer.from([0xff, 0xfe, 0x00]))],
  ['ROW_TOO_LARGE', sent(row('A', { note: 'x'.repeat(2_090_000) }))],
  ['WRONG_TYPE', sent(row('A', { distance: 'far' }))],
  ['WRONG_TYPE', sent(row('A', { seats: 1.5 }))],
  ['OUT_OF_RANGE', sent(row('A', { seats: -1 }))],
  ['MISSING_FIELD', sent({ flight: 'A', publishedAt: iso(t0), seats: 1 })],
  ['NULL_KEY', sent(row(null))],
  ['EVENT_TIME_IN_FUTURE', sent(row('A', {}, Date.parse('2099-01-01T00:00:00Z')))],
  ['EVENT_TIME_INVALID', sent({ ...row('A'), publishedAt: 'soon' })],
  ['NO_VALUE', sent(null)],
]

it('rows of every bad kind are dead letters with their reason, are counted, and harm no other', async () => {
  const between = bad.flatMap(([, each], n): Published[] => [each, sent(row(`good${n}`, {}, t0 + n), t0 + n)])
  const odd = [
    sent(row('unknown field', { surprise: { deep: [1] } })),
    sent(row('old', { distance: 1970 }, 0)),
    sent(row('twice', { distance: 7 }, t0 + 9), t0 + 9),
    sent(row('twice', { distance: 7 }, t0 + 9), t0 + 9),
    sent(row('twice', { distance: 5 }, t0 + 3), t0 + 10),
    sent(row('gone'), t0),
    sent(null, t0 + 20, JSON.stringify({ flight: 'gone' })),
  ]
  for (const each of between) await them.publish(topic, [each])
  await them.publish(topic, odd)
  const { rows } = await eventually(
    async () => {
      const now = await state()
      expect(now.partitions[0].nextOffset).toBe(between.length + odd.length)
      return now
    },
    { timeout: 30_000 },
  )
  expect(rows).toMatchObject({ accepted: bad.length + 6, rejected: bad.length, deleted: 1 })

  const { body } = await service.call('GET', `/v1/views/default/${view}/rejected`)
  const told = body.sample.toReversed().map(({ offset, code }: { offset: number; code: string }) => [offset, code])
  expect(told).toEqual(bad.map(([code], n) => [2 * n, code]))

  const metrics = (await service.call('GET', '/metrics')).text
  for (const [code, of] of Map.groupBy(bad, ([code]) => code)) {
    const line = metrics.split('\n').find((each) => each.startsWith('cascata_features_rejected_total') && each.includes(code))
    expect(line, code).toMatch(new RegExp(`view="${view}".* ${of.length}$`))
  }

  const flights = [...bad.map((_, n) => `good${n}`), 'unknown field', 'old', 'twice', 'gone', 'A']
  const look = await service.call(
    'POST',
    '/v1/features',
    { features: [`${view}:distance`], entities: { flight: flights } },
    { 'cascata-at': iso(t0 + 3_600_000) },
  )
  expect(look.body.values).toEqual([...bad.map(() => [2.5]), [2.5], [1970], [7], [null], [null]])
})
