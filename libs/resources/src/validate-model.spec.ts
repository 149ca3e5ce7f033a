import { describe, expect, it } from 'vitest'
import { everything, flights, lean, outcomes, routeDelays, routes } from './examples.ts'
import { type FeatureView } from './feature-view.ts'
import { type Model } from './model.ts'
import { fieldPath, parseResources, readResources } from './parse-resources.ts'
import {
  columnOf,
  expandFeatures,
  inputsOf,
  modelsReading,
  pinModel,
  referencedViews,
  servedFields,
  viewsByName,
} from './references.ts'
import { validateModel } from './validate-model.ts'

const parse = (text: string) => parseResources(text, { file: 'all.yaml' })
const model = (text: string): Model => parse(text)[0] as Model
const all = viewsByName(parse([flights, outcomes, routes].join('---\n')))

const found = (text: string, views = all): string =>
  validateModel(model(text), views)
    .map(({ path, message, hint }) => `${fieldPath(path)} ${message}${hint ? ` (${hint})` : ''}`)
    .join('\n')

const without = (name: string) => new Map([...all].filter(([key]) => key !== name))
const changed = (text: string) => viewsByName([...all.values(), ...parse(text)])

describe('a model beside its views', () => {
  it('is sound when every view, field, type and key is there', () => {
    expect(found(lean)).toBe('')
    expect(found(everything)).toBe('')
  })

  it.each([
    ['view: flights', 'view: flihgts', 'spec.observations.view there is no view default/flihgts (did you mean flights?)'],
    ['at: departsAt', 'at: departs', 'spec.observations.at the view flights has no field departs (did you mean departsAt?)'],
    ['at: departsAt', 'at: origin', 'spec.observations.at origin is a string, expected a timestamp'],
    ['outcomes:delayed', 'outcomes:late', 'spec.label.field the view outcomes serves no late'],
    ['outcomes:delayed', 'outcomes:delayMin', 'outcomes:delayMin is a double; a label of task binary is one of bool, int, int32'],
    [
      'outcomes:delayed',
      'route-delays:delayMin',
      "the view route-delays is keyed by origin, destination, and the observations by flight (a label is found by the observation's own key",
    ],
    ['"flights:carrier", ', '"flights:carier", ', 'spec.features[0] the view flights serves no carier (did you mean carrier?)'],
    ['"flights:carrier", ', '"weather:wind", ', 'spec.features[0] there is no view default/weather'],
    ['history: "flights:gateChanges"', 'history: "flights:carrier"', 'flights:carrier is a string, and the request value a int'],
    ['request: {gateChanges', 'request: {flight', 'spec.request.flight is part of the entity'],
    ['unit: [flight]', 'unit: [passenger]', 'spec.rollout.unit[0] neither the view flights nor the request has passenger'],
    [
      'fairness: []',
      'fairness: [{by: "flights:colour", equalOpportunity: "<= 0.1"}]',
      'spec.gates.fairness[0].by the view flights serves no colour',
    ],
  ])('says what is wrong: %s → %s', (right, wrong, expected) => {
    expect(everything).toContain(right)
    expect(found(everything.replace(right, wrong))).toContain(expected)
  })

  it('needs the keys of joined views from the observation, its entity or the request', () => {
    const elsewhere = changed(routes.replaceAll('origin', 'airport'))
    expect(found(everything, elsewhere)).toContain(
      'spec.features[2] the view route-delays is keyed by airport, which neither the view flights nor the request has (add airport to the view flights, or to request)',
    )
    const asked = everything.replace('request: {', 'request: {airport: {type: string, history: "flights:origin"}, ')
    expect(found(asked, elsewhere)).toBe('')
    expect(found(asked.replace('{type: string,', '{type: int,'), elsewhere)).toContain(
      'is keyed by airport of type string, but here it is a int',
    )
  })

  it('does not read views of other namespaces', () => {
    const other = viewsByName(
      parse(
        [flights, outcomes, routes]
          .map((text) => text.replace('{name', '{namespace: other, name').replace(', namespace: default', ''))
          .join('---\n'),
      ),
    )
    expect(found(lean, other)).toContain('there is no view default/flights')
    expect(found(lean, without('default/outcomes'))).toContain('spec.label.field there is no view default/outcomes')
  })

  it('is told with file, line and column', () => {
    const [sourced] = readResources(everything.replace('"flights:carrier"', '"flights:carier"'), { file: 'model.yaml' })
    const [first] = validateModel(sourced!.resource as Model, all).map(sourced!.locate)
    expect(first).toMatchObject({ file: 'model.yaml', line: 8, column: 14, field: 'spec.features[0]' })
  })
})

it('takes in no bytes and no lists, unless they are only among view:*', () => {
  const views = changed(
    flights.replace('    origin: string\n', '    origin: string\n    photo: bytes\n    stops: list<string>\n'),
  )
  for (const [feature, type] of [
    ['flights:photo', 'bytes'],
    ['flights:stops', 'list<string>'],
  ])
    expect(found(lean.replace('"flights:carrier"', `"${feature}"`), views)).toContain(
      `spec.features[0] ${feature} is a ${type}, and a model takes in single numbers, texts, truth values and times (make what it needs`,
    )
  const wild = lean.replace('"flights:carrier", "flights:distanceKm"', '"flights:*"')
  expect(found(wild, views)).toBe('')
  expect(expandFeatures(model(wild), views)).toEqual(expandFeatures(model(wild), all))
})

describe('references', () => {
  it('expands view:* to what a model may learn from', () => {
    const features = expandFeatures(
      model(lean.replace('"flights:carrier", "flights:distanceKm"', '"flights:carrier", "flights:*", "outcomes:*"')),
      all,
    )
    expect(features).toEqual([
      'flights:carrier',
      'flights:destination',
      'flights:distanceKm',
      'flights:gateChanges',
      'flights:origin',
      'outcomes:delayMin',
      'route-delays:delayMin',
    ])
  })

  it('expands to the same however the fields of a view are ordered', () => {
    const turned = new Map(
      [...all].map(([key, view]) => [
        key,
        { ...view, spec: { ...view.spec, fields: Object.fromEntries(Object.entries(view.spec.fields).reverse()) } },
      ]),
    )
    const wild = model(lean.replace('"flights:carrier"', '"flights:*"'))
    expect(pinModel(wild, turned)).toEqual(pinModel(wild, all))
  })

  it('pins features and unit', () => {
    const pinned = pinModel(model(lean.replace(/  rollout.*\n/, '')), all)
    expect(pinned.spec.features).toEqual(['flights:carrier', 'flights:distanceKm', 'route-delays:delayMin'])
    expect(pinned.spec.rollout.unit).toEqual(['flight'])
    expect(pinModel(pinned, all)).toEqual(pinned)
  })

  it('names the views of a model and the models of a view', () => {
    const one = model(everything)
    expect(referencedViews(one)).toEqual(['flights', 'route-delays', 'outcomes'])
    const view = all.get('default/flights')!
    expect(modelsReading(view, [one])).toEqual([one])
    expect(modelsReading(view, [one], 'carrier')).toEqual([one])
    expect(modelsReading(view, [one], 'flight')).toEqual([one])
    expect(modelsReading(view, [one], 'origin')).toEqual([])
  })

  it('lists the inputs of a model by column', () => {
    expect(inputsOf(model(everything), all).map(({ name, type, nullable, from }) => [name, type, nullable, from.is])).toEqual([
      ['flights__carrier', 'string', false, 'feature'],
      ['flights__distanceKm', 'double', false, 'feature'],
      ['route-delays__delayMin', 'double', true, 'feature'],
      ['gateChanges', 'int', false, 'request'],
    ])
    expect(columnOf('flights:carrier')).toBe('flights__carrier')
  })

  it('serves windowed views by aggregate and window as written', () => {
    const view = parse(routes)[0] as FeatureView
    const windows = [
      { name: '3h', ms: 10_800_000 },
      { name: '24h', ms: 86_400_000 },
    ]
    const windowed: FeatureView = {
      ...view,
      spec: {
        ...view.spec,
        aggregations: { delay: { fn: 'mean', of: 'delayMin', windows }, flights: { fn: 'count', windows: windows.slice(1) } },
      },
    }
    expect([...servedFields(windowed)]).toEqual([
      ['delay_3h', { type: 'double', nullable: true }],
      ['delay_24h', { type: 'double', nullable: true }],
      ['flights_24h', { type: 'int', nullable: true }],
    ])
    expect(servedFields(parse(routeDelays)[0] as FeatureView)).toEqual(servedFields(windowed))
  })
})
