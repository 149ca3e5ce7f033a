import { parseResources } from '@cascata/resources'
import { expect, it } from 'vitest'
import { aView } from '../feature-views/a-view.ts'
import { decideAlike, plannedFeatures } from './decide-planned.ts'
import { featuresOf } from './features.ts'

const metadata = { owner: '', description: '', tags: [] }
const known = featuresOf(aView(), metadata)

const view = (name: string, topic: string, fields = 'distanceKm: double, seats: int') => `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: ${name}}
spec:
  source: {topic: ${topic}}
  entity: [flight]
  eventTime: {field: at}
  fields: {flight: string, at: timestamp, ${fields}}
`
const model = (features: string) => `
apiVersion: cascata/v1
kind: Model
metadata: {name: delay}
spec:
  task: regression
  observations: {view: flights}
  label: {field: "flights:distanceKm", within: 1h}
  features: [${features}]
`
const alike = (documents: string[], near: Parameters<typeof decideAlike>[1] = new Map()) =>
  decideAlike(plannedFeatures(parseResources(documents.join('---'), { file: 'test' }), known), near)

it('tells a new view whose field is served under another name already', () => {
  expect(alike([view('routes', 'flights')])).toEqual([
    {
      kind: 'FeatureView',
      namespace: 'default',
      name: 'routes',
      feature: 'default/routes:distanceKm',
      similar: [{ feature: 'default/flights:distanceKm', by: 'definition' }],
    },
  ])
  expect(alike([view('routes', 'others')])).toEqual([])
})

it('takes a document for the view that it replaces, and does not compare the two', () => {
  expect(alike([view('flights', 'flights')])).toEqual([])
})

it('tells views of one plan, each to the other', () => {
  expect(alike([view('one', 'rows'), view('two', 'rows')]).map(({ name, feature }) => [name, feature])).toEqual([
    ['one', 'default/one:distanceKm'],
    ['one', 'default/one:seats'],
    ['two', 'default/two:distanceKm'],
    ['two', 'default/two:seats'],
  ])
})

it('tells a model that reads one thing under two names, once', () => {
  const of = (features: string) => alike([view('two', 'flights'), model(features)]).filter(({ kind }) => kind === 'Model')
  expect(of('"flights:*", "two:distanceKm"')).toEqual([
    {
      kind: 'Model',
      namespace: 'default',
      name: 'delay',
      feature: 'default/flights:distanceKm',
      similar: [{ feature: 'default/two:distanceKm', by: 'definition' }],
    },
  ])
  expect(of('"flights:*"')).toEqual([])
})

it('adds what was found by values', () => {
  const nearness = { keys: 400, equal: 1, agreement: 1, correlation: null }
  const near = new Map([['default/routes:seats', [{ feature: 'default/planes:seats', by: 'values' as const, ...nearness }]]])
  expect(alike([view('routes', 'rows')], near)).toMatchObject([{ feature: 'default/routes:seats', similar: [nearness] }])
})
