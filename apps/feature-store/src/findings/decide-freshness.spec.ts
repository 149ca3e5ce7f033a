import { expect, it } from 'vitest'
import { decideFreshness } from './decide-freshness.ts'

it('is late when the watermark lags more than the objective', () => {
  expect(decideFreshness({ freshness: 10, watermark: 100 }, 110)).toEqual({ late: false, lag: 10 })
  expect(decideFreshness({ freshness: 10, watermark: 100 }, 111)).toEqual({ late: true, lag: 11 })
})
it('says nothing without an objective, or before the first row', () => {
  expect(decideFreshness({ freshness: null, watermark: 100 }, 1e9)).toBeNull()
  expect(decideFreshness({ freshness: 10, watermark: null }, 1e9)).toBeNull()
})
