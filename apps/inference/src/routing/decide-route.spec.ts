import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { routeChanged } from '@cascata/events'
import { assign, besideOf, isNewer, shadowOf, shareOf, versionsOf, type Route } from './decide-route.ts'

const route = (share: number, more: Partial<Route> = {}): Route => ({
  namespace: 'default',
  model: 'm',
  revision: 1,
  generation: 1,
  champion: '1',
  candidate: '2',
  split: [
    { version: '2', from: 0, to: Math.max(1, share) },
    { version: '1', from: Math.max(1, share), to: 10_000 },
  ],
  warm: [],
  rollout: 'r',
  ...more,
})

describe('the split', () => {
  it('keeps a unit on the candidate as its share grows', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 9_998 }), fc.integer({ min: 1, max: 9_998 }), (unit, a, b) => {
        const [small, large] = [Math.min(a, b), Math.max(a, b)]
        const before = assign(route(small), unit, 0)
        if (before.version === '2') expect(assign(route(large), unit, 0).version).toBe('2')
        expect(assign(route(small), unit, 0.9)).toEqual(before)
      }),
    )
  })

  it('gives the candidate its share', () => {
    const answers = Array.from({ length: 20_000 }, (_, at) => assign(route(500), `u${at}`, 0))
    expect(answers.filter(({ role }) => role === 'candidate').length / 20_000).toBeCloseTo(0.05, 2)
    expect(answers.find(({ role }) => role === 'candidate')!.propensity).toBe(0.05)
  })

  it('draws a request without unit at random, without bucket', () => {
    expect(assign(route(500), undefined, 0.01)).toEqual({ version: '2', role: 'candidate', bucket: null, propensity: 0.05 })
    expect(assign(route(500), undefined, 1)).toMatchObject({ version: '1', role: 'champion' })
  })

  it('is independent between rollouts', () => {
    const of = (rollout: string) => Array.from({ length: 2_000 }, (_, at) => assign(route(5_000, { rollout }), `u${at}`, 0).role)
    const [a, b] = [of('a'), of('b')]
    expect(a.filter((role, at) => role === b[at]).length / 2_000).toBeCloseTo(0.5, 1)
  })
})

describe('what stands beside', () => {
  it('is the candidate for what the champion answers, and the champion for what the candidate cannot', () => {
    expect(shadowOf(route(500), '1')).toBe('2')
    expect(shadowOf(route(500), '2')).toBeUndefined()
    expect(besideOf(route(500), '2')).toEqual(['1'])
    expect(besideOf(route(500), '1')).toEqual([])
  })
  it('is the old version while the new one bakes, and nobody afterwards', () => {
    const baking = route(1, { champion: '2', candidate: undefined, warm: ['1'] })
    expect(besideOf(baking, '2')).toEqual(['1'])
    expect(besideOf({ ...baking, rollout: undefined }, '2')).toEqual([])
  })
  it('is loaded, but not waited for', () => {
    expect(versionsOf(route(500, { warm: ['0'] }))).toEqual({ answering: ['2', '1'], beside: ['0'] })
    expect(versionsOf({ ...route(500), split: [{ version: '1', from: 0, to: 10_000 }] })).toEqual({
      answering: ['1'],
      beside: ['2'],
    })
  })
})

it('never goes back', () => {
  expect(isNewer(route(1, { generation: 4 }), route(1, { generation: 5 }))).toBe(false)
  expect(isNewer(route(1, { generation: 5 }), route(1, { generation: 5 }))).toBe(false)
  expect(isNewer(route(1, { generation: 6 }), undefined)).toBe(true)
})

it.each(routeChanged.examples.map((example) => [example.generation, example]))(
  'understands the example of generation %s',
  (_generation, example) => {
    const shares = new Set(example.split.map(({ version }) => version))
    if (example.champion !== null) expect([...shares].reduce((sum, version) => sum + shareOf(example, version), 0)).toBeCloseTo(1)
    expect(versionsOf(example).answering.includes(assign(example, 'u', 0).version)).toBe(example.champion !== null)
  },
)
