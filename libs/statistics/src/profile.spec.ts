import fc from 'fast-check'
import { expect, it } from 'vitest'
import { numeric } from './__golden__/data.ts'
import {
  counter,
  emptyLike,
  histogramJensenShannon,
  histogramWasserstein,
  jensenShannonNoise,
  mergeHistograms,
  mergeProfiles,
  type NumericProfile,
  nullRate,
  outsideShare,
  presentIn,
  profileColumn,
  rowsIn,
  seededRandom,
  wasserstein,
  wassersteinNoise,
} from './index.ts'

const cell = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) },
  fc.constantFrom(null, NaN, Infinity),
)

it('is the same whether made at once or merged from parts', () => {
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1, maxLength: 60 }), fc.array(cell, { maxLength: 60 }), (first, second) => {
      const like = profileColumn([0, 1, 5, 100, -7])
      const merged = mergeProfiles(profileColumn(first, like), profileColumn(second, like)) as NumericProfile
      const whole = profileColumn([...first, ...second], like) as NumericProfile
      expect(merged.histogram.counts).toEqual(whole.histogram.counts)
      expect([merged.rows, merged.min, merged.max, merged.histogram.nulls, merged.histogram.nans]).toEqual([
        whole.rows,
        whole.min,
        whole.max,
        whole.histogram.nulls,
        whole.histogram.nans,
      ])
      if (whole.std !== null) expect(Math.abs(merged.std! - whole.std)).toBeLessThan(1e-6 * (1 + whole.std))
    }),
  )
})

it('loses no row', () => {
  const { histogram } = profileColumn([3, null, NaN, 4, 4, Infinity]) as NumericProfile
  expect([rowsIn(histogram), presentIn(histogram), nullRate(histogram)]).toEqual([6, 3, 0.5])
})

it('survives JSON', () => {
  for (const profile of [profileColumn([...numeric(1, 500)]), profileColumn(['a', 'b', null, 'a']), profileColumn([true, false])])
    expect(JSON.parse(JSON.stringify(profile))).toEqual(profile)
})

it('knows what lies outside of what it has seen', () => {
  const window = (like: ReturnType<typeof profileColumn>, cells: (number | string | null)[]) => {
    const histogram = emptyLike(like.histogram)
    cells.forEach(counter(histogram))
    return histogram
  }
  expect(outsideShare(window(profileColumn([1, 2, 3]), [0, 1, 3, 4]))).toBe(0.5)
  expect(outsideShare(window(profileColumn([7, 7]), [7, 7, 8]))).toBeCloseTo(1 / 3)
  expect(outsideShare(window(profileColumn(['a', 'b']), ['a', 'c', null]))).toBe(0.5)
})

it('measures Wasserstein over histograms as over the rows', () => {
  const reference = numeric(1, 5000)
  const profile = profileColumn(reference) as NumericProfile
  for (const [shift, scale] of [
    [0, 1],
    [0.05, 1],
    [0.3, 1],
    [2, 1],
    [0, 3],
  ] as const) {
    const current = numeric(7, 4000, shift, scale)
    const { histogram } = profileColumn(current, profile) as NumericProfile
    expect(histogramWasserstein(profile.histogram, histogram)).toBeCloseTo(wasserstein(reference, current), 2)
  }
})

it('is exact on few values', () => {
  const few = (seed: number, n: number) => numeric(seed, n).map((value) => Math.floor(value * 6))
  const profile = profileColumn(few(1, 900)) as NumericProfile
  const { histogram } = profileColumn(few(7, 800), profile) as NumericProfile
  expect(histogramWasserstein(profile.histogram, histogram)).toBeCloseTo(wasserstein(few(1, 900), few(7, 800)), 12)
})

it('measures Jensen–Shannon with what is new as a category of its own', () => {
  const profile = profileColumn(['a', 'a', 'b'])
  expect(histogramJensenShannon(profile.histogram, profile.histogram)).toBe(0)
  expect(histogramJensenShannon(profile.histogram, profileColumn(['c', 'd'], profile).histogram)).toBeCloseTo(
    Math.sqrt(Math.log(2)),
    12,
  )
})

it('refuses to merge what does not fit', () => {
  expect(() => mergeHistograms(profileColumn([1, 2]).histogram, profileColumn([1, 3]).histogram)).toThrow(RangeError)
  expect(() => mergeProfiles(profileColumn([1, 2]), profileColumn(['a']))).toThrow(RangeError)
})

it('knows what chance alone gives', () => {
  const random = seededRandom('noise')
  const mean = (draw: () => number) => Array.from({ length: 200 }, draw).reduce((sum, value) => sum + value) / 200
  const numbers = profileColumn(Array.from({ length: 20_000 }, () => random.normal())) as NumericProfile
  const fewNumbers = () =>
    (
      profileColumn(
        Array.from({ length: 100 }, () => random.normal()),
        numbers,
      ) as NumericProfile
    ).histogram
  const byChance = mean(() => histogramWasserstein(numbers.histogram, fewNumbers()))
  expect(Math.abs(wassersteinNoise(numbers.histogram, 100) / byChance - 1)).toBeLessThan(0.1)

  const airport = () => `A${Math.floor(250 * random.next() ** 2)}`
  const airports = profileColumn(Array.from({ length: 20_000 }, airport))
  for (const rows of [100, 500, 5000]) {
    const squared = mean(
      () =>
        histogramJensenShannon(airports.histogram, profileColumn(Array.from({ length: rows }, airport), airports).histogram) ** 2,
    )
    expect(Math.abs(jensenShannonNoise(airports.histogram, rows) / Math.sqrt(squared) - 1), `${rows} rows`).toBeLessThan(0.25)
  }
})
