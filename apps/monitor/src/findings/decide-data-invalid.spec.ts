import { describe, expect, it } from 'vitest'
import { type FeatureMeasure } from '../windows/measure-window.ts'
import { decideDataInvalid, type WindowData } from './decide-data-invalid.ts'

const policy = { minRows: 500, timestamps: new Set<string>() }

const feature = (more: Partial<FeatureMeasure> = {}): FeatureMeasure => ({
  name: 'distance',
  measure: 'wasserstein-normed',
  size: 0,
  noise: 0,
  effect: 0,
  weight: 1,
  rows: 1000,
  nullRate: 0,
  referenceNullRate: 0,
  outside: 0,
  referenceOutside: 0,
  ...more,
})

const window = (features: FeatureMeasure[], more: Partial<WindowData> = {}): WindowData => ({
  from: 0,
  to: 1,
  rows: 1000,
  features,
  views: [],
  ...more,
})
const judge = (...windows: WindowData[]) => decideDataInvalid(windows, policy)

describe('invalid data', () => {
  it('is a null rate that grew by more than a point', () => {
    expect(judge(window([feature({ nullRate: 0.05, referenceNullRate: 0.01 })]))).toMatchObject({
      is: 'bad',
      measure: 'null-rate',
      size: expect.closeTo(0.04),
      features: [{ name: 'distance', anomaly: 'FEATURE_TYPE_LOW_FRACTION_PRESENT' }],
    })
    expect(judge(window([feature({ nullRate: 0.009 })])).is).toBe('good')
  })
  it('is a share outside of the profile that grew by more than a point', () => {
    expect(judge(window([feature({ outside: 0.3 })]))).toMatchObject({
      is: 'bad',
      measure: 'outside-share',
      features: [{ anomaly: 'FLOAT_TYPE_OUT_OF_RANGE' }],
    })
    expect(judge(window([feature({ outside: 0.3, measure: 'jensen-shannon' })]))).toMatchObject({
      features: [{ anomaly: 'ENUM_TYPE_UNEXPECTED_STRING_VALUES' }],
    })
  })
  it('is no shift inside of the range: that is drift', () =>
    expect(judge(window([feature({ effect: 0.8, size: 0.8 })])).is).toBe('good'))
  it('is not what few rows show by chance', () => {
    expect(judge(window([feature({ rows: 500, nullRate: 0.115, referenceNullRate: 0.1 })])).is).toBe('good')
    expect(judge(window([feature({ rows: 50_000, nullRate: 0.115, referenceNullRate: 0.1 })])).is).toBe('bad')
  })
  it('is a share of refused rows that grew', () => {
    const views = [{ view: 'flights', accepted: 900, rejected: 100, usual: 0.001 }]
    expect(judge(window([feature()], { views }))).toMatchObject({
      is: 'bad',
      measure: 'rejected-share',
      features: [{ name: 'flights' }],
    })
    expect(judge(window([], { rows: 0, views })).is).toBe('bad')
  })
  it('leaves out the range of timestamps, which grow by nature', () => {
    const grown = window([feature({ name: 'departsAt', outside: 1 })])
    expect(decideDataInvalid([grown], { minRows: 500, timestamps: new Set(['departsAt']) }).is).toBe('good')
    expect(judge(grown).is).toBe('bad')
  })
  it('goes by the newest window with enough rows', () => {
    const bad = window([feature({ outside: 0.3 })])
    expect(judge(bad, window([feature()])).is).toBe('good')
    expect(judge(bad, window([feature()], { rows: 10 })).is).toBe('bad')
    expect(judge(window([], { rows: 10 })).is).toBe('unknown')
  })
})
