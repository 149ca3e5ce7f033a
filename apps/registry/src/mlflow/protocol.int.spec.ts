import { request } from 'node:http'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decode, facts, versionRegistered } from '@cascata/events'
import { connectKafka, silent } from '@cascata/messaging'
import { createToken } from '@cascata/service'
import { backing, eventually, uniqueName } from '@cascata/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startForTest } from '../start-for-test.ts'

type Registry = Awaited<ReturnType<typeof startForTest>>

const api = '/api/2.0/mlflow'
const proxy = '/api/2.0/mlflow-artifacts/artifacts'
const now = 1_764_000_000_000
let registry: Registry

beforeAll(async () => {
  registry = await startForTest()
})
afterAll(() => registry?.stop())

const get = (path: string) => registry.call('GET', `${api}/${path}`)
const post = (path: string, body: object) => registry.call('POST', `${api}/${path}`, body)
const newRun = async (): Promise<string> =>
  (await post('runs/create', { experiment_id: '0', start_time: now })).body.run.info.run_id

/** A request whose path nobody tidies up on the way. */
const raw = (method: string, path: string, body = ''): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(registry.url)
    const sent = request({ hostname, port, method, path, headers: { 'content-length': Buffer.byteLength(body) } }, (answer) => {
      let text = ''
      answer.on('data', (data) => (text += data)).on('end', () => resolve({ status: answer.statusCode!, text }))
    })
    sent.on('error', reject).end(body)
  })

describe('the protocol', () => {
  it('is there under every prefix, with health and version at the root', async () => {
    for (const prefix of ['/api/2.0', '/api/3.0', '/ajax-api/2.0', '/ajax-api/3.0']) {
      expect(await registry.call('GET', `${prefix}/mlflow/experiments/get?experiment_id=0`)).toMatchObject({
        status: 200,
        body: { experiment: { experiment_id: '0', name: 'Default', lifecycle_stage: 'active' } },
      })
    }
    expect((await registry.call('GET', '/health')).text).toBe('OK')
    expect((await registry.call('GET', '/version')).text).toMatch(/^3\./)
    expect((await registry.call('GET', '/api/3.0/mlflow/server-info')).body).toMatchObject({ multipart_uploads_enabled: false })
  })

  it('says 501 for what is not supported, and its own kind of error for everything', async () => {
    expect(await post('traces', {})).toMatchObject({ status: 501, body: { error_code: 'NOT_IMPLEMENTED' } })
    expect(await registry.call('POST', '/api/2.0/mlflow-artifacts/mpu/create/a')).toMatchObject({ status: 501 })
    expect(await registry.call('POST', `${api}/runs/create`, '{')).toMatchObject({
      status: 400,
      body: { error_code: 'INVALID_PARAMETER_VALUE', message: expect.stringContaining('Content-Type') },
    })
    expect((await post('runs/create', [])).status).toBe(400)
    const json = { 'content-type': 'application/json' }
    expect(await registry.call('POST', `${api}/runs/create`, '{', json)).toMatchObject({
      status: 400,
      body: { error_code: 'BAD_REQUEST' },
    })
    const deep = `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`
    expect(await registry.call('POST', `${api}/runs/create`, deep, json)).toMatchObject({
      status: 400,
      body: { error_code: 'BAD_REQUEST' },
    })
  })

  it('asks for what is missing in the words of MLflow', async () => {
    expect((await get('runs/get')).body).toEqual({
      error_code: 'INVALID_PARAMETER_VALUE',
      message: "Missing value for required parameter 'run_id'. See the API docs for more information about request parameters.",
    })
    expect((await post('experiments/search', {})).status).toBe(400)
    expect((await post('runs/search', {})).body).toEqual({})
    expect((await get('experiments/get?experiment_id=abc')).body).toMatchObject({ error_code: 'INVALID_PARAMETER_VALUE' })
    expect((await get('experiments/get?experiment_id=999999')).body).toEqual({
      error_code: 'RESOURCE_DOES_NOT_EXIST',
      message: 'No Experiment with id=999999 exists',
    })
    expect(await post('runs/create', { experiment_id: '0', run_name: 'a\0b' })).toMatchObject({ status: 400 })
  })
})

describe('runs', () => {
  it('store a batch whole or not at all', async () => {
    const run_id = await newRun()
    await post('runs/log-parameter', { run_id, key: 'depth', value: '3' })
    const refused = await post('runs/log-batch', {
      run_id,
      metrics: [{ key: 'loss', value: 1, timestamp: now }],
      params: [
        { key: 'depth', value: '4' },
        { key: 'rate', value: '1' },
      ],
    })
    expect(refused).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('Changing param values is not allowed') },
    })
    expect((await get(`runs/get?run_id=${run_id}`)).body.run.data).toMatchObject({ params: [{ key: 'depth', value: '3' }] })
    expect((await get(`runs/get?run_uuid=${run_id}`)).body.run.data.metrics).toBeUndefined()
  })

  it('take numbers as protobuf writes them', async () => {
    const run_id = await newRun()
    const metrics = [
      { key: 'a', value: 'NaN', timestamp: String(now), step: '1' },
      { key: 'a', value: '-Infinity', timestamp: now, step: 2 },
      { key: 'a', value: '-Infinity', timestamp: now, step: 2 },
    ]
    expect((await post('runs/log-batch', { run_id, metrics })).status).toBe(200)
    expect((await get(`metrics/get-history?run_id=${run_id}&metric_key=a`)).body.metrics).toEqual([
      { key: 'a', value: 'NaN', timestamp: now, step: 1 },
      { key: 'a', value: -1.7976931348623157e308, timestamp: now, step: 2 },
    ])
    const first = await get(`metrics/get-history?run_id=${run_id}&metric_key=a&max_results=1`)
    expect(first.body.metrics).toHaveLength(1)
    const second = await get(
      `metrics/get-history?run_id=${run_id}&metric_key=a&max_results=1&page_token=${first.body.next_page_token}`,
    )
    expect(second.body).toMatchObject({ metrics: [{ step: 2 }] })
    expect((await get(`metrics/get-history?run_id=${run_id}&metric_key=a&page_token=forged`)).status).toBe(400)
  })

  it('survive many writers of the same metrics without a deadlock', async () => {
    const run_id = await newRun()
    const keys = Array.from({ length: 20 }, (_, index) => `m${index}`)
    const batch = (step: number) => ({
      run_id,
      metrics: (step % 2 ? keys : keys.toReversed()).map((key) => ({ key, value: step, timestamp: now, step })),
    })
    const answers = await Promise.all(Array.from({ length: 32 }, (_, step) => post('runs/log-batch', batch(step))))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 32 }, () => 200))
    const { metrics } = (await get(`runs/get?run_id=${run_id}`)).body.run.data
    expect(metrics.map(({ step }: { step: number }) => step)).toEqual(Array.from({ length: 20 }, () => 31))
  })

  it('of an experiment exist once, however many create it at once', async () => {
    const name = uniqueName('experiment')
    const answers = await Promise.all(Array.from({ length: 8 }, () => post('experiments/create', { name })))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.find(({ status }) => status === 400)!.body).toEqual({
      error_code: 'RESOURCE_ALREADY_EXISTS',
      message: `Experiment(name=${name}) already exists.`,
    })
  })
})

describe('artifacts', () => {
  it('can lie anywhere in the proxy, are listed and removed', async () => {
    expect((await registry.call('PUT', `${proxy}/a.txt`, 'hello')).body).toEqual({})
    expect((await registry.call('PUT', `${proxy}/page.html`, '<script>alert(1)</script>')).status).toBe(200)
    const page = await registry.call('GET', `${proxy}/page.html`)
    expect(page.headers.get('content-disposition')).toMatch(/^attachment/)
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
    expect((await registry.call('GET', proxy)).body.files).toContainEqual({ path: 'a.txt', is_dir: false, file_size: 5 })
    expect((await registry.call('GET', `${proxy}?path=a.txt`)).body).toEqual({})
    expect((await registry.call('GET', `${proxy}?path=nowhere`)).body).toEqual({})
    expect((await registry.call('DELETE', `${proxy}/a.txt`)).body).toEqual({})
    expect((await registry.call('DELETE', `${proxy}/a.txt`)).body).toEqual({})
    expect((await registry.call('GET', `${proxy}/a.txt`)).status).toBe(404)
    expect((await registry.call('PUT', `${proxy}/empty`)).status).toBe(200)
  })

  it.each([
    ['../../../../etc/passwd'],
    ['..%2f..%2fetc%2fpasswd'],
    ['%2e%2e/%2e%2e/etc/passwd'],
    ['%252e%252e%252fetc%252fpasswd'],
    ['a/..%5c..%5cetc'],
    ['a%00b'],
    ['%2fetc%2fpasswd'],
    ['file:%2f%2f%2fetc%2fpasswd'],
  ])('never leave their place: %s', async (path) => {
    for (const method of ['PUT', 'GET', 'DELETE']) {
      const { status, text } = await raw(method, `${proxy}/${path}`, method === 'PUT' ? 'x' : '')
      expect([400, 404, 405, 501]).toContain(status)
      expect(text).not.toContain('root:')
    }
    const run_id = await newRun()
    expect((await get(`artifacts/list?run_id=${run_id}&path=${encodeURIComponent('../..')}`)).status).toBe(400)
    expect((await registry.call('GET', `/get-artifact?run_id=${run_id}&path=${encodeURIComponent('../../x')}`)).status).toBe(400)
  })
})

describe('registered models', () => {
  const namespace = uniqueName('ns').replaceAll('_', '-')
  const name = `${namespace}.flight-delay`

  it.each([
    ['file:///etc/passwd'],
    ['/etc/passwd'],
    ['http://169.254.169.254/latest'],
    ['s3://bucket/model'],
    ['mlflow-artifacts://other-host/0/x/artifacts'],
    ['mlflow-artifacts:/0/other/artifacts/model'],
    ['runs:/other/model'],
    ['models:/m-00000000000000000000000000000000'],
    ['mlflow-artifacts:/0/../../etc'],
  ])('take no source but their own artifacts: %s', async (source) => {
    await post('registered-models/create', { name: 'hostile' })
    const { status, body } = await post('model-versions/create', { name: 'hostile', source, run_id: await newRun() })
    expect([400, 404]).toContain(status)
    expect(body).toMatchObject({ error_code: expect.any(String) })
    expect((await get(`model-versions/search?filter=${encodeURIComponent("name = 'hostile'")}`)).body).toEqual({})
  })

  it('under the name of a Model are said to the platform, with their ONNX file', async () => {
    const kafka = connectKafka({ brokers: [backing().kafka], clientId: namespace }, silent)
    const reader = kafka.consumer({ groupId: namespace })
    const heard: unknown[] = []
    const joined = new Promise((resolve) => reader.on(reader.events.GROUP_JOIN, resolve))
    await reader.connect()
    await reader.subscribe({ topics: [facts.name] })
    await reader.run({
      eachMessage: async ({ message }) => {
        const event = decode(message)
        if (event.namespace === namespace && event.type === versionRegistered.type) heard.push(event.data)
      },
    })
    await joined

    const documents = `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: flights, namespace: ${namespace}}
spec: {source: {topic: flights}, entity: [flight], eventTime: {field: at}, fields: {flight: string, at: timestamp, late: {type: bool, nullable: true}, km: double}}
---
apiVersion: cascata/v1
kind: Model
metadata: {name: flight-delay, namespace: ${namespace}}
spec: {task: binary, observations: {view: flights}, label: {field: "flights:late", within: 1h}, features: ["flights:km"]}
`
    expect((await registry.call('PUT', '/v1/resources', documents)).status).toBe(200)
    const run_id = await newRun()
    await registry.call('PUT', `${proxy}/0/${run_id}/artifacts/model/model.onnx`, 'onnx')
    expect((await post('registered-models/create', { name })).status).toBe(200)
    expect((await post('registered-models/create', { name })).body).toEqual({
      error_code: 'RESOURCE_ALREADY_EXISTS',
      message: `Registered Model (name=${name}) already exists.`,
    })
    const created = await post('model-versions/create', { name, source: `runs:/${run_id}/model`, run_id })
    expect(created.body.model_version).toMatchObject({ name, version: '1', status: 'READY', current_stage: 'None', run_id })
    const kept = await registry.call('GET', `/v1/versions/${namespace}/flight-delay/1`)
    expect(kept.body).toMatchObject({ origin: 'client', state: 'registered', run: run_id })
    expect((await registry.call('GET', `/v1/blobs/${kept.body.modelSha256}`)).text).toBe('onnx')
    await eventually(() =>
      expect(heard).toMatchObject([{ version: '1', origin: 'client', modelSha256: kept.body.modelSha256, revision: 1 }]),
    )
    expect((await get(`model-versions/get-download-uri?name=${name}&version=1`)).body).toEqual({
      artifact_uri: `runs:/${run_id}/model`,
    })
    await reader.disconnect()
  })
})

describe('with login', () => {
  let locked: Registry
  const tokens: Record<string, string> = {}

  beforeAll(async () => {
    const file = join(registry.home, 'tokens.json')
    const entries = [
      createToken({ name: 'reader', role: 'viewer' }),
      createToken({ name: 'trainer', role: 'trainer' }),
      createToken({ name: 'foreigner', role: 'admin', namespaces: ['elsewhere'] }),
    ]
    for (const { token, entry } of entries) tokens[entry.name] = token
    mkdirSync(registry.home, { recursive: true })
    writeFileSync(file, JSON.stringify({ tokens: entries.map(({ entry }) => entry) }))
    locked = await startForTest({ CASCATA_TOKENS_FILE: file })
  })
  afterAll(() => locked?.stop())

  const as = (who: string, method: string, path: string, body?: object) =>
    locked.call(method, path, body, who === '' ? {} : { authorization: `Bearer ${tokens[who]}` })

  it('lets in who may, and says why not in the words of the protocol', async () => {
    expect(await as('', 'GET', `${api}/experiments/get?experiment_id=0`)).toMatchObject({
      status: 401,
      body: { error_code: 'UNAUTHENTICATED' },
    })
    expect((await as('reader', 'GET', `${api}/experiments/get?experiment_id=0`)).status).toBe(200)
    expect(await as('reader', 'POST', `${api}/experiments/create`, { name: 'x' })).toMatchObject({
      status: 403,
      body: { error_code: 'PERMISSION_DENIED' },
    })
    expect((await as('trainer', 'POST', `${api}/experiments/create`, { name: 'x' })).status).toBe(200)
    expect((await as('trainer', 'PUT', '/v1/resources')).status).toBe(403)
  })

  it('keeps namespaces apart', async () => {
    expect((await as('foreigner', 'GET', `${api}/experiments/get?experiment_id=0`)).status).toBe(403)
    expect((await as('foreigner', 'POST', `${api}/registered-models/create`, { name: 'mine' })).status).toBe(403)
    expect((await as('foreigner', 'POST', `${api}/registered-models/create`, { name: 'elsewhere.mine' })).status).toBe(200)
    expect((await as('foreigner', 'POST', `${api}/experiments/create`, { name: 'mine' })).status).toBe(403)
    expect((await as('foreigner', 'POST', `${api}/experiments/create`, { name: 'elsewhere/mine' })).status).toBe(200)
    expect((await as('foreigner', 'POST', `${api}/experiments/search`, { max_results: 10 })).body.experiments).toMatchObject([
      { name: 'elsewhere/mine' },
    ])
    expect((await as('foreigner', 'PUT', `${proxy}/0/x/artifacts/a`)).status).toBe(403)
    expect((await as('foreigner', 'GET', '/v1/versions/default/flight-delay')).status).toBe(403)
  })

  it('has a role for every route but these', async () => {
    const { paths } = (await as('reader', 'GET', '/openapi.json')).body as {
      paths: Record<string, Record<string, { 'x-permission': string }>>
    }
    const open = Object.entries(paths).filter(([, methods]) =>
      Object.values(methods).some((each) => each['x-permission'] === 'public'),
    )
    expect(open.map(([path]) => path).sort()).toEqual(['/health', '/healthz', '/readyz', '/version'])
  })
})
