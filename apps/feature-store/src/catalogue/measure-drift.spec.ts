import { expect, it } from 'vitest'
import { driftOf } from './measure-drift.ts'

const days = ['2001-01-08', '2001-01-09', '2001-01-10']
const datesOf = (perDay: number) => days.flatMap((day) => new Array<number>(perDay).fill(Date.parse(day)))

it('counts by day on the deciles of all days, each against the other days', () => {
  const shifted = (row: number) => (row % 100) + (row >= 200 ? 50 : 0)
  const drift = driftOf(
    datesOf(100),
    Array.from({ length: 300 }, (_, row) => shifted(row)),
  )
  expect('edges' in drift.bins && drift.bins.edges).toHaveLength(11)
  expect(drift.reference).toMatchObject({ rows: 300 })
  expect(drift.reference.counts.reduce((sum, count) => sum + count, 0)).toBe(300)
  expect(drift.days.map(({ day, rows }) => [day, rows])).toEqual(days.map((day) => [day, 100]))
  const [first, second, third] = drift.days
  expect(first!.counts).toEqual(second!.counts)
  expect(third!.distance!).toBeGreaterThan(1.5 * first!.distance!)
  expect(third!.distance!).toBeGreaterThan(3 * third!.noise!)
})

it('finds nothing in values that do not move', () => {
  const drift = driftOf(
    datesOf(100),
    Array.from({ length: 300 }, (_, row) => row % 100),
  )
  expect(drift.days.map(({ distance }) => distance)).toEqual([0, 0, 0])
})

it.each([
  ['texts', ['UA', 'UA', null, 'DL', 'UA', 'UA'], { values: ['UA', 'DL'] }],
  ['booleans', [true, true, null, false, true, true], { values: ['true', 'false'] }],
  ['few numbers', [1, 1, null, 0, 1, 1], { edges: [0, 0.5, 1] }],
])('bins %s by their values', (_what, cells, bins) => {
  const drift = driftOf(datesOf(2), cells)
  expect(drift.bins).toEqual(bins)
  const order = 'edges' in bins ? ([no, yes]: number[]) => [yes, no] : ([yes, no]: number[]) => [yes, no]
  expect(drift.days.map(({ rows, nulls, counts }) => [rows, nulls, order([...counts])])).toEqual([
    [2, 0, [2, 0]],
    [2, 1, [0, 1]],
    [2, 0, [2, 0]],
  ])
})

it('knows no distance for a day alone, or one without values', () => {
  expect(driftOf([0, 0], [1, 2]).days).toEqual([expect.objectContaining({ distance: null, noise: null })])
  const [, second] = driftOf([0, 1e8, 1e8], [1, null, NaN]).days
  expect(second).toMatchObject({ rows: 2, nulls: 1, distance: null, noise: null })
  expect(driftOf([], [])).toEqual({ bins: { values: [] }, reference: { rows: 0, counts: [] }, days: [] })
})
