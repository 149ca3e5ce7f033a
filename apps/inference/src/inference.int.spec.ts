import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRegistry } from '@cascata/service'
import { eventually, startPrivateKafka, testHome, uniqueName, type PrivateService } from '@cascata/testing'
import { config, type InferenceConfig } from './config.ts'
import { allocatingModel, doublingModel, logisticModel } from './models/test-models.ts'
import { start } from './start.ts'
import { platform, standInFeatureStore, standInRegistry } from './test-platform.ts'

const resources = (model: string, more = '') => `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: flights}
spec:
  source: {topic: flights}
  entity: [flight]
  eventTime: {field: publishedAt}
  fields: {flight: string, publishedAt: timestamp, departsAt: timestamp, origin: string, destination: string, distanceKm: double}
---
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: route-delays}
spec:
  source: {topic: route-delays}
  entity: [origin, destination]
  eventTime: {field: landedAt}
  fields: {origin: string, destination: string, landedAt: timestamp, delayMin: {type: double, nullable: true}}
---
apiVersion: cascata/v1
kind: Model
metadata: {name: ${model}}
spec:
  task: binary
  observations: {view: flights, at: departsAt, lead: 2h}
  label: {field: "outcomes:delayed", within: 36h}
  features: ["flights:distanceKm", "route-delays:delayMin"]
  request: {gateChanges: {type: int, history: "flights:distanceKm"}}
  rollout: {unit: [flight]}
${more}`

const columns = (...names: string[]) => ({
  inputs: names.map((name) => ({ name, type: 'double', nullable: true })),
  outputs: [],
  classes: [0, 1],
})
const byDistance = {
  model: logisticModel({ flights__distanceKm: 0.001, 'route-delays__delayMin': 0.1 }),
  signature: columns('flights__distanceKm', 'route-delays__delayMin'),
}
/** Of another bias, so that its answers tell it apart. */
const shifted = { ...byDistance, model: logisticModel({ flights__distanceKm: 0.001, 'route-delays__delayMin': 0.1 }, 1) }
/** Needs a request value that callers may not send. */
const needy = {
  model: logisticModel({ flights__distanceKm: 0.001, gateChanges: 1 }),
  signature: columns('flights__distanceKm', 'gateChanges'),
  inputs: {
    schema: [
      { name: 'flights__distanceKm', nullable: false },
      { name: 'gateChanges', nullable: false },
    ],
  },
}
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

describe('inference', () => {
  let kafka: PrivateService
  let registry: Awaited<ReturnType<typeof standInRegistry>>
  let store: Awaited<ReturnType<typeof standInFeatureStore>>
  let others: Awaited<ReturnType<typeof platform>>
  let service: Awaited<ReturnType<typeof start>>
  let settings: InferenceConfig

  const post = async (path: string, body: unknown, headers: Record<string, string> = { 'content-type': 'application/json' }) => {
    const payload = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
    const answer = await fetch(`${service.url}${path}`, { method: 'POST', body: payload as never, headers })
    return { status: answer.status, body: (await answer.json()) as any }
  }
  const get = async (path: string) => {
    const answer = await fetch(`${service.url}${path}`)
    return { status: answer.status, body: (await answer.json()) as any }
  }
  const predict = (model: string, body: object, query = '') => post(`/v1/models/${model}/predict${query}`, body)
  const serving = async (model: string, generation: number) => {
    await eventually(async () => {
      const metrics = await (await fetch(`${service.url}/metrics`)).text()
      expect(metrics).toMatch(new RegExp(`cascata_inference_route_generation\\{model="default/${model}".*\\} ${generation}\\n`))
    })
  }
  const configOf = (home: string, more: Record<string, string> = {}) =>
    config.parse({
      CASCATA_HOME: home,
      INFERENCE_PORT: '0',
      KAFKA_BROKERS: kafka.url,
      REGISTRY_URL: registry.url,
      FEATURE_STORE_URL: store.url,
      CASCATA_LOG_LEVEL: 'silent',
      INFERENCE_INLINE_LOAD: '1s',
      INFERENCE_INLINE_RUN: '50ms',
      ...more,
    })

  beforeAll(async () => {
    kafka = await startPrivateKafka()
    registry = await standInRegistry()
    store = await standInFeatureStore({ flights: ['flight'], 'route-delays': ['origin', 'destination'] })
    others = await platform(kafka.url)
    store.put('flights', { flight: 'F1', origin: 'ATL', destination: 'JFK', distanceKm: 1200 })
    store.put('flights', { flight: 'F2', origin: 'ATL', destination: 'LAX', distanceKm: 3000 })
    store.put('route-delays', { origin: 'ATL', destination: 'JFK', delayMin: 5 })
    settings = configOf(testHome() + '/' + uniqueName('inference'))
    service = await start(settings)
    await eventually(async () => expect((await get('/readyz')).status).toBe(200))
  })
  afterAll(async () => {
    await service.stop()
    await others.close()
    await Promise.all([registry.close(), store.close()])
    await kafka.stop()
  })

  it('serves a version as soon as its route says so, by tensors', async () => {
    registry.register('default/doubles/1', { model: doublingModel(2) })
    expect((await get('/v2/models/doubles')).status).toBe(404)
    const { generation } = await others.route({ model: 'doubles', champion: '1' })
    await serving('doubles', generation)
    const answer = await post('/v2/models/doubles/infer', {
      id: 'a',
      inputs: [
        {
          name: 'x',
          datatype: 'FP32',
          shape: [2, 2],
          data: [
            [1, 2],
            [3, 4],
          ],
        },
      ],
    })
    expect(answer).toEqual({
      status: 200,
      body: {
        model_name: 'doubles',
        model_version: '1',
        id: 'a',
        outputs: [{ name: 'y', shape: [2, 2], datatype: 'FP32', data: [2, 4, 6, 8] }],
      },
    })
    expect((await get('/v2/models/doubles')).body).toEqual({
      name: 'doubles',
      versions: ['1'],
      platform: 'onnx_onnxv1',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
    })
    expect((await get('/v2/models/doubles/versions/1/ready')).status).toBe(200)
    expect((await get('/v2/models/doubles/versions/2/ready')).status).toBe(404)
    expect((await post('/v2/repository/index', {})).body).toContainEqual(
      expect.objectContaining({ name: 'doubles', version: '1', state: 'READY' }),
    )
    await eventually(() =>
      expect(others.facts('cascata.version.loaded.v1', 'doubles')).toMatchObject([
        { version: '1', generation, replica: 'inference-1' },
      ]),
    )
    await eventually(() => expect(others.predictions('doubles')).toHaveLength(2))
    expect(others.predictions('doubles').find(({ id }: any) => id === 'a/1')).toMatchObject({
      id: 'a/1',
      unit: 'a',
      role: 'champion',
      propensity: 1,
      features: { 'x[0]': 3, 'x[1]': 4 },
      output: [6, 8],
    })
  })

  it('takes binary tensors, compressed bodies and bodies read aside', async () => {
    const floats = Buffer.from(Float32Array.of(1, 2).buffer)
    const json = Buffer.from(
      JSON.stringify({
        inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], parameters: { binary_data_size: 8 } }],
        outputs: [{ name: 'y', parameters: { binary_data: true } }],
      }),
    )
    const answer = await fetch(`${service.url}/v2/models/doubles/infer`, {
      method: 'POST',
      body: Buffer.concat([json, floats]),
      headers: { 'inference-header-content-length': String(json.length) },
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    const length = Number(answer.headers.get('inference-header-content-length'))
    expect([bytes.readFloatLE(length), bytes.readFloatLE(length + 4)]).toEqual([2, 4])

    const { gzipSync } = await import('node:zlib')
    const plain = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }] })
    expect(
      (await post('/v2/models/doubles/infer', gzipSync(plain), { 'content-encoding': 'gzip' })).body.outputs[0].data,
    ).toEqual([2, 4])

    const rows = 100_000
    const large = await post('/v2/models/doubles/infer', {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [rows, 2], data: Array.from({ length: rows * 2 }, (_, at) => at) }],
    })
    expect(large.body.outputs[0].data[199_999]).toBe(399_998)
  })

  it('predicts by entity, with keys that the observation row gives', async () => {
    await others.apply(resources('late'))
    registry.register('default/late/1', byDistance)
    const { generation } = await others.route({ model: 'late', champion: '1' })
    await serving('late', generation)
    const answer = await eventually(async () => {
      const found = await predict(
        'late',
        { entities: { flight: ['F1', 'F2', 'F9'] }, request: { gateChanges: [0, 1, 2] }, ids: ['a', 'b', 'c'] },
        '?explain=features',
      )
      expect(found.status).toBe(200)
      return found
    })
    const [first, second, third] = answer.body.predictions
    expect(first).toEqual({
      id: 'a',
      version: '1',
      prediction: 1,
      probability: expect.closeTo(sigmoid(1.7), 5),
      features: { flights__distanceKm: 1200, 'route-delays__delayMin': 5 },
    })
    expect(second).toMatchObject({ id: 'b', missing: ['route-delays__delayMin'], features: { 'route-delays__delayMin': null } })
    expect(third).toMatchObject({ id: 'c', missing: ['flights__distanceKm', 'route-delays__delayMin'], probability: 0.5 })
    await eventually(() => expect(others.predictions('late')).toHaveLength(3))
    expect(others.predictions('late').find(({ id }: any) => id === 'a')).toMatchObject({
      id: 'a',
      unit: 'F1',
      entities: { flight: 'F1' },
      features: { flights__distanceKm: 1200, 'route-delays__delayMin': 5 },
      output: 1,
      role: 'champion',
      propensity: 1,
    })
  })

  it('takes a key that comes with the call before that of the observation row', async () => {
    const answer = await predict('late', { entities: { flight: ['F2'], origin: ['ATL'], destination: ['JFK'] } })
    expect(answer.body.predictions[0]).toMatchObject({ probability: expect.closeTo(sigmoid(3.5), 5) })
    expect(answer.body.predictions[0].missing).toBeUndefined()
  })

  it.each<[string, unknown, number, string]>([
    ['text', 'hello', 400, 'INF_NOT_JSON'],
    ['a list', [], 422, 'INF_INVALID_ENTITIES'],
    ['no rows', { entities: { flight: [] } }, 422, 'INF_INVALID_ENTITIES'],
    ['uneven lists', { entities: { flight: ['a'] }, request: { gateChanges: [1, 2] } }, 422, 'INF_INVALID_ENTITIES'],
    ['a null key', { entities: { flight: [null] } }, 422, 'INF_INVALID_ENTITIES'],
    ['no key', { entities: { other: ['x'] } }, 422, 'INF_INVALID_ENTITIES'],
    ['ids of another length', { entities: { flight: ['F1'] }, ids: [] }, 422, 'INF_INVALID_ENTITIES'],
    ['too many rows', { entities: { flight: Array(10_001).fill('F1') } }, 422, 'INF_INVALID_ENTITIES'],
  ])('refuses a prediction of %s', async (_name, body, status, code) => {
    expect(await predict('late', body as object)).toMatchObject({ status, body: { code, hint: expect.any(String) } })
  })

  it('takes the caller’s clock only where the Model says so', async () => {
    const ask = (model: string, at: string) =>
      post(
        `/v1/models/${model}/predict`,
        { entities: { flight: ['F1'] } },
        { 'content-type': 'application/json', 'cascata-at': at },
      )
    expect(await ask('late', '2001-01-01T00:00:00Z')).toMatchObject({ status: 422, body: { code: 'INF_CLOCK_IS_WALL' } })
    await others.apply(resources('replayed', '  clock: caller\n'))
    registry.register('default/replayed/1', byDistance)
    await serving('replayed', (await others.route({ model: 'replayed', champion: '1' })).generation)
    await eventually(async () => expect((await ask('replayed', '2001-01-01T00:00:00Z')).status).toBe(200))
    await eventually(() => expect(others.predictions('replayed')[0]).toMatchObject({ at: '2001-01-01T00:00:00.000Z' }))
    expect(await ask('replayed', 'yesterday')).toMatchObject({ status: 422, body: { code: 'INF_CLOCK_INVALID' } })
    expect(await ask('replayed', '2999-01-01T00:00:00Z')).toMatchObject({ status: 422, body: { code: 'INF_CLOCK_INVALID' } })
  })

  it('answers by the version beside when the candidate cannot, and counts it as the candidate’s error', async () => {
    await others.apply(resources('canary'))
    registry.register('default/canary/1', byDistance)
    registry.register('default/canary/2', needy)
    const split = [
      { version: '2', from: 0, to: 5_000 },
      { version: '1', from: 5_000, to: 10_000 },
    ]
    await serving(
      'canary',
      (await others.route({ model: 'canary', champion: '1', candidate: '2', split, rollout: 'ro-1', step: 2 })).generation,
    )
    const flights = Array.from({ length: 40 }, (_, at) => `X${at}`)
    const answer = await eventually(async () => {
      const found = await predict('canary', { entities: { flight: flights } })
      expect(found.status).toBe(200)
      return found
    })
    expect(answer.body.predictions.every(({ version }: any) => version === '1')).toBe(true)
    await eventually(() => expect(others.predictions('canary')).toHaveLength(80))
    const log = others.predictions('canary')
    const of = (role: string) => log.filter((each: any) => each.role === role)
    expect(of('candidate').length).toBeGreaterThan(8)
    expect(
      of('candidate').every(
        (each: any) => each.error === 'INF_REQUEST_VALUE_MISSING' && each.output === null && each.propensity === 0.5,
      ),
    ).toBe(true)
    expect(of('fallback')).toHaveLength(of('candidate').length)
    expect(of('champion').length + of('fallback').length).toBe(40)
    expect(of('shadow')).toHaveLength(of('champion').length)
    expect(of('shadow')[0]).toMatchObject({ version: '2', error: 'INF_REQUEST_VALUE_MISSING', rollout: 'ro-1', step: 2 })
    expect(
      await predict('canary', { entities: { flight: flights }, request: { gateChanges: flights.map(() => 'x') } }),
    ).toMatchObject({ status: 200 })
  })

  it('scores the candidate in shadow for what it does not answer, and keeps units on their version', async () => {
    await others.apply(resources('shaded'))
    registry.register('default/shaded/1', byDistance)
    registry.register('default/shaded/2', shifted)
    const split = [
      { version: '2', from: 0, to: 3_000 },
      { version: '1', from: 3_000, to: 10_000 },
    ]
    await serving(
      'shaded',
      (await others.route({ model: 'shaded', champion: '1', candidate: '2', split, rollout: 'ro-2' })).generation,
    )
    const flights = Array.from({ length: 30 }, (_, at) => `Y${at}`)
    const ask = async () =>
      (await predict('shaded', { entities: { flight: flights } })).body.predictions.map(({ version }: any) => version)
    const versions = await eventually(async () => {
      const found = await ask()
      expect(new Set(found).size).toBe(2)
      return found
    })
    expect(await ask()).toEqual(versions)
    await eventually(() =>
      expect(others.predictions('shaded').filter(({ version }: any) => version === '2').length).toBeGreaterThanOrEqual(60),
    )
    const shadow = others.predictions('shaded').find(({ role }: any) => role === 'shadow')!
    const answered = others.predictions('shaded').find(({ role, id }: any) => role === 'champion' && id === shadow.id)!
    expect(shadow).toMatchObject({
      unit: answered.unit,
      bucket: answered.bucket,
      propensity: 0.3,
      probability: expect.closeTo(sigmoid(1), 5),
    })
  })

  it('keeps the last route when a version of the new one cannot be loaded', async () => {
    registry.register('default/doubles/2', { model: Buffer.from('no model') })
    registry.register('default/doubles/3', {
      model: doublingModel(2),
      golden: { inputs: { x: [[1, 2]] }, outputs: { y: [[2, 5]] } },
    })
    const bad = await others.route({ model: 'doubles', champion: '2' })
    await eventually(() =>
      expect(others.facts('cascata.version.failed.v1', 'doubles')).toMatchObject([
        { version: '2', generation: bad.generation, code: 'INF_MODEL_UNSAFE' },
      ]),
    )
    await others.route({ model: 'doubles', champion: '3' })
    await eventually(() =>
      expect(others.facts('cascata.version.failed.v1', 'doubles')[1]).toMatchObject({
        version: '3',
        code: 'INF_GOLDEN_MISMATCH',
      }),
    )
    expect((await get('/v2/models/doubles')).body.versions).toEqual(['1'])
  })

  it('never goes back to an older generation', async () => {
    registry.register('default/doubles/4', { model: doublingModel(2) })
    const newest = await others.route({ model: 'doubles', champion: '4' })
    await serving('doubles', newest.generation)
    await others.route({ model: 'doubles', champion: '1', generation: newest.generation - 1 })
    await serving('late', (await others.route({ model: 'late', champion: '1' })).generation)
    expect((await get('/v2/models/doubles')).body.versions).toEqual(['4'])
  })

  it('fails no request while versions are swapped under load', async () => {
    const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }] })
    let running = true
    const failures: unknown[] = []
    let answered = 0
    const caller = async () => {
      while (running) {
        const { status, body: said } = await post('/v2/models/doubles/infer', body)
        answered++
        if (status !== 200 || said.outputs[0].data[1] !== 4) failures.push(said)
      }
    }
    const callers = Array.from({ length: 8 }, caller)
    for (let version = 10; version < 25; version++) {
      registry.register(`default/doubles/${version}`, { model: doublingModel(2) })
      await serving('doubles', (await others.route({ model: 'doubles', champion: String(version) })).generation)
    }
    running = false
    await Promise.all(callers)
    expect(failures).toEqual([])
    expect(answered).toBeGreaterThan(50)
  })

  it('answers through an outage of the feature store', async () => {
    store.state.down = true
    const asked = predict('late', { entities: { flight: ['F1'] } })
    await eventually(() => expect(store.state.calls).toBeGreaterThan(3))
    store.state.down = false
    expect(await asked).toMatchObject({ status: 200 })
  })

  it('lets a view that only the candidate reads harm nobody else', async () => {
    await others.apply(resources('picky'))
    registry.register('default/picky/1', {
      model: logisticModel({ flights__distanceKm: 0.001 }),
      signature: columns('flights__distanceKm'),
    })
    registry.register('default/picky/2', byDistance)
    const split = [
      { version: '2', from: 0, to: 9_999 },
      { version: '1', from: 9_999, to: 10_000 },
    ]
    await serving(
      'picky',
      (await others.route({ model: 'picky', champion: '1', candidate: '2', split, rollout: 'ro-3' })).generation,
    )
    store.state.refuse = 'route-delays'
    try {
      const answer = await predict('picky', { entities: { flight: ['F1'] } })
      expect(answer).toMatchObject({ status: 200, body: { predictions: [{ version: '1' }] } })
    } finally {
      store.state.refuse = undefined
    }
    await eventually(() =>
      expect(others.predictions('picky').map(({ role, error }: any) => [role, error])).toContainEqual([
        'candidate',
        'FS_VIEW_BUILDING',
      ]),
    )
  })

  it('fails a prediction for missing features where the Model says so', async () => {
    await others.apply(resources('strict', '  onMissing: fail\n'))
    registry.register('default/strict/1', byDistance)
    await serving('strict', (await others.route({ model: 'strict', champion: '1' })).generation)
    const answer = await eventually(async () => {
      const found = await predict('strict', { entities: { flight: ['F2'] } })
      expect(found.body.code).toBe('INF_FEATURES_MISSING')
      return found
    })
    expect(answer).toMatchObject({
      status: 422,
      body: { details: { missing: [{ feature: 'route-delays:delayMin', status: 'NOT_FOUND' }] } },
    })
  })

  it.each<[string, string, unknown, Record<string, string>, number]>([
    ['malformed JSON', 'doubles', '{', {}, 400],
    ['deep nesting', 'doubles', `{"inputs":${'['.repeat(100_000)}`, {}, 400],
    ['a form', 'doubles', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['a broken gzip', 'doubles', 'abc', { 'content-encoding': 'gzip' }, 415],
    ['an unknown encoding', 'doubles', 'abc', { 'content-encoding': 'zstd' }, 415],
    ['a header length beyond the body', 'doubles', '{}', { 'inference-header-content-length': '99' }, 400],
    [
      'a shape that overflows',
      'doubles',
      { inputs: [{ name: 'x', datatype: 'FP32', shape: [3037000500, 3037000500], data: [] }] },
      {},
      400,
    ],
    [
      'a null where the model takes none',
      'doubles',
      { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, null] }] },
      {},
      400,
    ],
    ['an unknown model', 'nobody', {}, {}, 404],
    ['a name like a path', '..%2f..%2fetc%2fpasswd', {}, {}, 404],
    ['a name of the prototype', '__proto__', {}, {}, 404],
    ['a very long name', 'x'.repeat(900), {}, {}, 404],
  ])('refuses %s with the protocol’s error', async (_name, model, body, headers, status) => {
    const answer = await post(`/v2/models/${model}/infer`, body, { 'content-type': 'application/json', ...headers })
    expect(answer).toMatchObject({ status, body: { error: expect.stringMatching(/^(INF|HTTP)_[A-Z_]+: /) } })
    expect(Object.keys(answer.body)).toEqual(['error'])
  })

  it('refuses a bomb of compressed nothing', async () => {
    const { gzipSync } = await import('node:zlib')
    expect(
      await post('/v2/models/doubles/infer', gzipSync(Buffer.alloc(80 * 2 ** 20)), { 'content-encoding': 'gzip' }),
    ).toMatchObject({ status: 415 })
  })

  it('bounds a model that allocates what its input says, and stays well', async () => {
    registry.register('default/bomb/1', { model: allocatingModel() })
    await serving('bomb', (await others.route({ model: 'bomb', champion: '1' })).generation)
    const ask = (n: number) =>
      post('/v2/models/bomb/infer', { inputs: [{ name: 'n', datatype: 'INT64', shape: [1], data: [n] }] })
    expect(await ask(10)).toMatchObject({ status: 200 })
    expect(await ask(100_000_000_000)).toMatchObject({
      status: 500,
      body: { error: expect.stringContaining('INF_MODEL_RUN_FAILED') },
    })
    expect(await ask(10)).toMatchObject({ status: 200 })
  })

  it('answers while the broker is away, and logs what waited when it is back', async () => {
    await kafka.kill()
    const before = others.predictions('doubles').length
    for (let at = 0; at < 20; at++) {
      const began = performance.now()
      expect(
        (
          await post('/v2/models/doubles/infer', {
            id: `out-${at}`,
            inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }],
          })
        ).status,
      ).toBe(200)
      expect(performance.now() - began).toBeLessThan(1_000)
    }
    expect((await get('/readyz')).status).toBe(200)
    await kafka.restart()
    await eventually(() => expect(others.predictions('doubles').filter(({ id }: any) => id.startsWith('out-')).length).toBe(20), {
      timeout: 60_000,
    })
    expect(others.predictions('doubles').length).toBeGreaterThanOrEqual(before + 20)
  })

  it('starts from its disk without broker, registry and feature store', async () => {
    await service.stop()
    const lonely = { ...settings, kafkaBrokers: ['127.0.0.1:1'], registryUrl: 'http://127.0.0.1:1', startupWait: 200 }
    service = await start(lonely)
    await eventually(async () => expect((await get('/readyz')).status).toBe(200))
    expect(
      (await post('/v2/models/doubles/infer', { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }] })).body
        .model_version,
    ).toBe('24')
    expect((await predict('late', { entities: { flight: ['F1'] } })).body.predictions[0].version).toBe('1')
  })
})

it('gives every metric a help text', () => {
  expect(
    createRegistry('inference')
      .getMetricsAsArray()
      .every(({ help }: any) => help !== ''),
  ).toBe(true)
})
