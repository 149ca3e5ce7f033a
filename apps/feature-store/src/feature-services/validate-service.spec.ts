import { describe, expect, it } from 'vitest'
import { featuresOfInputs, parseServiceName } from './validate-service.ts'

describe('the name of a feature service', () => {
  it.each([
    ['delay', { namespace: 'default', model: 'delay', version: null }],
    ['delay@3', { namespace: 'default', model: 'delay', version: '3' }],
    ['ops/delay@12', { namespace: 'ops', model: 'delay', version: '12' }],
  ])('%s', (name, expected) => expect(parseServiceName(name, 'default')).toEqual(expected))
  it.each(['', 'delay@', 'delay@latest', 'a/b/c', 'delay@3; drop table view', '__proto__', 'Delay', 'x'.repeat(64)])(
    'is not %j',
    (name) => expect(parseServiceName(name, 'default')).toBeNull(),
  )
})

it('takes the features of the inputs, and leaves what comes with a call', () =>
  expect(featuresOfInputs(['plans__carrier', 'gateChanges', 'route-delays__delay_3h', 'my_own__x'])).toEqual([
    'plans:carrier',
    'route-delays:delay_3h',
  ]))
