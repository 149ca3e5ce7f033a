import { createHash, randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import {
  type CloudEvent,
  decode,
  facts,
  resourceApplied,
  resourceDeleted,
  specs,
  trainingRequested,
  versionApproved,
  versionRegistered,
} from '@cascata/events'
import { connectKafka, fact, openDatabase, openProducer, type Producer, silent, toRecord } from '@cascata/messaging'
import { backing, eventually, uniqueName } from '@cascata/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startForTest } from './start-for-test.ts'

const ns = uniqueName('ns').replaceAll('_', '-')
const flights = `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: flights, namespace: ${ns}}
spec:
  source: {topic: flights}
  entity: [flight]
  eventTime: {field: publishedAt}
  fields: {flight: string, publishedAt: timestamp, departsAt: timestamp, carrier: string, delayed: {type: bool, nullable: true}}
`
const model = `
apiVersion: cascata/v1
kind: Model
metadata: {name: flight-delay, namespace: ${ns}}
spec:
  task: binary
  observations: {view: flights, at: departsAt, lead: 2h}
  label: {field: "flights:delayed", within: 36h}
  features: ["flights:carrier"]
`

let registry: Awaited<ReturnType<typeof startForTest>>
let producer: Producer
const said = new Map<string, CloudEvent[]>()
const stops: (() => Promise<unknown>)[] = []
const yaml = { 'content-type': 'application/yaml' }
const eventsOf = (type: string) => (said.get(type) ?? []).filter(({ namespace }) => namespace === ns)

beforeAll(async () => {
  registry = await startForTest()
  const kafka = connectKafka({ brokers: [backing().kafka], clientId: ns }, silent)
  producer = await openProducer({ kafka, log: silent })
  const reader = kafka.consumer({ groupId: ns })
  const joined = new Promise((resolve) => reader.on(reader.events.GROUP_JOIN, resolve))
  await reader.connect()
  await reader.subscribe({ topics: [specs.name, facts.name] })
  await reader.run({
    eachMessage: async ({ message }) => {
      const event = decode(message)
      said.set(event.type, [...(said.get(event.type) ?? []), event])
    },
  })
  await joined
  stops.push(
    () => reader.disconnect(),
    () => producer.close(),
  )
})
afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()))
  await registry?.stop()
})

describe('resources', () => {
  it('are planned without being applied', async () => {
    const { status, body } = await registry.call('POST', '/v1/plan', `${flights}---${model}`, yaml)
    expect(status).toBe(200)
    const created = { action: 'created', applied: null }
    expect(body).toMatchObject({ changed: true, errors: [], documents: [created, created], unnamed: [] })
    expect((await registry.call('GET', '/v1/resources')).body).toEqual([])
  })

  it('are applied all or nothing, once, and said on cascata.specs', async () => {
    const refused = await registry.call('PUT', '/v1/resources', `${flights}---${model.replace('carrier', 'carier')}`, yaml)
    expect(refused).toMatchObject({ status: 400, body: { code: 'REG_RESOURCES_INVALID' } })
    expect(refused.body.details.errors[0]).toMatchObject({ file: 'resources.yaml', line: 18, field: 'spec.features[0]' })
    expect((await registry.call('GET', '/v1/resources')).body).toEqual([])

    const applied = await registry.call('PUT', '/v1/resources?commit=abc123', `${model}---${flights}`, yaml)
    expect(applied.body).toEqual([
      { kind: 'Model', namespace: ns, name: 'flight-delay', revision: 1, action: 'created' },
      { kind: 'FeatureView', namespace: ns, name: 'flights', revision: 1, action: 'created' },
    ])
    const again = await registry.call('PUT', '/v1/resources', `${model}---${flights}`)
    expect(again.body.map(({ action }: { action: string }) => action)).toEqual(['unchanged', 'unchanged'])
    await eventually(() => expect(eventsOf(resourceApplied.type)).toHaveLength(2))
    expect(eventsOf(resourceApplied.type).map(({ data }) => data)).toMatchObject([
      { kind: 'FeatureView', name: 'flights', generation: 1, commit: 'abc123', spec: { ttl: 30 * 86_400_000 } },
      { kind: 'Model', name: 'flight-delay', generation: 1, spec: { task: 'binary', rollout: { unit: ['flight'] } } },
    ])
  })

  it('can be read with their revisions', async () => {
    const changed = await registry.call('PUT', '/v1/resources', flights.replace('spec:', 'spec:\n  ttl: 5d'), {
      ...yaml,
      'cascata-commit': 'def456',
    })
    expect(changed.body).toMatchObject([{ revision: 2, action: 'changed' }])
    const one = await registry.call('GET', `/v1/resources/FeatureView/${ns}/flights`)
    expect(one.body).toMatchObject({
      revision: 2,
      commit: 'def456',
      appliedBy: 'local',
      metadata: { name: 'flights' },
      spec: { ttl: 5 * 86_400_000 },
    })
    const all = await registry.call('GET', `/v1/resources/view/${ns}/flights/revisions`)
    expect(all.body.map(({ revision, commit }: Record<string, unknown>) => [revision, commit])).toEqual([
      [2, 'def456'],
      [1, 'abc123'],
    ])
    expect((await registry.call('GET', `/v1/resources?kind=model&namespace=${ns}`)).body).toHaveLength(1)
    expect(await registry.call('GET', `/v1/resources/Model/${ns}/nothing`)).toMatchObject({
      status: 404,
      body: { code: 'REG_RESOURCE_NOT_FOUND' },
    })
    expect(await registry.call('GET', `/v1/resources/Toaster/${ns}/nothing`)).toMatchObject({
      status: 404,
      body: { code: 'REG_KIND_UNKNOWN' },
    })
  })

  it.each([
    ['no YAML', 'a: [', 400],
    ['something else', '[1, 2, 3]', 400],
    [
      'exploding anchors',
      `a: &a [x,x]\n${'bcdefghij'
        .split('')
        .map((name, index) => `${name}: &${name} [${`*${'abcdefghij'[index]},`.repeat(9)}]`)
        .join('\n')}`,
      400,
    ],
    ['5 MB', `# ${'x'.repeat(5_000_000)}`, 413],
  ])('are refused when they are %s', async (_, text, status) => {
    const answer = await registry.call('PUT', '/v1/resources', text, yaml)
    expect(answer.status).toBe(status)
    expect(answer.body).toMatchObject({ code: expect.any(String), hint: expect.any(String) })
  })
})

describe('blobs', () => {
  it('are named by what is in them, and leave nothing half written', async () => {
    const content = randomBytes(3_000_000)
    const sha256 = createHash('sha256').update(content).digest('hex')
    expect((await registry.call('PUT', '/v1/blobs', content)).body).toEqual({ sha256, size: content.length })
    expect((await registry.call('PUT', '/v1/blobs', content)).body).toEqual({ sha256, size: content.length })
    const answer = await fetch(`${registry.url}/v1/blobs/${sha256}`)
    expect(Buffer.from(await answer.arrayBuffer()).equals(content)).toBe(true)
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    for (const name of ['0'.repeat(64), '..%2f..%2fetc%2fpasswd', 'x']) {
      expect(await registry.call('GET', `/v1/blobs/${name}`)).toMatchObject({ status: 404 })
    }
    expect(readdirSync(join(registry.settings.data, 'incoming'))).toEqual([])
  })

  it('survive nothing of an upload that is broken off', async () => {
    const incoming = join(registry.settings.data, 'incoming')
    const upload = request(`${registry.url}/v1/blobs`, { method: 'PUT', headers: { 'content-length': 1_000_000 } })
    upload.on('error', () => undefined)
    upload.write(randomBytes(100_000))
    await eventually(() => expect(readdirSync(incoming)).toHaveLength(1))
    upload.destroy()
    await eventually(() => expect(readdirSync(join(registry.settings.data, 'incoming'))).toEqual([]))
  })
})

describe('versions', () => {
  const run = uniqueName('r')
  const asked = fact(trainingRequested, { ...trainingRequested.examples[0]!, namespace: ns, run }, { id: uniqueName('e') })
  const register = async (more: object = {}, headers: Record<string, string> = {}) => {
    const { sha256 } = (await registry.call('PUT', '/v1/blobs', 'a model')).body
    const version = { namespace: ns, model: 'flight-delay', run, modelSha256: sha256, revision: 1, ...more }
    return registry.call('POST', '/v1/versions', version, headers)
  }

  it('are registered once a run, in the cascade that asked for it', async () => {
    await producer.send({ topic: facts.name, messages: [toRecord(asked, 'dispatcher')] })
    await eventually(async () => expect((await registry.call('GET', `/v1/lineage/runs/${run}`)).status).toBe(200))
    const first = await register({ cutoff: '2001-01-14T00:00:00.000Z' })
    expect(first).toMatchObject({ status: 200, body: { version: '1', state: 'registered', origin: 'platform' } })
    expect((await register()).body).toEqual(first.body)
    const cause = { 'cascata-correlation-id': 'cascade-2', 'cascata-causation-id': 'succeeded-2' }
    expect((await register({ run: `${run}-2` }, cause)).body).toMatchObject({ version: '2' })
    expect((await registry.call('GET', `/v1/versions/${ns}/flight-delay`)).body).toHaveLength(2)
    await eventually(() => expect(eventsOf(versionRegistered.type)).toHaveLength(2))
    expect(eventsOf(versionRegistered.type)).toMatchObject([
      { correlationid: asked.options.id, data: { version: '1', run } },
      { correlationid: 'cascade-2', causationid: 'succeeded-2', data: { version: '2' } },
    ])
  })

  it('refuse what was never uploaded', async () => {
    expect(await register({ run: `${run}-3`, goldenSha256: 'f'.repeat(64) })).toMatchObject({
      status: 422,
      body: { code: 'REG_BLOB_MISSING' },
    })
    expect(await register({ modelSha256: 'no hash' })).toMatchObject({ status: 400, body: { code: 'HTTP_REQUEST_INVALID' } })
    expect(await registry.call('GET', `/v1/versions/${ns}/flight-delay/99`)).toMatchObject({ status: 404 })
    expect(await registry.call('GET', `/v1/versions/${ns}/flight-delay/1e3`)).toMatchObject({ status: 404 })
  })

  it('take a verdict of a person, and say it once', async () => {
    const path = `/v1/versions/${ns}/flight-delay/2/verdict`
    const verdict = { verdict: 'approved', by: 'ada', why: 'looks right' }
    expect((await registry.call('POST', path, verdict)).body).toMatchObject({ state: 'approved', verdict: { by: 'ada' } })
    expect((await registry.call('POST', path, verdict)).status).toBe(200)
    await eventually(() => expect(eventsOf(versionApproved.type)).toHaveLength(1))
    const registered = eventsOf(versionRegistered.type).at(-1)!
    expect(eventsOf(versionApproved.type)[0]).toMatchObject({ correlationid: 'cascade-2', causationid: registered.id })
    const { body } = await registry.call('GET', `/v1/audit?namespace=${ns}&subject=${ns}/flight-delay/2`)
    expect(body.map(({ action }: { action: string }) => action)).toEqual(['version.approved', 'version.registered'])
  })

  it('take the verdict of the gates', async () => {
    const approval = { ...versionApproved.examples[0]!, namespace: ns, version: '1', run, evidence: 'e'.repeat(64) }
    await producer.send({ topic: facts.name, messages: [toRecord(fact(versionApproved, approval), 'dispatcher')] })
    await eventually(async () => {
      const { body } = await registry.call('GET', `/v1/lineage/versions/${ns}/flight-delay/1`)
      expect(body).toMatchObject({
        version: { state: 'approved', evidenceSha256: 'e'.repeat(64), verdict: { by: 'gates' } },
        run: { run, correlationId: asked.options.id, causes: [{ trigger: 'newLabels' }, { trigger: 'drift' }] },
      })
    })
  })
})

describe('deleting', () => {
  it('waits for the models that read a view, then is said', async () => {
    expect(await registry.call('DELETE', `/v1/resources/FeatureView/${ns}/flights`)).toMatchObject({
      status: 409,
      body: { code: 'REG_VIEW_IN_USE' },
    })
    expect(await registry.call('DELETE', `/v1/resources/Model/${ns}/flight-delay`)).toMatchObject({ status: 200 })
    expect(await registry.call('DELETE', `/v1/resources/FeatureView/${ns}/flights`)).toMatchObject({ status: 200 })
    await eventually(() => expect(eventsOf(resourceDeleted.type)).toHaveLength(2))
    expect(await registry.call('GET', `/v1/resources/Model/${ns}/flight-delay`)).toMatchObject({ status: 404 })
    expect((await registry.call('PUT', '/v1/resources', flights, yaml)).body).toMatchObject([{ action: 'created', revision: 4 }])
  })
})

describe('two replicas', () => {
  let other: Awaited<ReturnType<typeof startForTest>>
  beforeAll(async () => {
    other = await startForTest({ REGISTRY_DATABASE_SCHEMA: registry.settings.schema, CASCATA_HOME: registry.home })
  })
  afterAll(() => other?.end())

  it('apply one after the other, each once', async () => {
    const view = (name: string) => flights.replace('name: flights', `name: ${name}`)
    const both = await Promise.all(
      [registry, other].flatMap(({ call }) => [
        call('PUT', '/v1/resources', view('twice')),
        call('PUT', '/v1/resources', view('again')),
      ]),
    )
    const actions = both.map(({ body }) => body[0].action)
    expect(actions.filter((action) => action === 'created')).toHaveLength(2)
    expect(actions.filter((action) => action === 'unchanged')).toHaveLength(2)
  })

  it('count the versions of a model without a gap', async () => {
    const { sha256 } = (await registry.call('PUT', '/v1/blobs', 'a model')).body
    const body = (run: number) => ({ namespace: ns, model: 'counted', run: `r${run}`, modelSha256: sha256, revision: 1 })
    const runs = Array.from({ length: 12 }, (_, index) => index % 6)
    const answers = await Promise.all(
      runs.map((run, index) => (index % 2 ? registry : other).call('POST', '/v1/versions', body(run))),
    )
    const versions = answers.map(({ body: { run, version } }) => `${run}=${version}`)
    expect(new Set(versions).size).toBe(6)
    expect(new Set(answers.map(({ body: { version } }) => version))).toEqual(new Set(['1', '2', '3', '4', '5', '6']))
  })
})

describe('after a restart', () => {
  it('what the topic lacks is said again', async () => {
    const db = await openDatabase({ url: backing().postgres, schema: registry.settings.schema, log: silent, poolSize: 1 })
    await db.query(`update resource set generation = 50, revision = 50 where namespace = $1 and name = 'twice'`, [ns])
    await db.close()
    const again = await startForTest({ REGISTRY_DATABASE_SCHEMA: `${registry.settings.schema}`, CASCATA_HOME: registry.home })
    await registry.end()
    await eventually(() =>
      expect(eventsOf(resourceApplied.type).map(({ data }) => data)).toContainEqual(
        expect.objectContaining({ name: 'twice', generation: 50 }),
      ),
    )
    await again.end()
    registry = await startForTest({ REGISTRY_DATABASE_SCHEMA: registry.settings.schema, CASCATA_HOME: registry.home })
  })
})

describe('the service', () => {
  it('says in its first scrape what it keeps', async () => {
    await registry.call('PUT', '/v1/resources', 'no: resource', yaml)
    const { text } = await registry.call('GET', '/metrics')
    expect(text).toMatch(/cascata_registry_resources\{kind="FeatureView",app="registry"\} [1-9]/)
    expect(text).toMatch(/cascata_registry_versions\{state="approved",app="registry"\} 2/)
    expect(text).toMatch(/cascata_registry_blobs\{app="registry"\} [1-9]/)
    expect(text).toMatch(/cascata_registry_applies_total\{outcome="REG_RESOURCES_INVALID",app="registry"\} [1-9]/)
  })

  it('is ready, and lists its routes', async () => {
    expect((await registry.call('GET', '/readyz')).status).toBe(200)
    expect(Object.keys((await registry.call('GET', '/openapi.json')).body.paths)).toContain('/v1/resources')
  })
})
