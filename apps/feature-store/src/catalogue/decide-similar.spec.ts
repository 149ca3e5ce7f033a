import fc from 'fast-check'
import { expect, it } from 'vitest'
import { aView } from '../feature-views/a-view.ts'
import { isComparable, isNear, nearness, sameDefinitions } from './decide-similar.ts'
import { featuresOf } from './features.ts'

const metadata = { owner: '', description: '', tags: [] }
const hours = (count: number) => ({ name: `${count}h`, ms: count * 3_600_000 })
const mean = (window: number) => ({ fn: 'mean' as const, of: 'distanceKm', windows: [hours(window)] })
const range = (count: number) => Array.from({ length: count }, (_, index) => index)

it('finds the same definition under another name', () => {
  const views = [
    aView({ name: 'one', topic: 'rows', aggregations: { far: mean(3) } }),
    aView({ name: 'two', topic: 'rows', aggregations: { distance: mean(3), longer: mean(24) } }),
    aView({ name: 'three', topic: 'others', aggregations: { far: mean(3) } }),
    aView({ name: 'four', topic: 'rows', entity: ['publishedAt'], aggregations: { far: mean(3) } }),
    aView({ name: 'five', topic: 'rows' }),
  ]
  const features = views.flatMap((view) => featuresOf(view, metadata))
  const same = sameDefinitions(features)
  expect(features.flatMap((each) => same(each).map(({ feature }) => [each.id, feature]))).toEqual([
    ['default/one:far_3h', 'default/two:distance_3h'],
    ['default/two:distance_3h', 'default/one:far_3h'],
  ])
})

it('compares numbers with numbers, and others with their own', () => {
  expect([isComparable('int', 'double'), isComparable('string', 'string'), isComparable('string', 'int')]).toEqual([
    true,
    true,
    false,
  ])
})

it('knows another unit for the same', () => {
  const km = range(100).map((row) => (row * 37) % 101)
  const found = nearness(
    km,
    km.map((each) => each / 1.609344),
  )
  expect(found.correlation).toBeCloseTo(1, 12)
  expect([found.equal < 0.02, isNear(found)]).toEqual([true, true])
})

it('measures agreement beyond chance', () => {
  // By hand: 8 of 10 equal; by chance 0.5 · 0.5 + 0.5 · 0.5 = 0.5; κ = (0.8 - 0.5) / 0.5.
  const found = nearness([...'aaaaabbbbb'], [...'aaaabbbbba'])
  expect(found).toEqual({ keys: 10, equal: 0.8, agreement: expect.closeTo(0.6, 12) as number, correlation: null })
})

it('takes nothing for near that is so by chance, or by too few keys', () => {
  const rare = (every: number) => range(1000).map((row) => row % every === 1)
  const byChance = nearness(rare(200), rare(333))
  expect(byChance.equal).toBeGreaterThan(0.98)
  expect(isNear(byChance)).toBe(false)
  expect(isNear(nearness(Array(100).fill('x') as string[], Array(100).fill('x') as string[]))).toBe(false)
  expect(isNear(nearness(range(29), range(29)))).toBe(false)
  expect(isNear(nearness([], []))).toBe(false)
})

it('counts a missing value as another one, and two missing ones not at all', () => {
  const values = range(60).map((row) => (row % 2 ? 'a' : 'b'))
  expect(nearness([...values, null], [...values, null]).keys).toBe(60)
  expect(
    isNear(
      nearness(
        values,
        values.map((each, row) => (row % 5 ? each : null)),
      ),
    ),
  ).toBe(false)
})

it('is the same either way round, within its bounds', () => {
  const cell = fc.oneof(fc.constantFrom(null, 1, 2, 0), fc.double())
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 50 }), (pairs) => {
      const [one, other] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)]
      const found = nearness(one, other)
      const turned = nearness(other, one)
      expect(turned.equal).toBe(found.equal)
      expect(turned.agreement === null).toBe(found.agreement === null)
      if (found.agreement !== null) expect(turned.agreement).toBeCloseTo(found.agreement, 9)
      expect(found.agreement ?? 0).toBeLessThanOrEqual(1 + 1e-12)
      expect(Math.abs(found.correlation ?? 0)).toBeLessThanOrEqual(1)
    }),
  )
})
