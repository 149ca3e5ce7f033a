import { describe, expect, it } from 'vitest'
import { decideDataChecks, type ColumnFigures, type DataFigures } from './decide-data-checks.ts'

const distance: ColumnFigures = {
  column: 'v__distance',
  type: 'double',
  rows: 500,
  missing: 0.02,
  outside: 0,
  reference: { missing: 0.02 },
}
const good: DataFigures = {
  rows: { train: 700, validation: 100, holdout: 200 },
  expected: [{ name: 'v__distance', type: 'double' }],
  present: [
    { name: 'v__distance', type: 'double' },
    { name: 'v__extra', type: 'string' },
  ],
  classes: 2,
  columns: [distance],
  labels: { ripe: 1_000, labelled: 1_000 },
  earlier: null,
}
const anomalies = (change: Partial<DataFigures>) => {
  const verdict = decideDataChecks({ ...good, ...change }, 1_000)
  return verdict.is === 'passed' ? [] : verdict.anomalies.map(({ anomaly }) => anomaly)
}

describe('a dataset', () => {
  it('passes when nothing is amiss', () => {
    expect(decideDataChecks(good, 1_000)).toEqual({ is: 'passed' })
  })
  it('needs the least rows, and some in each part', () => {
    expect(decideDataChecks(good, 1_001)).toMatchObject({ is: 'refused', reason: 'too-few-rows' })
    expect(anomalies({ rows: { train: 1_000, validation: 100, holdout: 0 } })).toEqual(['DATASET_LOW_NUM_EXAMPLES'])
  })
  it('has the columns of the spec, numbers of any width', () => {
    expect(anomalies({ present: [] })).toEqual(['SCHEMA_MISSING_COLUMN'])
    expect(anomalies({ present: [{ name: 'v__distance', type: 'string' }] })).toEqual(['UNEXPECTED_DATA_TYPE'])
    expect(anomalies({ present: [{ name: 'v__distance', type: 'float' }] })).toEqual([])
  })
  it('has more than one label', () => {
    expect(anomalies({ classes: 1 })).toEqual(['LABELS_ONE_VALUE'])
    expect(anomalies({ classes: null })).toEqual([])
  })
})

describe('the newest rows', () => {
  it('may miss up to a point more values than the last good profile', () => {
    expect(anomalies({ columns: [{ ...distance, missing: 0.0299 }] })).toEqual([])
    expect(anomalies({ columns: [{ ...distance, missing: 0.031 }] })).toEqual(['FEATURE_TYPE_LOW_FRACTION_PRESENT'])
  })
  it('may lie outside of its range by up to a point; inside of it a shift is drift', () => {
    expect(anomalies({ columns: [{ ...distance, outside: 0.01 }] })).toEqual([])
    expect(anomalies({ columns: [{ ...distance, outside: 0.011 }] })).toEqual(['FLOAT_TYPE_OUT_OF_RANGE'])
    expect(anomalies({ columns: [{ ...distance, type: 'string', outside: 0.2 }] })).toEqual([
      'ENUM_TYPE_UNEXPECTED_STRING_VALUES',
    ])
    expect(anomalies({ columns: [{ ...distance, outside: null }] })).toEqual([])
  })
  it('are not judged when they are few, or without a profile', () => {
    expect(anomalies({ columns: [{ ...distance, rows: 99, missing: 1 }] })).toEqual([])
    expect(anomalies({ columns: [{ ...distance, missing: 1, outside: 1, reference: null }] })).toEqual([])
  })
  it('may not be much less labelled than the earlier ones', () => {
    const labels = { ripe: 2_000, labelled: 1_850 }
    expect(anomalies({ earlier: { ripe: 1_000, labelled: 1_000 }, labels })).toEqual(['LABELS_LOW_FRACTION_PRESENT'])
    expect(anomalies({ earlier: { ripe: 1_000, labelled: 900 }, labels: { ripe: 2_000, labelled: 1_750 } })).toEqual([])
    expect(anomalies({ earlier: { ripe: 1_950, labelled: 1_950 }, labels })).toEqual([])
  })
})
