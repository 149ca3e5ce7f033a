import { expect, it } from 'vitest'
import golden from './__golden__/special.json' with { type: 'json' }
import { BUCKETS, bucketOf, chiSquareTail, murmur3, normalQuantile, normalTail, seededRandom, twoProportions } from './index.ts'

const closeTo = (value: number, golden: number) =>
  expect(Math.abs(value - golden)).toBeLessThanOrEqual(1e-11 * Math.abs(golden) + 1e-300)

it.each(golden.chiSquareTail as [number, number, number][])('chi-square tail of %d with %d degrees of freedom', (x, df, tail) =>
  closeTo(chiSquareTail(x, df), tail),
)
it.each(golden.normalTail as [number, number][])('normal tail of %d', (z, tail) => closeTo(normalTail(z), tail))
it.each(golden.normalQuantile as [number, number][])('normal quantile of %d', (p, z) => closeTo(normalQuantile(p) + 1, z + 1))
it.each(golden.murmur3 as [string, number, number][])('murmur3 of %j with seed %d', (text, seed, hash) =>
  expect(murmur3(new TextEncoder().encode(text), seed)).toBe(hash),
)

it('compares proportions without a variance', () => expect(twoProportions(0, 10, 0, 20)).toEqual({ statistic: 0, pValue: 1 }))

it('spreads units evenly over buckets, independently by rollout, and always alike', () => {
  expect([bucketOf('r1', 'flight-1'), bucketOf('r1', 'flight-2'), bucketOf('r2', 'flight-1')]).toEqual([7468, 8441, 5639])
  const units = Array.from({ length: 100_000 }, (_, i) => `F${i}`)
  const inFirst = units.filter((unit) => bucketOf('r1', unit) < BUCKETS / 20)
  const inBoth = inFirst.filter((unit) => bucketOf('r2', unit) < BUCKETS / 20)
  expect(inFirst.length / units.length).toBeCloseTo(0.05, 2)
  expect(inBoth.length / inFirst.length).toBeCloseTo(0.05, 1)
})

it('draws the same numbers for the same seed', () => {
  const draws = (seed: number | string) => {
    const random = seededRandom(seed)
    return Array.from({ length: 10_000 }, () => random.next())
  }
  expect(draws('a')).toEqual(draws('a'))
  expect(draws('a').slice(0, 5)).not.toEqual(draws('b').slice(0, 5))
  expect(draws(1).reduce((sum, x) => sum + x) / 10_000).toBeCloseTo(0.5, 1)
  expect(seededRandom(7).int(10)).toBeLessThan(10)
})
