import { execFileSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { predictionMade, resourceApplied, versionApproved } from '@cascata/events'
import { type Model, readResources } from '@cascata/resources'
import { backing, eventually, spawnWorker, uniqueName, type Worker } from '@cascata/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openWire } from './start-for-test.ts'

const root = resolve(import.meta.dirname, '../../..')
const namespace = uniqueName('ns').replaceAll('_', '-')
const schema = uniqueName('deployer')
const model = 'killed'
const yaml = `
apiVersion: cascata/v1
kind: Model
metadata: {name: ${model}, namespace: ${namespace}}
spec:
  task: binary
  observations: {view: flights, at: departsAt}
  label: {field: "outcomes:delayed", within: 36h}
  features: ["flights:carrier"]
  rollout: {shadow: 0s, steps: [50%, 55%], step: {min: 0s, units: 60, max: 1h}, bake: none}
`

let deployer: Worker | undefined
let wire: Awaited<ReturnType<typeof openWire>>

const begin = async (): Promise<void> => {
  const { kafka, postgres } = backing()
  deployer = await spawnWorker(join(root, 'dist/apps/deployer/main.js'), {
    env: {
      KAFKA_BROKERS: kafka,
      DATABASE_URL: postgres,
      DEPLOYER_PORT: '0',
      DEPLOYER_DATABASE_SCHEMA: schema,
      DEPLOYER_PREDICTIONS_GROUP: `${schema}.predictions`,
      DEPLOYER_TICK: '50ms',
      CASCATA_DATABASE_POOL: '5',
    },
  })
}
const killAndBegin = async () => {
  await deployer!.kill()
  await begin()
}

beforeAll(async () => {
  execFileSync(process.execPath, [join(root, 'infra/build.ts'), 'deployer'], { cwd: root, stdio: 'pipe' })
  await begin()
  await deployer!.line((line) => typeof line.url === 'string', 120_000)
  wire = await openWire(namespace)
})
afterAll(async () => {
  await deployer?.kill()
  await wire?.close()
})

const route = () => wire.saidRoutes.at(-1)
/** Each fact once: a relay that dies after sending sends again, under the same id. */
const said = () =>
  [...new Map(wire.said.map((event) => [event.id, event])).values()].map(
    ({ type, data }) => `${type.split('.')[2]} ${data.version} ${data.step}`,
  )
const approve = (version: string, comparison: 'first' | 'passed') =>
  wire.say(versionApproved, {
    ...{ namespace, model, revision: 1, version, run: null, verdict: 'approved', evidence: null, by: 'gates', why: null },
    comparison,
  })

let units = 0
/** Predictions of both versions under the route that holds, each unit once. */
const predict = async (count: number) => {
  const { rollout, step } = route()!
  const all = Array.from({ length: count }, () => units++).flatMap((unit) =>
    (['champion', 'candidate'] as const).map((role) => ({
      ...{ id: `p-${unit}`, namespace, model, version: role === 'champion' ? '1' : '2', role, bucket: 1, propensity: 0.5 },
      ...{ at: '2001-01-20T10:00:00.000Z', unit: `${role}-${unit}`, entities: {}, features: {}, missing: [] },
      ...{ output: 1, probability: ((unit * 37) % 100) / 100, latencyMs: 2, rollout, step },
    })),
  )
  await wire.sendAll(predictionMade as never, all)
}

it('goes on where it was, through a kill -9 at every point of a rollout', { timeout: 600_000 }, async () => {
  const { spec } = readResources(yaml, { file: 'model.yaml' })[0]!.resource as Model
  await wire.say(resourceApplied, {
    ...{ apiVersion: 'cascata/v1', kind: 'Model', namespace, name: model, revision: 1, generation: 1, commit: null },
    metadata: { name: model, namespace },
    spec: spec as never,
  })
  await approve('1', 'first')
  await eventually(() => expect(route()?.champion).toBe('1'), { timeout: 120_000 })

  await approve('2', 'passed')
  await killAndBegin()
  await eventually(() => expect(route()).toMatchObject({ champion: '1', candidate: '2', step: 1 }), { timeout: 120_000 })

  // Half of the evidence is counted before, half after; then again, between the count and the step.
  await predict(40)
  await killAndBegin()
  await predict(60)
  await deployer!.kill()
  await predict(60)
  await begin()
  await eventually(() => expect(route()).toMatchObject({ step: 2 }), { timeout: 120_000 })
  await killAndBegin()
  await predict(40)
  await killAndBegin()
  await eventually(
    async () => {
      await predict(40)
      expect(said().at(-1)).toMatch(/^completed 2/)
    },
    { timeout: 60_000, interval: 500 },
  )

  const facts = said().map((each) => each.split(' ').slice(0, 2).join(' '))
  expect(facts).toEqual(['started 1', 'completed 1', 'started 2', 'stepped 2', 'completed 2'])
  const generations = wire.saidRoutes.map(({ generation }) => generation)
  const fresh = generations.filter((generation, nth) => generations.indexOf(generation) === nth)
  expect(fresh).toEqual(fresh.map((_, nth) => nth + 1))
  expect(generations).toEqual(generations.toSorted((a, b) => a - b))
  expect(route()).toMatchObject({ champion: '2', split: [{ version: '2', from: 0, to: 10_000 }] })
})
