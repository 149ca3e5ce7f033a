import { metricOf } from '@cascata/statistics'
import { describe, expect, it } from 'vitest'
import { decideJoin } from './decide-join.ts'
import { scoredOf } from './scored.ts'
import { comparable } from './served-rows.ts'

describe('when labels are joined', () => {
  const state = { cutoff: 100, joinedUpTo: 0, wantedUpTo: null, late: false, window: 2400 }
  it('waits until it is worth it', () => {
    expect(decideJoin(state)).toBeUndefined()
    expect(decideJoin({ ...state, cutoff: 300 })).toBe(300)
    expect(decideJoin({ ...state, cutoff: 2401, joinedUpTo: 2399 })).toBe(2401)
  })
  it('joins at once when somebody waits, and never twice', () => {
    expect(decideJoin({ ...state, wantedUpTo: 50 })).toBe(100)
    expect(decideJoin({ ...state, joinedUpTo: 100, wantedUpTo: 100 })).toBeUndefined()
    expect(decideJoin({ ...state, cutoff: null })).toBeUndefined()
    expect(decideJoin({ ...state, joinedUpTo: 100, late: true })).toBe(100)
    expect(decideJoin({ ...state, joinedUpTo: null })).toBe(100)
  })
})

describe('answers as metrics take them', () => {
  it('binary, labels as they come', () => {
    const answers = [
      { output: 1, probability: 0.9, label: true },
      { output: false, probability: null, label: 0 },
      { output: 'true', probability: { true: 0.7, false: 0.3 }, label: 'false' },
      { output: 1, probability: 0.6, label: null },
    ]
    expect(scoredOf('binary', answers)).toEqual({ task: 'binary', labels: [1, 0, 0], scores: [0.9, 0, 0.7] })
  })
  it('classes, also one that the model does not know', () => {
    const scored = scoredOf('multiclass', [
      { output: 'a', probability: { a: 0.8, b: 0.2 }, label: 'a' },
      { output: 'b', probability: { a: 0.4, b: 0.6 }, label: 'c' },
    ])
    expect(scored).toMatchObject({ labels: [0, 2], classes: 3, scores: [0.8, 0.2, 0, 0.4, 0.6, 0] })
    expect(metricOf('accuracy', scored)).toBe(0.5)
  })
  it('numbers', () =>
    expect(scoredOf('regression', [{ output: [2.5], probability: null, label: 3 }])).toEqual({
      task: 'regression',
      labels: [3],
      scores: [2.5],
    }))
})

it('compares served values by what they mean', () => {
  expect([comparable('', 'string'), comparable(7, 'string'), comparable(true, 'bool'), comparable(null, 'int')]).toEqual([
    null,
    '7',
    1,
    null,
  ])
  expect(comparable('2001-01-01T00:00:00Z', 'timestamp')).toBe(Date.UTC(2001, 0, 1))
})
