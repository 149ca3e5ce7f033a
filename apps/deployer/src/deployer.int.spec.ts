import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import {
  findingClosed,
  findingOpened,
  labelsRipened,
  predictionMade,
  resourceApplied,
  resourceDeleted,
  versionApproved,
  versionFailed,
  versionLoaded,
  versionRejected,
} from '@cascata/events'
import { openDatabase, silent } from '@cascata/messaging'
import { type Model, readResources } from '@cascata/resources'
import { backing, eventually, uniqueName } from '@cascata/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { forgetUnits } from './evidence/statistics.store.ts'
import { openWire, startForTest } from './start-for-test.ts'

const namespace = uniqueName('ns').replaceAll('_', '-')
const schema = uniqueName('deployer')

const specOf = (rollout: string) => {
  const text = `
apiVersion: cascata/v1
kind: Model
metadata: {name: m, namespace: ${namespace}}
spec:
  task: binary
  observations: {view: flights, at: departsAt, lead: 2h}
  label: {field: "outcomes:delayed", within: 36h}
  features: ["flights:carrier"]
  rollout: ${rollout}
`
  return (readResources(text, { file: 'model.yaml' })[0]!.resource as Model).spec
}

/** A monitor that answers what a test says. */
const monitor = { answer: {} as object, asked: [] as string[] }
const monitorServer = createServer((request, response) => {
  monitor.asked.push(request.url!)
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(monitor.answer))
})

/** The shortest way to a bake. */
const quick = '{shadow: 0s, steps: [50%], step: {min: 0s, units: 60, max: 1h}, bake: 60h}'

let deployer: Awaited<ReturnType<typeof startForTest>>
let wire: Awaited<ReturnType<typeof openWire>>
let monitorUrl: string
beforeAll(async () => {
  await new Promise<void>((resolve) => monitorServer.listen(0, '127.0.0.1', resolve))
  monitorUrl = `http://127.0.0.1:${(monitorServer.address() as AddressInfo).port}`
  deployer = await startForTest(schema, { MONITOR_URL: monitorUrl })
  wire = await openWire(namespace)
  // The deployer first reads the whole log, with the facts of other tests.
  await apply('read-so-far', quick)
  await approve('read-so-far', '1')
  await eventually(() => expect(routeOf('read-so-far')).toBeDefined(), { timeout: 150_000 })
})
afterAll(async () => {
  await deployer?.stop()
  await wire?.close()
  monitorServer.close()
})

let generation = 0
const apply = (model: string, rollout: string) =>
  wire.say(resourceApplied, {
    apiVersion: 'cascata/v1',
    kind: 'Model',
    namespace,
    name: model,
    revision: 1,
    generation: (generation += 1),
    commit: null,
    metadata: { name: model, namespace },
    spec: specOf(rollout) as never,
  })
const approve = (model: string, version: string, comparison: 'first' | 'passed' | 'inconclusive' = 'passed') =>
  wire.say(versionApproved, {
    namespace,
    model,
    revision: 1,
    version,
    run: null,
    verdict: 'approved',
    evidence: null,
    by: 'gates',
    why: null,
    comparison,
  })

/** Applies a model and lets its first version serve. */
const serve = async (model: string, rollout: string) => {
  await apply(model, rollout)
  await approve(model, '1', 'first')
  await eventually(() => expect(routeOf(model)?.champion).toBe('1'))
}

const factsOf = (model: string) =>
  wire.said
    .filter(({ subject }) => subject === `${namespace}/${model}`)
    .map(({ type, data }) => `${type.split('.')[2]} ${data.version}`)
const routesOf = (model: string) => wire.saidRoutes.filter((route) => route.model === model)
const routeOf = (model: string) => routesOf(model).at(-1)!
const saw = (model: string, ...expected: string[]) => eventually(() => expect(factsOf(model)).toEqual(expected))

interface Made {
  version: string
  role: 'champion' | 'candidate' | 'shadow' | 'fallback'
  error?: string
  latencyMs?: number
  probability?: number
}
/** Predictions as inference would say them for the route that holds, `count` of each kind. */
const predict = async (model: string, count: number, kinds: Made[], from = 0, at = '2001-01-20T10:00:00.000Z') => {
  const { rollout, step } = routeOf(model)
  const all = Array.from({ length: count }, (_, index) =>
    kinds.map(({ version, role, error, latencyMs = 2, probability = ((index * 37) % 100) / 100 }) => ({
      id: `p-${from + index}`,
      namespace,
      model,
      version,
      role,
      at,
      unit: `${role === 'candidate' ? 'c' : 'u'}-${from + index}`,
      bucket: 1,
      propensity: step === 0 ? 1 : 0.5,
      entities: {},
      features: {},
      missing: [],
      output: error ? null : 1,
      ...(error ? { error } : { probability }),
      latencyMs,
      ...(rollout ? { rollout, step } : {}),
    })),
  ).flat()
  await wire.sendAll(predictionMade as never, all)
}
const shadowed = (error?: string): Made[] => [
  { version: '1', role: 'champion' },
  { version: '2', role: 'shadow', ...(error ? { error } : {}) },
]
const split: Made[] = [
  { version: '1', role: 'champion' },
  { version: '2', role: 'candidate' },
]

describe('a rollout', () => {
  it('goes from approval over shadow, step and bake to the champion, on what was seen', async () => {
    const model = 'whole'
    await apply(model, '{shadow: 100ms, steps: [50%], step: {min: 0s, units: 60, max: 1h}, bake: 60h}')
    await approve(model, '1', 'first')
    await saw(model, 'started 1', 'completed 1')
    await eventually(() =>
      expect(routeOf(model)).toMatchObject({ champion: '1', split: [{ version: '1', from: 0, to: 10_000 }] }),
    )

    await approve(model, '2')
    await saw(model, 'started 1', 'completed 1', 'started 2')
    await eventually(() => expect(routeOf(model)).toMatchObject({ champion: '1', candidate: '2', shadow: '2', step: 0 }))
    await predict(model, 200, shadowed())
    await eventually(() => expect(factsOf(model).at(-1)).toBe('stepped 2'))
    await eventually(() =>
      expect(routeOf(model).split).toEqual([
        { version: '2', from: 0, to: 5_000 },
        { version: '1', from: 5_000, to: 10_000 },
      ]),
    )
    const { units, pairs, requests } = wire.said.at(-1)!.data.evidence as any
    expect(units).toBeGreaterThanOrEqual(50)
    expect({ pairs, requests }).toMatchObject({ pairs: { n: units, differ: 0 }, requests: { champion: units, candidate: units } })

    await predict(model, 100, split)
    await eventually(() => expect(factsOf(model).at(-1)).toBe('baking 2'))
    await eventually(() =>
      expect(routeOf(model)).toMatchObject({ champion: '2', warm: ['1'], split: [{ version: '2', from: 0, to: 10_000 }] }),
    )

    monitor.answer = {
      cutoff: '2001-01-21T00:00:00.000Z',
      versions: { '2': { labelled: 90 } },
      difference: { metric: 'auc', value: 0.01, interval: [0.001, 0.02] },
    }
    await wire.say(labelsRipened, { namespace, model, revision: 1, ripe: 1, labelled: 1, cutoff: '2001-01-21T09:00:00.000Z' })
    await eventually(async () =>
      expect((await deployer.call('GET', `/v1/routes/${namespace}/${model}`)).body.rollout.state).toBe('baking'),
    )
    await wire.say(labelsRipened, { namespace, model, revision: 1, ripe: 1, labelled: 1, cutoff: '2001-01-21T10:00:00.000Z' })
    await eventually(() => expect(factsOf(model).at(-1)).toBe('completed 2'))
    expect(monitor.asked.at(-1)).toContain(`/v1/models/${namespace}/${model}/realised?versions=1%2C2&from=2001-01-20T10`)
    await eventually(() => expect(routeOf(model)).toMatchObject({ champion: '2', warm: [] }))

    const metrics = await (await fetch(`${deployer.url}/metrics`)).text()
    expect(metrics).toContain(
      `cascata_route_generation{namespace="${namespace}",model="${model}",app="deployer"} ${routeOf(model).generation}`,
    )
    expect(metrics).toContain(`cascata_rollout_share{namespace="${namespace}",model="${model}",app="deployer"} 0`)

    const generations = routesOf(model).map((route) => route.generation)
    expect(generations).toEqual(generations.map((_, index) => index + 1))
    const cascade = new Set(
      wire.said
        .filter(({ subject, data }) => subject === `${namespace}/${model}` && data.version === '2')
        .map(({ correlationid }) => correlationid),
    )
    expect(cascade.size).toBe(1)
  })

  it('takes back within a second a candidate that fails, and lets the next one go', async () => {
    const model = 'failing'
    await serve(model, '{shadow: 10m, steps: [50%], step: {min: 0s, units: 60, max: 1h}}')
    await approve(model, '2')
    await eventually(() => expect(routeOf(model)?.candidate).toBe('2'))
    await approve(model, '3')
    const began = performance.now()
    await predict(model, 40, shadowed('INF_REQUEST_FIELD_MISSING'))
    await eventually(() => expect(factsOf(model)).toEqual(['started 1', 'completed 1', 'started 2', 'rolledback 2', 'started 3']))
    expect(performance.now() - began).toBeLessThan(5_000)
    await eventually(() => expect(routeOf(model)).toMatchObject({ champion: '1', candidate: '3' }))
    const { body } = await deployer.call('GET', `/v1/rollouts?model=${namespace}/${model}&state=rolledback`)
    expect(body.rollouts).toMatchObject([
      { version: '2', reason: expect.stringContaining('100.0 % of its requests failed'), evidence: { errors: { candidate: 1 } } },
    ])
  })

  it('does not move without traffic, nor on the predictions of an earlier step', async () => {
    const model = 'silent'
    await serve(model, '{shadow: 50ms, steps: [50%, 80%], step: {min: 0s, units: 60, max: 1h}, bake: none}')
    await approve(model, '2')
    await eventually(() => expect(routeOf(model)?.step).toBe(0))
    const { rollout } = routeOf(model)
    await predict(model, 100, shadowed())
    await eventually(() => expect(routeOf(model)?.step).toBe(1))
    await wire.sendAll(
      predictionMade as never,
      predictionMade.examples.slice(0, 1).flatMap((example) =>
        Array.from({ length: 100 }, (_, index) => ({
          ...(example as object),
          namespace,
          model,
          id: `late-${index}`,
          unit: `late-${index}`,
          version: '2',
          role: 'shadow',
          rollout,
          step: 0,
        })),
      ),
    )
    await predict(model, 59, split)
    await counted(model, 1, '2', 59)
    expect(routeOf(model).step).toBe(1)
    await predict(model, 1, split, 59)
    await eventually(() => expect(routeOf(model).step).toBe(2))
  })

  it('is judged in bake by labels', async () => {
    const model = 'worse'
    await serve(model, quick)
    await approve(model, '2')
    await eventually(() => expect(routeOf(model)?.step).toBe(1))
    await predict(model, 100, split)
    await eventually(() => expect(factsOf(model).at(-1)).toBe('baking 2'))
    monitor.answer = {
      cutoff: '2001-02-01T00:00:00.000Z',
      versions: { '2': { labelled: 90 } },
      difference: { metric: 'auc', value: -0.05, interval: [-0.07, -0.03] },
    }
    await wire.say(labelsRipened, { namespace, model, revision: 1, ripe: 1, labelled: 1, cutoff: '2001-02-01T00:00:00.000Z' })
    await eventually(() => expect(factsOf(model).at(-1)).toBe('rolledback 2'))
    await eventually(() =>
      expect(routeOf(model)).toMatchObject({ champion: '1', split: [{ version: '1', from: 0, to: 10_000 }] }),
    )
    expect(wire.said.filter(({ subject }) => subject === `${namespace}/${model}`).at(-1)!.data.reason).toContain('auc -0.0500')
  })
})

/** Waits until so many predictions of a version are counted in a step. */
const counted = async (model: string, step: number, version: string, requests: number) => {
  const db = await openDatabase({ url: backing().postgres, schema, log: silent, poolSize: 1 })
  try {
    await eventually(async () => {
      const rows = await db.query<{ requests: string }>(
        'select s.requests from step_statistics s join rollout r on r.id = s.rollout where r.namespace = $1 and r.model = $2 and s.step = $3 and s.version = $4',
        [namespace, model, step, version],
      )
      expect(Number(rows[0]?.requests)).toBe(requests)
    })
  } finally {
    await db.close()
  }
}

describe('counting', () => {
  it('counts every prediction once though two replicas take turns', async () => {
    const model = 'counted'
    await serve(model, '{shadow: 1h, steps: [50%]}')
    await approve(model, '2')
    await eventually(() => expect(routeOf(model)?.candidate).toBe('2'))
    await predict(model, 300, shadowed())
    const second = await startForTest(schema, { MONITOR_URL: monitorUrl })
    try {
      await predict(model, 300, shadowed(), 300)
      await counted(model, 0, '2', 600)
    } finally {
      await second.stop()
    }
    await predict(model, 100, shadowed(), 600)
    await counted(model, 0, '2', 700)
    await counted(model, 0, '1', 700)
    const { body } = await deployer.call('GET', `/v1/routes/${namespace}/${model}`)
    await eventually(async () =>
      expect((await deployer.call('GET', `/v1/routes/${namespace}/${model}`)).body.rollout.evidence).toMatchObject({
        units: 700,
        pairs: { n: 700 },
      }),
    )
    expect(body.rollout.state).toBe('shadow')
  })
})

describe('what only served to count', () => {
  it('is forgotten when its rollout is over; the statistics stay', async () => {
    const model = 'forgotten'
    await serve(model, '{shadow: 1h, steps: [50%]}')
    await approve(model, '2')
    await eventually(() => expect(routeOf(model)?.candidate).toBe('2'))
    const { rollout } = routeOf(model)
    await predict(model, 30, [...shadowed(), { version: '2', role: 'champion' }])
    await counted(model, 0, '1', 30)
    const db = await openDatabase({ url: backing().postgres, schema, log: silent, poolSize: 1 })
    try {
      const left = async () => {
        const [row] = await db.query<Record<string, number>>(
          `select (select count(*)::int from step_unit where rollout = $1) as units, (select count(*)::int from half_pair where rollout = $1) as halves,
                  (select count(*)::int from step_statistics where rollout = $1) as statistics`,
          [rollout],
        )
        return row!
      }
      await forgetUnits(db)
      const before = await left()
      expect(before['units']).toBeGreaterThanOrEqual(60)
      await deployer.call('POST', `/v1/routes/${namespace}/${model}/rollback`)
      await forgetUnits(db)
      expect(await left()).toEqual({ units: 0, halves: 0, statistics: before['statistics'] })
    } finally {
      await db.close()
    }
  })
})

describe('commands', () => {
  it('pause, resume, promote and roll back, and are refused with a code', async () => {
    const model = 'by-hand'
    const path = `/v1/routes/${namespace}/${model}`
    expect(await deployer.call('POST', `${path}/pause`)).toMatchObject({ status: 404, body: { code: 'DEP_MODEL_NOT_FOUND' } })
    await serve(model, '{shadow: 1h, steps: [50%], bake: none}')
    await approve(model, '2')
    await eventually(() => expect(routeOf(model)?.candidate).toBe('2'))
    expect((await deployer.call('POST', `${path}/pause`)).body).toMatchObject({
      serving: '1',
      rollout: { state: 'paused', reason: 'paused by local' },
    })
    expect(await deployer.call('POST', `${path}/pause`)).toMatchObject({ status: 409, body: { code: 'DEP_CANNOT_PAUSE' } })
    expect((await deployer.call('POST', `${path}/resume`)).body).toMatchObject({ rollout: { state: 'shadow' } })
    expect((await deployer.call('POST', `${path}/promote`)).body).toMatchObject({ serving: '2', rollout: null, history: ['1'] })
    expect((await deployer.call('POST', `${path}/rollback`, { to: '7' })).body).toMatchObject({ code: 'DEP_VERSION_UNKNOWN' })
    expect((await deployer.call('POST', `${path}/rollback`, { to: 'x' })).body).toMatchObject({ code: 'HTTP_REQUEST_INVALID' })
    expect((await deployer.call('POST', `${path}/rollback`)).body).toMatchObject({ serving: '1' })
    expect(await deployer.call('POST', `${path}/rollback`)).toMatchObject({ status: 409, body: { code: 'DEP_NOTHING_BEFORE' } })
    await saw(model, 'started 1', 'completed 1', 'started 2', 'paused 2', 'stepped 2', 'completed 2', 'rolledback 2')
    await wire.say(resourceDeleted, {
      kind: 'Model',
      namespace,
      name: model,
      revision: 1,
      generation: (generation += 1),
      commit: null,
    })
    await eventually(() => expect(routeOf(model)).toMatchObject({ champion: null, split: [] }))
    expect(await deployer.call('POST', `${path}/rollback`, { to: '1' })).toMatchObject({
      status: 409,
      body: { code: 'DEP_MODEL_NOT_APPLIED' },
    })
  })
})

describe('the contract', () => {
  it('every example of every event that the deployer takes is handled', async () => {
    const events = [
      resourceApplied,
      resourceDeleted,
      versionApproved,
      versionRejected,
      versionLoaded,
      versionFailed,
      findingOpened,
      findingClosed,
      labelsRipened,
    ]
    for (const definition of events)
      for (const example of definition.examples)
        await wire.say(
          definition as never,
          {
            ...(example as object),
            namespace,
            ...('generation' in (example as object) ? { generation: (generation += 1) } : {}),
          } as never,
        )
    await approve('after-all', '1')
    await apply('after-all', quick)
    await saw('after-all', 'started 1', 'completed 1')
    expect((await deployer.call('GET', '/readyz')).body.status).toBe('ready')
  })
})
