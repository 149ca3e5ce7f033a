import { expect, it } from 'vitest'
import golden from './__golden__/kolmogorov.json' with { type: 'json' }
import { numeric } from './__golden__/data.ts'
import { kolmogorovSmirnov, kolmogorovTail } from './index.ts'

const closeTo = (value: number, golden: number, relative: number) =>
  expect(Math.abs(value - golden)).toBeLessThanOrEqual(relative * Math.abs(golden) + 1e-13)

it.each(golden.samples)('has the statistic and the p-value of ks_2samp: $n and $m rows', ({ n, m, shift, statistic, pValue }) => {
  const result = kolmogorovSmirnov(numeric(1, n), numeric(7, m, shift))
  closeTo(result.statistic, statistic, 1e-14)
  closeTo(result.pValue, pValue, 1e-8)
})

it.each(golden.tails)('has the tail of kstwo: n = $n, d = $d', ({ n, d, tail }) => closeTo(kolmogorovTail(n, d), tail, 1e-8))

it('finds nothing between equal samples', () => {
  expect(kolmogorovSmirnov(numeric(1, 100), numeric(1, 100))).toEqual({ statistic: 0, pValue: 1 })
})
