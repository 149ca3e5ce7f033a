import { describe, expect, it } from 'vitest'
import { aView } from '../feature-views/a-view.ts'
import { type DatasetRequest, decidePlan } from './decide-plan.ts'

const flights = aView({
  fields: { flight: 'string', publishedAt: 'timestamp', origin: 'string', gates: { type: 'int', nullable: true } },
})
const weather = aView({
  name: 'weather',
  entity: ['origin'],
  time: 'seenAt',
  fields: { origin: 'string', seenAt: 'timestamp', station: 'string', wind: 'double' },
})
const stations = aView({
  name: 'stations',
  entity: ['station'],
  time: 'at',
  fields: { station: 'string', at: 'timestamp', height: 'int' },
})
const outcomes = aView({ name: 'outcomes', time: 'landedAt', fields: { flight: 'string', landedAt: 'timestamp', late: 'bool' } })
const views = new Map([flights, weather, stations, outcomes].map((view) => [view.name, view]))

const plan = (more: Partial<DatasetRequest>) =>
  decidePlan({ features: ['flights:gates'], request: {}, label: null, spine: ['flight'], chain: ['flights'], ...more }, views)

describe('the plan of a dataset', () => {
  it('takes a key from the spine where it is there, else from a view of the chain, which is joined first', () => {
    expect(plan({ features: ['weather:wind', 'flights:gates'] })).toMatchObject({
      joins: [
        { view: { name: 'flights' }, keys: [{ from: 'spine', column: 'flight' }], fields: ['origin', 'gates'] },
        { view: { name: 'weather' }, keys: [{ from: 'view', view: 'flights', field: 'origin' }], fields: ['wind'] },
      ],
      columns: [
        { column: 'weather__wind', type: 'double' },
        { column: 'flights__gates', type: 'int' },
      ],
    })
  })
  it('takes a key that comes with the request from its history', () => {
    const request = { station: { type: 'string' as const, nullable: false, history: 'weather:station' } }
    expect(plan({ features: ['stations:height'], request })).toMatchObject({
      joins: [
        { view: { name: 'flights' } },
        { view: { name: 'weather' } },
        { view: { name: 'stations' }, keys: [{ from: 'view', view: 'weather', field: 'station' }] },
      ],
      columns: [{ column: 'stations__height' }, { column: 'station', view: 'weather', field: 'station' }],
    })
  })
  it('names the label by its own view and the keys of the spine', () => {
    expect(plan({ label: { field: 'outcomes:late', within: 5, missing: 'negative' } })).toMatchObject({
      label: { view: { name: 'outcomes' }, field: 'late', type: 'bool', within: 5, missing: 'negative', keys: ['flight'] },
    })
  })
  it.each([
    ['an unknown view', { features: ['nowhere:x'] }, /no view nowhere/],
    ['an unknown field', { features: ['flights:x'] }, /serves no x/],
    ['a key that is nowhere', { features: ['stations:height'] }, /station .* neither/],
    [
      'a label of another entity',
      { label: { field: 'weather:wind', within: 1, missing: 'drop' as const } },
      /origin, which the spine lacks/,
    ],
    [
      'a key that would need itself',
      { features: ['weather:wind'], spine: [], chain: ['flights', 'weather', 'outcomes'] },
      /neither|own fields/,
    ],
  ])('says what is wrong with %s', (_name, asked, problem) => {
    expect(plan(asked)).toEqual({ problem: expect.stringMatching(problem) })
  })
})
