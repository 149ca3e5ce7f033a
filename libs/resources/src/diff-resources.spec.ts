import { describe, expect, it } from 'vitest'
import { diffResources, refusals } from './diff-resources.ts'
import { everything, flights, routeDelays, routes } from './examples.ts'
import { type Model } from './model.ts'
import { parseResources } from './parse-resources.ts'

const parse = (text: string) => parseResources(text, { file: 'x.yaml' })[0]!
const models = [parse(everything) as Model]

const change = (text: string, right: string, wrong: string): string[] => {
  expect(text).toContain(right)
  return diffResources(parse(text), parse(text.replace(right, wrong)), { models }).map(
    ({ path, effect, why }) => `${path} ${effect} ${why}`,
  )
}

describe('a view', () => {
  it.each([
    ['ttl: 30d', 'ttl: none', /^spec.ttl inPlace/],
    ['freshness: none', 'freshness: 15m', /^spec.freshness inPlace/],
    ['owner: ops-ml', 'owner: you', /^metadata.owner none/],
    ['gateChanges: {type: int, nullable: true}', 'gateChanges: {type: double, nullable: true}', /inPlace every int is a double/],
    ['distanceKm: {type: double, min: 0}', 'distanceKm: {type: double, min: -1}', /inPlace/],
    ['distanceKm: {type: double, min: 0}', 'distanceKm: {type: double, nullable: true}', /inPlace/],
    ['maxLength: 2', 'maxLength: 3', /inPlace/],
    ['maxItems: 9', 'maxItems: 10', /inPlace/],
    ['maxItems: 9', 'maxItems: 8', /refused earlier rows were accepted by a wider rule/],
    ['list<float>', 'list<double>', /refused a list<float> cannot become a list<double>/],
    ['description: IATA code', 'description: of IATA', /^spec.fields.carrier none/],
    ['origin: string', 'origin: string\n    terminal: {type: string, nullable: true}', /^spec.fields.terminal inPlace/],
    ['origin: string', 'origin: string\n    terminal: string', /^spec.fields.terminal refused earlier rows do not have it/],
    ['maxLength: 2', 'maxLength: 1', /refused earlier rows were accepted by a wider rule, and default\/flight-delay reads it/],
    [
      'distanceKm: {type: double',
      'distanceKm: {type: float',
      /refused a double cannot become a float, and default\/flight-delay reads it: make a new view/,
    ],
    ['    origin: string\n', '', /^spec.fields.origin refused rows have it: make a new view/],
    [
      'gateChanges: {type: int, nullable: true}',
      'gateChanges: int',
      /refused rows may have null in it, and default\/flight-delay reads it/,
    ],
    ['topic: flights', 'topic: plans', /^spec.source.topic refused/],
    ['partitions: 4', 'partitions: 8', /^spec.source.partitions refused/],
    ['format: iso8601', 'format: unix-s', /^spec.eventTime.format refused/],
    ['entity: [flight]', 'entity: [flight, origin]', /^spec.entity (refused not supported yet|rebuild)/],
  ])('%s → %s', (right, wrong, expected) => {
    const from = flights.replace('    origin: string\n', '    origin: string\n    vector: {type: list<float>, maxItems: 9}\n')
    const changes = change(from, right, wrong)
    expect(changes).toHaveLength(1)
    expect(changes[0]).toMatch(expected)
  })
})

describe('a windowed view', () => {
  it.each([
    ['fn: mean', 'fn: sum', /^spec.aggregations.delay rebuild built from segments/],
    ['[3h, 24h]', '[3h, 24h, 7d]', /^spec.aggregations.delay rebuild/],
    [
      '[3h, 24h]',
      '[3h]',
      /^spec.aggregations.delay refused delay_24h would go, and default\/flight-delay read it: make a new view/,
    ],
    ['fn: mean, of: delayMin', 'fn: count', /^spec.aggregations.delay refused delay_3h would change its type/],
    [
      'flights: {fn: count, windows: [24h]}',
      'flights: {fn: count, windows: [24h]}\n    latest: {fn: last, of: delayMin, windows: [6h]}',
      /^spec.aggregations.latest rebuild/,
    ],
  ])('%s → %s', (right, wrong, expected) => {
    expect(change(routeDelays, right, wrong)).toEqual([expect.stringMatching(expected)])
  })
})

describe('a model', () => {
  it.each([
    ['seed: 1', 'seed: 2', 'spec.train.seed retrain'],
    ['params: {}', 'params: {trees: 50}', 'spec.train.params.trees retrain'],
    ['"flights:carrier", ', '', 'spec.features retrain'],
    ['within: 36h', 'within: 24h', 'spec.label.within retrain'],
    ['history: auto', 'history: all', 'spec.train.rows.history retrain'],
    ['min: 1000}', 'min: 500}', 'spec.train.rows.min policy'],
    ['timeout: 30m', 'timeout: 1h', 'spec.train.run.timeout policy'],
    ['onMissing: passNull', 'onMissing: fail', 'spec.onMissing inPlace'],
    ['champion: {margin: 0.002, confidence: 95%, minRows: 1000}', 'champion: none', 'spec.gates.champion policy'],
    ['steps: [5%, 25%, 50%]', 'steps: []', 'spec.rollout.steps policy'],
    ['window: 1d', 'window: 7d', 'spec.monitor.window policy'],
    ['tags: []', 'tags: []', ''],
  ])('%s → %s', (right, wrong, expected) => {
    const text = everything.replace('{name: flight-delay}', '{name: flight-delay, tags: []}')
    expect(change(text, right, wrong).join()).toMatch(new RegExp(`^${expected}`))
  })

  it('stays of its task', () => {
    const other = everything
      .replace('task: binary', 'task: regression')
      .replace('metric: auc', 'metric: rmse')
      .replace('{auc: ">= 0.60"}', '{}')
    expect(refusals(diffResources(parse(everything), parse(other))).map(({ path }) => path)).toEqual(['spec.task'])
  })
})

it('finds nothing between a resource and itself, and refuses to compare two', () => {
  expect(diffResources(parse(everything), parse(everything))).toEqual([])
  expect(diffResources(parse(flights), parse(flights.replace('freshness: none\n', 'freshness: none\n')))).toEqual([])
  expect(() => diffResources(parse(flights), parse(routes))).toThrow('two resources')
})

it('shows values as they are written', () => {
  expect(diffResources(parse(flights), parse(flights.replace('ttl: 30d', 'ttl: 36h')))).toMatchObject([
    { path: 'spec.ttl', from: '30d', to: '36h' },
  ])
})
