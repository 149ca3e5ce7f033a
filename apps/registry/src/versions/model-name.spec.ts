import { expect, it } from 'vitest'
import { modelOf, namespaceOfExperiment, registeredName } from './model-name.ts'

it.each([
  ['flight-delay', { namespace: 'default', model: 'flight-delay' }],
  ['ops.flight-delay', { namespace: 'ops', model: 'flight-delay' }],
  ['My model', { namespace: 'default', model: 'My model' }],
  ['v1.2.3', { namespace: 'default', model: 'v1.2.3' }],
])('%s is one model, and is called so', (registered, model) => {
  expect(modelOf(registered)).toEqual(model)
  expect(registeredName(model)).toBe(registered)
})

it('has one spelling for a model of the default namespace', () => {
  expect(registeredName(modelOf('default.flight-delay'))).toBe('flight-delay')
})

it.each([
  ['ops/flight-delay', 'ops'],
  ['default/flight-delay', 'default'],
  ['My experiment', 'default'],
  ['a/b/c', 'default'],
  ['../etc', 'default'],
])('the experiment %s belongs to %s', (name, namespace) => expect(namespaceOfExperiment(name)).toBe(namespace))
