import { datasetBuilt, trainingRequested } from '@cascata/events'
import { connectKafka, fact, openDatabase, openProducer, silent, toRecord } from '@cascata/messaging'
import { backing, eventually, uniqueName } from '@cascata/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startForTest } from '../start-for-test.ts'

const model = uniqueName('m').replaceAll('_', '-')
const schema = uniqueName('registry')
const [run, dataset] = [uniqueName('r').replaceAll('_', '-'), `d-${model}`]
let registry: Awaited<ReturnType<typeof startForTest>>
const blob = async (content: object) =>
  (await registry.call('PUT', '/v1/blobs', Buffer.from(JSON.stringify(content)))).body.sha256

beforeAll(async () => {
  registry = await startForTest({ REGISTRY_DATABASE_SCHEMA: schema, OPENLINEAGE_URL: 'http://127.0.0.1:9/api/v1/lineage' })
  const producer = await openProducer({
    kafka: connectKafka({ brokers: [backing().kafka], clientId: model }, silent),
    log: silent,
  })
  const [asked, made] = [trainingRequested.examples[0]!, datasetBuilt.examples[0]!]
  const snapshot = [{ view: 'flights', topic: model, partition: 0, epoch: 1, to: 100 }]
  const said = [
    toRecord(fact(trainingRequested, { ...asked, model, run }), 'dispatcher'),
    toRecord(fact(datasetBuilt, { ...made, model, run, dataset, snapshot }), 'feature-store'),
  ]
  await producer.send({ topic: trainingRequested.topic.name, messages: said })
  await producer.close()
  await eventually(async () => expect((await registry.call('GET', `/v1/lineage/datasets/${dataset}`)).status).toBe(200))
  for (const [nth, auc] of [0.7, 0.8].entries()) {
    const evidenceSha256 = await blob({
      gates: [{ gate: 'floor auc', passed: true, value: auc }],
      figures: { candidate: { is: 'measured', metrics: { auc }, metric: { value: auc, interval: [auc, auc] } } },
    })
    const record = { trainer: 'gbdt', seed: 1, refit: true, params: { trees: 40 + nth } }
    const body = {
      model,
      run: nth === 0 ? run : `${run}-other`,
      dataset,
      modelSha256: await blob({ nth }),
      evidenceSha256,
      revision: 1,
      record,
    }
    expect((await registry.call('POST', '/v1/versions', body)).body).toMatchObject({ version: String(nth + 1), record })
  }
})
afterAll(() => registry?.stop())

it('leads both ways from a version, a run, a dataset and the place of a row', async () => {
  const ids = async (query: string) => {
    const { status, body } = await registry.call('GET', `/v1/lineage/graph?${query}`)
    expect(status).toBe(200)
    return body.nodes.map(({ id }: { id: string }) => id)
  }
  const way = [`offsets:${model}/0@1<100`, `dataset:${dataset}`, `run:${run}`, `version:default/${model}/1`]
  for (const query of [`model=${model}&version=1`, `run=${run}`, `dataset=${dataset}`, `topic=${model}&partition=0&offset=99`])
    expect(await ids(query)).toEqual(expect.arrayContaining(way))
  for (const query of [`topic=${model}&partition=0&offset=100`, 'run=nobody', 'dataset=nothing', ''])
    expect(await registry.call('GET', `/v1/lineage/graph?${query}`)).toMatchObject({
      status: 404,
      body: { code: 'REG_LINEAGE_NOT_FOUND' },
    })
  const dot = await registry.call('GET', `/v1/lineage/graph?run=${run}&format=dot`)
  expect(dot.text).toMatch(/^digraph lineage/)
})

it('tells a run in events of OpenLineage, and sends each with the fact it follows', async () => {
  const { body } = await registry.call('GET', `/v1/lineage/runs/${run}/openlineage`)
  expect(body.map(({ eventType }: { eventType: string }) => eventType)).toEqual(['START', 'RUNNING', 'COMPLETE'])
  const db = await openDatabase({ url: backing().postgres, schema, log: silent, poolSize: 1 })
  const sent = await db.query<{ body: string }>(`select body from delivery where target = 'openlineage' order by position`)
  await db.close()
  const ours = sent.map((row) => JSON.parse(row.body)).filter((event) => event.run.runId === body[0].run.runId)
  expect(ours.map(({ eventType }) => eventType)).toEqual(['START', 'RUNNING'])
})

it('says what rests on a dataset', async () => {
  const { body } = await registry.call('GET', `/v1/lineage/datasets/${dataset}`)
  expect(body).toMatchObject({ dataset: { dataset }, run: { run }, serving: [], same: expect.any(Array) })
  expect(body.versions.map(({ version }: { version: string }) => version)).toEqual(['2', '1'])
})

it('compares two versions, and writes the card of one', async () => {
  const { body } = await registry.call('GET', `/v1/comparison?model=${model}&version=1&otherVersion=2`)
  expect(body.metrics[0]).toMatchObject({ one: 0.7, other: 0.8, intervals: { apart: true } })
  expect(body.parameters).toContainEqual({ name: 'trees', one: 40, other: 41, same: false })
  expect(await registry.call('GET', `/v1/comparison?model=${model}&version=1&otherVersion=9`)).toMatchObject({ status: 404 })
  const html = await registry.call('GET', `/v1/cards/default/${model}/1?format=html`)
  expect(html.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(html.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(html.text).toContain('<h2>Gates</h2>')
  const markdown = await registry.call('GET', `/v1/cards/default/${model}/1`)
  expect(markdown.text).toContain('## Gates')
  expect(markdown.headers.get('content-type')).toBe('text/markdown; charset=utf-8')
})
