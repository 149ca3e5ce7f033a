import { eventually, type PrivateService, startPrivateKafka, uniqueName } from '@cascata/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { iso } from '../ingest/validate-times.ts'
import { outsider, settingsForTest, startForTest } from '../start-for-test.ts'
import { sparkForTest } from './a-spark.ts'

const hour = 3_600_000
const t0 = Date.UTC(2001, 0, 14)
const topic = uniqueName('prices')
const prices = `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: prices}
spec:
  source: {topic: ${topic}}
  entity: [sku]
  eventTime: {field: setAt}
  fields: {sku: string, setAt: timestamp, price: double, tags: {type: 'list<string>', nullable: true}}
`

let kafka: PrivateService
let service: Awaited<ReturnType<typeof startForTest>>
let them: Awaited<ReturnType<typeof outsider>>
beforeAll(async () => {
  kafka = await startPrivateKafka()
  service = await startForTest(settingsForTest(kafka.url, { FEATURE_STORE_SPARK: await sparkForTest() }))
  them = await outsider(kafka.url)
}, 600_000)
afterAll(async () => {
  await them?.close()
  await service?.stop()
  await kafka?.kill()
})

async function built(engine?: string) {
  const csv = [
    'sku,at,note',
    ...['A', 'B', 'Z'].flatMap((sku) => [0, 3, 9].map((h) => `${sku},${iso(t0 + h * hour)},"it's ""${h}"""`)),
  ]
  const { body: spine } = await service.call('PUT', '/v1/spines', csv.join('\n'), { 'content-type': 'text/csv' })
  const asked = { engine, features: ['prices:price', 'prices:tags'], spine: spine.sha256 }
  const { body } = await service.call('POST', '/v1/datasets', asked)
  const state = async () => (await service.call('GET', `/v1/datasets/${body.id}`)).body
  if (engine === 'spark') await eventually(async () => expect((await state()).step).toBe('joining by Spark'))
  return eventually(
    async () => {
      const seen = await state()
      expect(seen.state).toBe('built')
      return seen
    },
    { timeout: 120_000 },
  )
}

it('builds a dataset by Spark when it is asked to: the same as by DuckDB, hash and all', { timeout: 240_000 }, async () => {
  await them.apply(prices)
  await eventually(async () => expect((await service.call('GET', '/v1/views/default/prices')).status).toBe(200))
  const rows = [1, 2, 3, 4, 5, 6].map((n) => ({
    value: { sku: n % 2 ? 'A' : 'B', setAt: iso(t0 + n * hour), price: n / 3, tags: n === 4 ? null : [`t${n}`, 'all'] },
    timestamp: t0 + n * hour,
  }))
  await eventually(() => them.publish(topic, rows))
  await eventually(async () => {
    expect((await service.call('GET', '/v1/views/default/prices')).body.rows.accepted).toBe(rows.length)
  })
  const bySpark = await built('spark')
  const { hash, columns, profile } = await built()
  expect(bySpark).toMatchObject({ rows: 9, hash, columns, profile })
})
