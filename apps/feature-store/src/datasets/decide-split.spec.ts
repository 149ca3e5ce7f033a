import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decideSplit } from './decide-split.ts'

const shares = { validation: 0.1, holdout: 0.2 }

describe('the split by time', () => {
  it('gives the newest rows to the holdout and keeps the embargo on both sides of the validation', () => {
    const times = Float64Array.from({ length: 1000 }, (_, index) => index)
    expect(decideSplit(times, shares, 50)).toEqual({
      train: { to: 600 },
      validation: { from: 650, to: 750 },
      holdout: { from: 800 },
    })
  })
  it('is none when the history is shorter than the embargoes', () => {
    expect(decideSplit(Float64Array.from([1, 2, 3, 4]), shares, 100)).toBeNull()
    expect(decideSplit(new Float64Array(), shares, 0)).toBeNull()
  })
  it('never lets two parts come closer than the embargo, whatever the rows', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5000), { minLength: 1, maxLength: 300 }), fc.nat(500), (unsorted, embargo) => {
        const times = Float64Array.from(unsorted).sort()
        const split = decideSplit(times, shares, embargo)
        if (!split) return
        expect(times.some((at) => at < split.train.to)).toBe(true)
        expect(split.validation!.from - split.train.to).toBeGreaterThanOrEqual(embargo)
        expect(split.holdout!.from - split.validation!.to).toBeGreaterThanOrEqual(embargo)
        expect(times.some((at) => at >= split.validation!.from && at < split.validation!.to)).toBe(true)
        expect(times.some((at) => at >= split.holdout!.from)).toBe(true)
      }),
    )
  })
})
