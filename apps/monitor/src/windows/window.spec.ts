import { type NumericHistogram, profileColumn } from '@cascata/statistics'
import { expect, it } from 'vitest'
import { isClosed, mergeSummaries, type Reference, type Seen, summarise, windowOf } from './window.ts'

const reference: Reference = {
  columns: { distance: profileColumn([100, 200, 300, 400]), carrier: profileColumn(['AA', 'DL']), label: profileColumn([0, 1]) },
  importance: {},
  scores: null,
}
const seen = (distance: number | null, carrier: string, probability: number): Seen => ({
  features: { distance, carrier },
  output: probability >= 0.5,
  probability,
})
const rows = [seen(100, 'AA', 0.2), seen(null, 'DL', 0.7), seen(5000, 'XX', 0.9), { features: {}, output: null, error: 'INF_X' }]

it('counts what a version saw and said', () => {
  const summary = summarise(rows, 'binary', reference)
  expect(summary).toMatchObject({
    rows: 3,
    errors: 1,
    features: { carrier: { counts: [1, 1], other: 1 }, distance: { nulls: 1 } },
  })
  expect(Object.keys(summary.features)).toEqual(['distance', 'carrier'])
  expect((summary.score as NumericHistogram).counts.reduce((a, b) => a + b)).toBe(3)
})

it('is the same in one piece and in parts', () => {
  const parts = mergeSummaries(summarise(rows.slice(0, 1), 'binary', reference), summarise(rows.slice(1), 'binary', reference))
  expect(parts).toEqual(summarise(rows, 'binary', reference))
  expect(mergeSummaries({ rows: 0, errors: 0, features: {}, score: null }, parts)).toEqual(parts)
})

it('lays windows end to end in UTC', () => {
  const day = 86_400_000
  const at = Date.parse('2001-01-14T09:30:00Z')
  expect(windowOf(at, day)).toEqual({ from: Date.parse('2001-01-14'), to: Date.parse('2001-01-15') })
  expect(isClosed(Date.parse('2001-01-15'), day, Date.parse('2001-01-15T00:59:00Z'))).toBe(false)
  expect(isClosed(Date.parse('2001-01-15'), day, Date.parse('2001-01-15T01:00:00Z'))).toBe(true)
})

it('reads times among numbers, and numbers among flags', () => {
  const day = Date.parse('2001-01-14T00:00:00Z')
  const typed: Reference = {
    columns: { departsAt: profileColumn([day, day + 1000]), late: profileColumn([true, false]) },
    importance: {},
    scores: null,
  }
  const { features } = summarise([{ features: { departsAt: '2001-01-14T00:00:00Z', late: 1 }, output: 1 }], 'binary', typed)
  expect(features).toMatchObject({
    departsAt: { nans: 0, counts: [0, 1, 0, 0] },
    late: { other: 0, counts: expect.arrayContaining([1]) },
  })
})
