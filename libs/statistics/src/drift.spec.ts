import { describe, expect, it } from 'vitest'
import golden from './__golden__/drift.json' with { type: 'json' }
import { coarse, numeric } from './__golden__/data.ts'
import {
  categoricalDrift,
  commonBins,
  countDistinct,
  hellinger,
  hellingerNumeric,
  jensenShannon,
  klDivergence,
  normedWasserstein,
  numericDrift,
  psi,
} from './index.ts'

const names = {
  ks: 'kolmogorov-smirnov',
  chisquare: 'chi-square',
  z: 'z',
  wasserstein: 'wasserstein-normed',
  jensenshannon: 'jensen-shannon',
} as const

describe('against Evidently 0.7.23', () => {
  it.each(golden.numeric)('measures numbers alike: $reference → $current', (is) => {
    const reference = numeric(...(is.reference as [number, number, number, number]))
    const current = numeric(...(is.current as [number, number, number, number]))
    const counts = commonBins(reference, current)
    expect(psi(counts.reference, counts.current)).toBeCloseTo(is.psi, 10)
    expect(klDivergence(counts.reference, counts.current)).toBeCloseTo(is.kl_div, 10)
    expect(jensenShannon(counts.reference, counts.current)).toBeCloseTo(is.jensenshannon, 10)
    expect(hellingerNumeric(reference, current)).toBeCloseTo(is.hellinger, 10)
    expect(normedWasserstein(reference, current)).toBeCloseTo(is.wasserstein, 10)
    const drift = numericDrift(reference, current)
    expect(drift).toMatchObject({ method: names[is.default as keyof typeof names], drifted: is.drifted })
    expect(drift.score).toBeCloseTo(is.score, 10)
  })

  it.each(golden.coarse)('measures few values alike: $kind $reference → $current', (is) => {
    const reference = coarse(...(is.reference as [number, number, number, number]))
    const current = coarse(...(is.current as [number, number, number, number]))
    const counts = countDistinct(reference, current)
    expect(psi(counts.reference, counts.current)).toBeCloseTo(is.psi, 10)
    expect(klDivergence(counts.reference, counts.current)).toBeCloseTo(is.kl_div, 10)
    expect(jensenShannon(counts.reference, counts.current)).toBeCloseTo(is.jensenshannon, 10)
    if (is.kind === 'cat') expect(hellinger(counts.reference, counts.current)).toBeCloseTo(is.hellinger, 10)
    const drift = is.kind === 'num' ? numericDrift(reference, current) : categoricalDrift([...reference], [...current])
    expect(drift).toMatchObject({ method: names[is.default as keyof typeof names], drifted: is.drifted })
    expect(drift.score).toBeCloseTo(is.score, 10)
  })
})

it('drops null, NaN and infinities first', () => {
  const reference = [...numeric(1, 300)]
  const dirty = [null, NaN, ...numeric(7, 300), Infinity, -Infinity]
  expect(numericDrift(reference, dirty)).toEqual(numericDrift(reference, numeric(7, 300)))
  expect(categoricalDrift(['a', null, 'b', 'b'], ['a', 'b', null])).toEqual(categoricalDrift(['a', 'b', 'b'], ['a', 'b']))
})
