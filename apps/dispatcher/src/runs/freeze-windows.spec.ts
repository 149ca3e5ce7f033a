import { expect, it } from 'vitest'
import { inFreezeWindow } from './freeze-windows.ts'

const at = (time: string): number => Date.parse(time)

it('knows windows between two times', () => {
  const windows = ['2026-12-20T00:00Z/2027-01-02T00:00Z']
  expect(inFreezeWindow(windows, at('2026-12-19T23:59Z'))).toBe(false)
  expect(inFreezeWindow(windows, at('2026-12-20T00:00Z'))).toBe(true)
  expect(inFreezeWindow(windows, at('2027-01-02T00:00Z'))).toBe(false)
})
it('knows windows of every day, also over midnight', () => {
  expect(inFreezeWindow(['09:00-17:00'], at('2026-03-01T16:59Z'))).toBe(true)
  expect(inFreezeWindow(['09:00-17:00'], at('2026-03-01T17:00Z'))).toBe(false)
  expect(inFreezeWindow(['22:00-06:00'], at('2026-03-01T23:00Z'))).toBe(true)
  expect(inFreezeWindow(['22:00-06:00'], at('2026-03-01T05:59Z'))).toBe(true)
  expect(inFreezeWindow(['22:00-06:00'], at('2026-03-01T06:00Z'))).toBe(false)
})
it('refuses what is none', () => {
  expect(() => inFreezeWindow(['weekends'], 0)).toThrow('weekends is no freeze window')
})
