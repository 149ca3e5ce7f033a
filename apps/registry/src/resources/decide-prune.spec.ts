import { readResources, resourceKey } from '@cascata/resources'
import { describe, expect, it } from 'vitest'
import { type Applied } from './decide-apply.ts'
import { decidePrune } from './decide-prune.ts'

const view = (name: string, namespace = 'default') => `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  source: {topic: ${name}}
  entity: [flight]
  eventTime: {field: at}
  fields: {flight: string, at: timestamp, carrier: string, delayed: bool}
`
const model = (name: string, reads: string, namespace = 'default') => `
apiVersion: cascata/v1
kind: Model
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  task: binary
  observations: {view: ${reads}}
  label: {field: "${reads}:delayed", within: 36h}
  features: ["${reads}:carrier"]
`
const resources = (...documents: string[]) =>
  readResources(documents.join('\n---\n'), { file: 'all.yaml' }).map(({ resource }) => resource)
const applied = (...documents: string[]): Applied[] =>
  resources(...documents).map((resource) => ({ resource, revision: 2, generation: 3, deleted: false }))

const pruned = (stands: readonly Applied[], named: string[], serving: Record<string, string> = {}) =>
  decidePrune(stands, { named: resources(...named), serving: new Map(Object.entries(serving)) }).map(
    ({ resource, inUse }) => [resourceKey(resource), inUse] as const,
  )

describe('pruning', () => {
  it('takes what the stream leaves out, a model with the view that it alone reads', () => {
    const stands = applied(view('plans'), view('old'), model('delay', 'plans'), model('early', 'old'))
    expect(pruned(stands, [view('plans'), model('delay', 'plans')])).toEqual([
      ['FeatureView/default/old', []],
      ['Model/default/early', []],
    ])
  })

  it('never looks into a namespace that the stream does not name', () => {
    const stands = applied(view('plans'), view('plans', 'team'), model('delay', 'plans', 'team'))
    expect(pruned(stands, [view('new')])).toEqual([['FeatureView/default/plans', []]])
    expect(pruned(stands, [])).toEqual([])
  })

  it('keeps a view that a model of the stream reads, as the stream has it', () => {
    const stands = applied(view('plans'), view('other'), model('delay', 'plans'))
    expect(pruned(stands, [model('delay', 'plans')])).toEqual([
      ['FeatureView/default/plans', ['default/delay reads it']],
      ['FeatureView/default/other', []],
    ])
    expect(pruned(stands, [view('other'), model('delay', 'other')])).toEqual([['FeatureView/default/plans', []]])
  })

  it('keeps a model that serves, and so the views that it reads', () => {
    const stands = applied(view('plans'), model('delay', 'plans'), view('new'))
    expect(pruned(stands, [view('new')], { 'default/delay': '3' })).toEqual([
      ['FeatureView/default/plans', ['default/delay reads it']],
      ['Model/default/delay', ['its version 3 serves, or stands by to']],
    ])
    expect(pruned(stands, [view('new')], { 'team/delay': '3' }).flatMap(([, inUse]) => inUse)).toEqual([])
  })

  it('leaves alone what is deleted already', () => {
    const stands = applied(view('plans'), view('new')).map((each, index) => ({ ...each, deleted: index === 0 }))
    expect(pruned(stands, [view('new')])).toEqual([])
  })
})
