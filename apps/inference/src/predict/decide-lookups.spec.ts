import { describe, expect, it } from 'vitest'
import { parseResources, viewsByName, type Model } from '@cascata/resources'
import { sourcesOf, type Spec } from './columns.ts'
import { decideLookups } from './decide-lookups.ts'

const yaml = `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: flights}
spec:
  source: {topic: flights}
  entity: [flight]
  eventTime: {field: at}
  fields: {flight: string, at: timestamp, origin: string, destination: string, distanceKm: double}
---
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: delays}
spec:
  source: {topic: delays}
  entity: [origin, destination]
  eventTime: {field: at}
  fields: {origin: string, destination: string, at: timestamp, delayMin: double}
---
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: weather}
spec: {source: {topic: weather}, entity: [city], eventTime: {field: at}, fields: {city: string, at: timestamp, wind: double}}
---
apiVersion: cascata/v1
kind: Model
metadata: {name: late}
spec:
  task: binary
  observations: {view: flights}
  label: {field: "outcomes:late", within: 1d}
  features: ["flights:distanceKm"]
  request: {gateChanges: {type: int, history: "flights:distanceKm"}}
`
const all = parseResources(yaml, { file: 'test.yaml' })
const spec: Spec = { model: all.find(({ kind }) => kind === 'Model') as Model, views: viewsByName(all) }
const plan = (references: string[], ...given: string[]) => decideLookups(references, new Set(given), spec)

describe('where columns come from', () => {
  it('is a view’s field, or the request', () => {
    const columns = ['flights__distanceKm', 'gateChanges', 'flights__unknown'].map((name) => ({ name, type: 'double' }))
    expect(sourcesOf(columns, spec)).toEqual([
      {
        is: 'feature',
        column: 'flights__distanceKm',
        type: 'double',
        view: 'flights',
        field: 'distanceKm',
        reference: 'flights:distanceKm',
      },
      { is: 'request', column: 'gateChanges', type: 'int' },
      { is: 'request', column: 'flights__unknown', type: 'double' },
    ])
  })
})

describe('look-ups', () => {
  it('are one when every key was sent', () => {
    const { first, chained } = plan(['flights:distanceKm', 'delays:delayMin'], 'flight', 'origin', 'destination')
    expect(first).toEqual({ references: ['flights:distanceKm', 'delays:delayMin'], keys: ['flight', 'origin', 'destination'] })
    expect(chained).toEqual([])
  })

  it('take keys from the observation row, asked for once', () => {
    const { first, chained, observed } = plan(['delays:delayMin', 'flights:origin'], 'flight', 'destination')
    expect(first).toEqual({ references: ['flights:origin'], keys: ['flight'] })
    expect(chained).toEqual([{ references: ['delays:delayMin'], keys: ['origin', 'destination'] }])
    expect([...observed]).toEqual([['origin', 'flights:origin']])
  })

  it('name the key that nobody gives', () => {
    expect(() => plan(['flights:distanceKm'])).toThrow('`entities.flight` is absent')
    expect(() => plan(['delays:delayMin'])).toThrow('`entities.flight` is absent; observations of flights are read by it')
    expect(() => plan(['weather:wind'], 'flight')).toThrow('`entities.city` is absent; view weather is read by it')
    expect(() => plan(['nowhere:wind'], 'flight')).toThrow('The view nowhere is not known here yet')
  })
})
