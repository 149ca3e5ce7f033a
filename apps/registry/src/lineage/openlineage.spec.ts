import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { expect, it } from 'vitest'
import { type Version } from '../versions/version.ts'
import { type DatasetRecord, type TrainingRecord } from './lineage.store.ts'
import { eventsOf, type RunFacts, runIdOf } from './openlineage.ts'

const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats.default(ajv)
const valid = ajv.compile(JSON.parse(readFileSync(new URL('openlineage.schema.json', import.meta.url), 'utf8')) as object)
const origin = { producer: 'https://cascata.example.com/0.1.0', kafka: 'broker:9092' }

const name = { namespace: 'default', model: 'delay' }
const run: TrainingRecord = {
  ...name,
  run: 'r-1',
  revision: 3,
  trigger: 'drift',
  causes: [],
  correlationId: 'c',
  requestedAt: new Date('2001-01-14T00:00:00Z'),
  outcome: null,
}
const dataset = {
  ...name,
  dataset: 'd-1',
  run: 'r-1',
  hash: 'aa',
  rows: 12,
  snapshot: [
    { view: 'flights', topic: 'flights', partition: 0, epoch: 1, to: 100 },
    { view: 'flights', topic: 'flights', partition: 1, epoch: 1, to: 90 },
    { view: 'outcomes', topic: 'outcomes', partition: 0, epoch: 1, to: 80 },
  ],
  cutoff: new Date('2001-01-13T00:00:00Z'),
  builtAt: new Date('2001-01-14T00:01:00Z'),
} as unknown as DatasetRecord
const version = {
  ...name,
  version: '4',
  state: 'approved',
  modelSha256: 'bb',
  inputs: { hash: 'cc', schema: [{ name: 'flights__carrier', type: 'string' }] },
  registeredAt: '2001-01-14T00:02:00.000Z',
} as unknown as Version
const ended = (type: string) => ({ ...run, outcome: { type, at: '2001-01-14T00:02:00.000Z', why: 'auc 0.5 < 0.6' } })

it.each<[string, RunFacts, string[]]>([
  ['has begun', { run }, ['START']],
  ['has a dataset', { run, dataset }, ['START', 'RUNNING']],
  ['made a version', { run, dataset, version }, ['START', 'RUNNING', 'COMPLETE']],
  ['was refused', { run: ended('cascata.training.refused.v1') }, ['START', 'ABORT']],
  ['failed', { run: ended('cascata.training.failed.v1'), dataset }, ['START', 'RUNNING', 'FAIL']],
  ['made a worse model', { run: ended('cascata.version.rejected.v1'), dataset }, ['START', 'RUNNING', 'COMPLETE']],
])('a run that %s is told in events of the schema', (_how, facts, types) => {
  const events = eventsOf(facts, origin)
  for (const event of events) {
    valid(JSON.parse(JSON.stringify(event)))
    expect(valid.errors).toBeNull()
  }
  expect(events.map(({ eventType }) => eventType)).toEqual(types)
  expect(new Set(events.map(({ run: { runId } }) => runId))).toEqual(new Set([runIdOf('r-1')]))
})

it('names topics as inputs, the dataset and the model as outputs', () => {
  const [, , last] = eventsOf({ run, dataset, version }, origin)
  expect(last!.inputs.map((each) => `${each.namespace} ${each.name}`)).toEqual([
    'kafka://broker:9092 flights',
    'kafka://broker:9092 outcomes',
  ])
  expect(last!.outputs.map((each) => `${each.namespace} ${each.name}`)).toEqual([
    'cascata.default delay.dataset',
    'cascata.default delay',
  ])
  expect(last!.job).toMatchObject({ namespace: 'cascata.default', name: 'delay.train' })
})

it('is no event of the schema when something is missing', () => {
  const [event] = eventsOf({ run }, origin)
  expect(valid({ ...event, run: { runId: 'r-1' } })).toBe(false)
  expect(valid({ ...event, producer: undefined })).toBe(false)
})
