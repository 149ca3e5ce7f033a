import { describe, expect, it } from 'vitest'
import { type Candidate, type CompactionRules, decideCompaction, isExpired, packDays } from './decide-compaction.ts'

const day = 86_400_000
const now = 100 * day
const rules: CompactionRules = { settleAfter: 60_000, minFiles: 4, maxAge: 3_600_000, targetBytes: 100, maxBytes: 300 }

const segment = (position: number, more: Partial<Candidate> = {}): Candidate => ({
  position,
  bytes: 10,
  compacted: false,
  erasures: 0,
  eventTime: { min: 5 * day, max: 5 * day + 1 },
  ingestedAt: now - 120_000,
  ...more,
})
const positions = (segments: readonly Candidate[], erasures = 0) =>
  decideCompaction(segments, erasures, now, rules)?.inputs.map(({ position }) => position)

describe('what is merged', () => {
  it('is nothing while small segments are few and young', () =>
    expect(positions([segment(1), segment(2), segment(3)])).toBeUndefined())
  it('are small segments once they are many', () =>
    expect(positions([segment(1), segment(2), segment(3), segment(4)])).toEqual([1, 2, 3, 4]))
  it('are two once one is old', () =>
    expect(positions([segment(1, { ingestedAt: now - 3_600_000 }), segment(2)])).toEqual([1, 2]))
  it('is never one alone', () => expect(positions([segment(1, { ingestedAt: 0 })])).toBeUndefined())
  it('is none that what follows flushes may not have read yet', () =>
    expect(positions([1, 2, 3, 4].map((at) => segment(at, { ingestedAt: now - 1_000 })))).toBeUndefined())
  it('is no large one', () => expect(positions([1, 2, 3, 4].map((at) => segment(at, { bytes: 100 })))).toBeUndefined())
  it('comes with the merged ones of the same days, as long as they are small', () => {
    const merged = (at: number, more: Partial<Candidate> = {}) => segment(at, { compacted: true, bytes: 90, ...more })
    const other = merged(8, { eventTime: { min: 6 * day, max: 6 * day } })
    const small = [1, 2, 3, 4].map((at) => segment(at))
    expect(positions([...small, merged(7), other, merged(9, { bytes: 100 })])).toEqual([1, 2, 3, 4, 7])
  })
  it('is no more than the bytes of one merge', () =>
    expect(positions([1, 2, 3, 4, 5].map((at) => segment(at, { bytes: 90 })))).toEqual([1, 2, 3]))
  it('is first what may hold erased entities, however young or large', () => {
    const stale = segment(1, { bytes: 1_000, ingestedAt: now })
    expect(decideCompaction([stale, segment(2, { erasures: 1 })], 1, now, rules)).toEqual({ why: 'erased', inputs: [stale] })
  })
})

describe('files', () => {
  it('hold whole days: one of many rows, several of few', () =>
    expect(
      packDays([
        { day: -1, rows: 20_000 },
        { day: 3, rows: 40_000 },
        { day: 4, rows: 900_000 },
        { day: 5, rows: 1 },
      ]),
    ).toEqual([
      { from: -day, to: 4 * day },
      { from: 4 * day, to: 5 * day },
      { from: 5 * day, to: 6 * day },
    ]))
})

describe('retention', () => {
  const expired = (age: number, retention: number | null, ttl: number | null) =>
    isExpired({ ingestedAt: now - age }, { retention, ttl }, now)
  it('counts from when the newest row came', () =>
    expect([expired(day + 1, day, 1), expired(day, day, 1)]).toEqual([true, false]))
  it('never takes a row that may answer', () =>
    expect([expired(day + 1, day, 2 * day), expired(9 * day, day, null), expired(9 * day, null, 1)]).toEqual([
      false,
      false,
      false,
    ]))
})
