import { readResources } from '@cascata/resources'
import { describe, expect, it } from 'vitest'
import { type Applied, decideApply, decideDelete, type Plan } from './decide-apply.ts'

const flights = (more = '', fields = '', name = 'flights') => `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: ${name}}
spec:
  source: {topic: ${name}}
  entity: [flight]
  eventTime: {field: publishedAt}
  fields: {flight: string, publishedAt: timestamp, departsAt: timestamp, carrier: string, distanceKm: double${fields}}
${more}
`

const outcomes = (delayed = 'bool') => `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: outcomes}
spec:
  source: {topic: outcomes}
  entity: [flight]
  eventTime: {field: landedAt}
  fields: {flight: string, landedAt: timestamp, delayed: ${delayed}}
`

const model = (features = '"flights:*"', more = '') => `
apiVersion: cascata/v1
kind: Model
metadata: {name: flight-delay}
spec:
  task: binary
  observations: {view: flights, at: departsAt, lead: 2h}
  label: {field: "outcomes:delayed", within: 36h}
  features: [${features}]
${more}
`

const plan = (applied: readonly Applied[], ...documents: string[]): Plan =>
  decideApply(applied, readResources(documents.join('\n---\n'), { file: 'all.yaml' }))

const after = (applied: readonly Applied[], ...documents: string[]): Applied[] => {
  const { steps, errors } = plan(applied, ...documents)
  expect(errors).toEqual([])
  const next = new Map(applied.map((each) => [each.resource.kind + each.resource.metadata.name, each]))
  for (const { resource, revision, generation } of steps) {
    next.set(resource.kind + resource.metadata.name, { resource, revision, generation, deleted: false })
  }
  return [...next.values()]
}

const everything = after([], flights(), outcomes(), model())
const messages = ({ errors }: Plan): string[] => errors.map(({ line, field, message }) => `${line} ${field}: ${message}`)

describe('a stream', () => {
  it('creates what is new, whatever the order of the documents', () => {
    expect(plan([], model(), outcomes(), flights()).steps.map(({ action, revision }) => [action, revision])).toEqual([
      ['created', 1],
      ['created', 1],
      ['created', 1],
    ])
  })

  it('changes nothing when it is applied again', () => {
    expect(plan(everything, flights(), outcomes(), model()).steps.map(({ action, revision }) => [action, revision])).toEqual([
      ['unchanged', 1],
      ['unchanged', 1],
      ['unchanged', 1],
    ])
  })

  it('counts a change, says what it brings about and which models it concerns', () => {
    const { steps, errors } = plan(everything, flights('  ttl: 10d'))
    expect(errors).toEqual([])
    expect(steps[0]).toMatchObject({ action: 'changed', revision: 2, generation: 2, affects: ['default/flight-delay'] })
    expect(steps[0]!.changes).toMatchObject([{ path: 'spec.ttl', from: '30d', to: '10d', effect: 'inPlace' }])
  })

  it('writes wildcards out, so that a field which a view gets later is no input by accident', () => {
    const [, , kept] = everything
    expect(kept!.resource.spec).toMatchObject({
      features: ['flights:carrier', 'flights:distanceKm'],
      rollout: { unit: ['flight'] },
    })
    const wider = after(everything, flights('', ', gate: {type: string, nullable: true}'))
    expect(wider.find(({ resource }) => resource.kind === 'Model')!.resource).toEqual(kept!.resource)
    expect(plan(wider, model()).steps[0]).toMatchObject({
      action: 'changed',
      changes: [{ path: 'spec.features', effect: 'retrain' }],
    })
  })

  it('goes on counting after a deletion', () => {
    const deleted = everything.map((each) => (each.resource.kind === 'Model' ? { ...each, deleted: true, generation: 2 } : each))
    expect(plan(deleted, model()).steps[0]).toMatchObject({ action: 'created', revision: 3, generation: 3 })
  })
})

describe('what stands in the way', () => {
  it('is named with file, line and field', () => {
    expect(messages(plan([], flights(), outcomes(), model('"flights:carier"')))).toEqual([
      expect.stringMatching(/^\d+ spec\.features\[0\]: the view flights serves no carier/),
    ])
    expect(messages(plan([], outcomes(), model()))).toEqual([expect.stringContaining('there is no view default/flights')])
  })

  it('is a label of another type', () => {
    expect(messages(plan([], flights(), outcomes('string'), model()))).toEqual([
      expect.stringContaining('outcomes:delayed is a string'),
    ])
  })

  it('is a change that would falsify rows, with the models that read the field', () => {
    const { errors } = plan(everything, flights().replace('carrier: string', 'carrier: int'))
    expect(errors).toMatchObject([
      { field: 'spec.fields.carrier', message: expect.stringContaining('default/flight-delay reads it') },
    ])
  })

  it('is a change under the feet of a model that is applied already', () => {
    const numbered = after([], flights(), outcomes('int'), model())
    expect(messages(plan(numbered, outcomes('double')))).toEqual([
      expect.stringContaining('the model default/flight-delay would no longer fit: outcomes:delayed is a double'),
    ])
  })

  it('leaves other documents planned, and nothing of a refused one', () => {
    const { steps, errors } = plan(everything, flights('  ttl: 10d'), model('"nothing:here"'))
    expect(errors).toHaveLength(1)
    expect(steps.map(({ resource }) => resource.kind)).toEqual(['FeatureView'])
  })
})

describe('a deletion', () => {
  it('of a view waits for the models that read it', () => {
    const [view, , kept] = everything
    expect(decideDelete(view!.resource, everything)).toEqual(['default/flight-delay'])
    expect(decideDelete(view!.resource, [view!, { ...kept!, deleted: true }])).toEqual([])
    expect(decideDelete(kept!.resource, everything)).toEqual([])
  })
})
