import { describe, expect, it } from 'vitest'
import { aView } from '../feature-views/a-view.ts'
import { lengthFault, rowsOf } from './decide-rows.ts'

const fields = { flight: 'string', publishedAt: 'timestamp', n: 'int' } as const
const view = aView({ fields })
const published = (given: unknown, format: 'iso8601' | 'unix-s' | 'unix-ms' | 'unix-us' = 'iso8601') =>
  rowsOf({ flight: ['F1'], publishedAt: [given], n: [1] }, aView({ fields, format }))[0]!['publishedAt']

it('makes rows of columns', () => {
  expect(
    rowsOf({ flight: ['F1', 'F2'], publishedAt: ['2001-01-14T09:00:00Z', null], n: [1, 2], more: ['x', 'y'] }, view),
  ).toEqual([
    { flight: 'F1', publishedAt: '2001-01-14T09:00:00.000Z', n: 1, more: 'x' },
    { flight: 'F2', publishedAt: null, n: 2, more: 'y' },
  ])
})

it('takes the time column that Feast’s client names itself, and leaves its other one out', () => {
  const frame = { flight: ['F1'], n: [1], event_timestamp: ['2001-01-14T09:00:00.250000'], created: [null] }
  expect(rowsOf(frame, view)).toEqual([{ flight: 'F1', n: 1, publishedAt: '2001-01-14T09:00:00.250Z' }])
})

describe('a timestamp', () => {
  it.each([
    ['2001-01-14T09:00:00', '2001-01-14T09:00:00.000Z'],
    ['2001-01-14 09:00:00.123456', '2001-01-14T09:00:00.123Z'],
    ['2001-01-14 09:00:00+01:00', '2001-01-14T08:00:00.000Z'],
    ['2001-01-14', '2001-01-14T00:00:00.000Z'],
    ['yesterday', 'yesterday'],
    ['2001-02-30', '2001-02-30'],
    [979_462_800, 979_462_800],
  ])('%s is sent as %s', (given, sent) => expect(published(given)).toBe(sent))
  it('is written in the format of its view', () => {
    expect(published('2001-01-14T09:00:00', 'unix-s')).toBe(979_462_800)
    expect(published('2001-01-14T09:00:00', 'unix-ms')).toBe(979_462_800_000)
    expect(published('2001-01-14T09:00:00', 'unix-us')).toBe(979_462_800_000_000)
    expect(published(979_462_800, 'unix-s')).toBe(979_462_800)
  })
})

it('says which columns do not fit together', () => {
  expect(lengthFault({ flight: ['F1', 'F2'], n: [1] })).toBe('column n has 1 values, and flight has 2')
  expect(lengthFault({})).toBe('df has no columns')
  expect(lengthFault({ flight: [], n: [] })).toBeUndefined()
})
