import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually, type PrivateService, startPrivateKafka } from '@cascata/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { literal, openDuck, rowsOf } from './offline/duckdb.ts'
import { outsider, settingsForTest, startForTest } from './start-for-test.ts'

const page = readFileSync(fileURLToPath(new URL('../../../docs/features.md', import.meta.url)), 'utf8')
/** The blocks of code of the page, by the word after their language: what it shows is what is run and what came of it. */
const block = (name: string): string => {
  const found = new RegExp('```\\w+ ' + name + '\\n([^`]*)```').exec(page)
  if (!found) throw new Error(`docs/features.md has no block ${name}`)
  return found[1]!.trim()
}

let kafka: PrivateService
let service: Awaited<ReturnType<typeof startForTest>>
let them: Awaited<ReturnType<typeof outsider>>
let settings: Record<string, string>
beforeAll(async () => {
  kafka = await startPrivateKafka()
  settings = settingsForTest(kafka.url)
  service = await startForTest(settings)
  them = await outsider(kafka.url)
})
afterAll(async () => {
  await them?.close()
  await service?.stop()
  await kafka?.kill()
})

it('shows in docs/features.md what comes of a late row', async () => {
  await them.apply(block('view'))
  await eventually(async () => expect((await service.call('GET', '/v1/views/default/prices')).status).toBe(200))
  for (const line of block('rows').split('\n')) {
    const [arrived, row] = line.split(/ +(?=\{)/) as [string, string]
    await eventually(() => them.publish('prices', [{ value: row, timestamp: Date.parse(arrived), partition: 0 }]))
  }
  await eventually(async () => {
    const { body } = await service.call('GET', '/v1/views/default/prices')
    expect(body.rows.accepted).toBe(3)
  })

  const asked = JSON.parse(block('look-up')) as object
  const { body } = await service.call('POST', '/v1/features', asked, { 'cascata-at': '2001-01-14T10:45:00Z' })
  expect(body).toEqual(JSON.parse(block('answer')))

  const { body: spine } = await service.call('PUT', '/v1/spines', block('spine'), { 'content-type': 'text/csv' })
  const features = ['prices:price']
  const { body: asking } = await service.call('POST', '/v1/datasets', { features, spine: spine.sha256 })
  await eventually(async () => expect((await service.call('GET', `/v1/datasets/${asking.id}`)).body.state).toBe('built'))
  const { bytes } = await service.call('GET', `/v1/datasets/${asking.id}/data`)
  expect(await shown(bytes)).toEqual(block('training-rows'))
})

/** A Parquet file as a table of text. */
async function shown(bytes: Buffer): Promise<string> {
  const folder = settings['CASCATA_HOME']!
  const file = join(folder, 'dataset.parquet')
  writeFileSync(file, bytes)
  const duck = await openDuck({ folder, name: 'example', memory: 128 * 1024 ** 2, threads: 1 })
  const connection = await duck.connect()
  const rows = await rowsOf<{ line: string }>(
    connection,
    `select sku || '  ' || strftime("at" at time zone 'UTC', '%Y-%m-%dT%H:%M:%SZ') || '  ' || coalesce(prices__price::VARCHAR, 'null') as line
       from read_parquet(${literal(file)}) order by "at"`,
  )
  connection.closeSync()
  duck.close()
  return ['sku  at                    prices__price', ...rows.map(({ line }) => line)].join('\n')
}
