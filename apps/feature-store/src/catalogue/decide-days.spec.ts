import { expect, it } from 'vitest'
import { lastDays } from './decide-days.ts'

const day = 86_400_000
const noon = Date.UTC(2001, 0, 10, 12)
const midnight = Date.UTC(2001, 0, 10)

const segment = (position: number, rows: number, min: number, max: number) => ({ position, rows, eventTime: { min, max } })

it('takes the days up to the newest event time, from the newest segments that have rows enough', () => {
  const old = segment(1, 500, midnight - 9 * day, midnight - 8 * day - 1)
  const before = segment(2, 80, midnight - day, midnight - 1)
  const corrected = segment(3, 900, midnight - day, midnight - 1)
  const newest = segment(4, 40, midnight, noon)
  expect(lastDays([old, before, corrected, newest], { days: 3, rows: 100 })).toEqual({
    from: midnight - 2 * day,
    parts: [1, 9, 1],
    segments: [corrected, newest],
  })
})

it('parts a segment of many days among them', () => {
  const all = segment(1, 4_000, midnight - 3 * day, midnight + day - 1)
  const days = lastDays([all], { days: 2, rows: 100 })!
  expect(days).toEqual({ from: midnight - day, parts: [10, 10], segments: [all] })
})

it('finds no days where there are no rows, or tombstones only', () => {
  expect(lastDays([], { days: 3, rows: 100 })).toBeNull()
  expect(lastDays([{ position: 1, rows: 3, eventTime: null }], { days: 3, rows: 100 })).toBeNull()
})
