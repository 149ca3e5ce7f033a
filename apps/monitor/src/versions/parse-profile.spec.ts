import { profileColumn } from '@cascata/statistics'
import { expect, it } from 'vitest'
import { parseProfile } from './parse-profile.ts'

const columns = { distance: profileColumn([1, 2, 3]), carrier: profileColumn(['AA', 'DL']) }

it('takes what it knows of a profile', () => {
  const stored = JSON.parse(
    JSON.stringify({
      rows: 3,
      columns: { ...columns, note: 'no profile' },
      importance: [
        { feature: 'distance', drop: 0.2 },
        { feature: 'carrier', drop: 0.6 },
      ],
      scores: profileColumn([0.1, 0.9]),
    }),
  )
  expect(parseProfile(stored)).toEqual({
    columns,
    importance: { distance: expect.closeTo(0.25), carrier: expect.closeTo(0.75) },
    scores: profileColumn([0.1, 0.9]).histogram,
  })
  expect(parseProfile(columns)).toEqual({ columns, importance: {}, scores: null })
})

it('is nothing where no column is one', () => {
  for (const nothing of [null, 7, 'x', {}, { columns: { a: { type: 'double' } } }]) expect(parseProfile(nothing)).toBeNull()
})
