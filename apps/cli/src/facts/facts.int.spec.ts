import {
  datasetBuilt,
  type EventDefinition,
  eventOf,
  facts,
  labelsRipened,
  rowsIngested,
  toKafka,
  trainingRequested,
  versionRegistered,
} from '@cascata/events'
import { connectKafka, openProducer, openTopics, silent } from '@cascata/messaging'
import { backing, eventually, uniqueName } from '@cascata/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { cascata, service } from '../test-shell.ts'

const name = uniqueName('cli').replaceAll('_', '-')
const dlq = `${name}.consumer.dlq`
const env = { KAFKA_BROKERS: backing().kafka }
const kafka = connectKafka({ brokers: backing().kafka.split(','), clientId: name }, silent)
const topics = openTopics(kafka)
let producer: Awaited<ReturnType<typeof openProducer>>

const example = (definition: EventDefinition<any>) => ({ ...(definition.examples[0] as object), namespace: name })
const say = async (definition: EventDefinition<any>, more: object, causedBy?: { id: string; correlationid: string }) => {
  const event = eventOf(
    definition,
    { ...example(definition), ...more },
    { id: uniqueName('e'), time: new Date().toISOString(), app: 'cli-test', causedBy },
  )
  await producer.send({ topic: facts.name, messages: [toKafka(event)] })
  return event
}

beforeAll(async () => {
  producer = await openProducer({ kafka, log: silent })
  await topics.ensure([
    { topic: facts.name, partitions: 1, config: facts.config },
    { topic: name, partitions: 1 },
    { topic: dlq, partitions: 1 },
  ])
  const rows = await say(rowsIngested, { ranges: [{ topic: name, partition: 0, epoch: 1, from: 0, to: 10 }] })
  const labels = await say(labelsRipened, {}, rows)
  const asked = await say(trainingRequested, {
    run: 'r-1',
    causes: [{ id: labels.id, type: labels.type, trigger: 'newLabels', at: labels.time }],
  })
  const built = await say(
    datasetBuilt,
    { run: 'r-1', dataset: 'd-1', snapshot: [{ view: 'flights', topic: name, partition: 0, epoch: 1, to: 10 }] },
    asked,
  )
  await say(versionRegistered, { run: 'r-1', version: '1' }, built)
  const headers = {
    'cascata-dlq-topic': name,
    'cascata-dlq-partition': '0',
    'cascata-dlq-offset': '4',
    'cascata-dlq-consumer': 'consumer',
    'cascata-dlq-reason': 'NOT_JSON',
    'cascata-dlq-at': new Date().toISOString(),
  }
  await producer.send({ topic: dlq, messages: [{ key: 'k', value: '{broken', headers }] })
})

afterAll(async () => {
  await producer.close()
  await topics.close()
})

const json = async (...argv: string[]) => {
  const ran = await cascata([...argv, '--json', '-n', name], { env })
  expect([ran.code, ran.err]).toEqual([0, ''])
  return JSON.parse(ran.out)
}

it('why reads the walk from the log', async () => {
  const found = await json('why', 'flight-delay/1')
  expect(found.causes).toMatchObject([
    { trigger: 'newLabels', chain: [{ type: labelsRipened.type }, { type: rowsIngested.type }] },
  ])
  expect(found.cascade).toMatchObject({
    type: trainingRequested.type,
    followed: [{ type: datasetBuilt.type, followed: [{ type: versionRegistered.type }] }],
  })
  const { out } = await cascata(['why', `${name}/flight-delay/1`], { env })
  expect(out).toMatch(/newLabels\n {2}\d{4}-.* labels\.ripened .*\n {4}\d{4}-.* rows\.ingested/)
  expect(out).toMatch(/└─ dataset\.built {2}d-1/)
  expect(await cascata(['why', `${name}/flight-delay/9`], { env })).toMatchObject({
    code: 1,
    err: expect.stringContaining('the log of facts knows no'),
  })
})

it('trace follows a row', async () => {
  expect(await json('trace', `${name}/0/4`)).toMatchObject({
    segments: [{ view: `${name}/flights` }],
    datasets: [{ dataset: 'd-1', version: '1' }],
  })
  expect(await cascata(['trace', `${name}/0/10`], { env })).toMatchObject({
    code: 1,
    err: expect.stringContaining('no view has read'),
  })
})

it('tail shows the past of one model, and goes on with what happens', async () => {
  const past = await cascata(['tail', '--model', `${name}/flight-delay`, '--last', '2', '--no-follow', '--json'], { env })
  expect(
    past.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).type),
  ).toEqual([datasetBuilt.type, versionRegistered.type])

  const stopping = new AbortController()
  let seen = ''
  const running = cascata(['tail', '--model', `${name}/flight-delay`, '--last', '0'], {
    env,
    signal: stopping.signal,
    out: (text) => void (seen += text),
  })
  await eventually(async () => {
    await say(labelsRipened, { ripe: 7, labelled: 7 })
    expect(seen).toContain('7 ripe')
  })
  stopping.abort()
  expect((await running).code).toBe(0)
})

it('dlq lists, shows and replays', async () => {
  expect(await json('dlq', 'list')).toContainEqual({ dlq, count: 1 })
  expect(await json('dlq', 'show', dlq)).toMatchObject([
    { reason: 'NOT_JSON', value: '{broken', topic: name, from: { partition: 0, offset: 4 } },
  ])
  expect((await cascata(['dlq', 'show', dlq, '--partition', '0', '--offset', '0'], { env })).out).toMatch(
    /reason +NOT_JSON[^]*\{broken/,
  )
  expect(await json('dlq', 'replay', dlq, '--all')).toMatchObject({ replayed: 1 })
  expect([...(await topics.bounds(name)).values()]).toEqual([{ low: 0, high: 1 }])
  expect(await cascata(['dlq', 'show', 'nothing.dlq'], { env })).toMatchObject({
    code: 1,
    err: expect.stringContaining('there is no topic nothing.dlq'),
  })
})

it('apply warns of a topic that would lose history', async () => {
  const registry = await service(() => [
    200,
    [{ kind: 'FeatureView', namespace: name, name: 'v', revision: 1, action: 'created' }],
  ])
  const view = `{apiVersion: cascata/v1, kind: FeatureView, metadata: {name: v}, spec: {source: {topic: ${name}}, entity: [f], eventTime: {field: at}, fields: {f: string, at: timestamp}}}`
  const ran = await cascata(['apply', '-f', '-'], { env: { ...env, REGISTRY_URL: registry.url }, stdin: view })
  await registry.close()
  expect(ran.code).toBe(0)
  expect(ran.err).toContain(`topic ${name}: retention.ms=604800000: Kafka deletes history`)
})

it('says so when no broker answers', async () => {
  const ran = await cascata(['dlq', 'list'], { env: { KAFKA_BROKERS: '127.0.0.1:1' } })
  expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('Kafka does not answer at 127.0.0.1:1') })
})
