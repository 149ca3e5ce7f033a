import { describe, expect, it } from 'vitest'
import { candidateWindows, chooseWindow, rowsWithin, sameWindow } from './windows.ts'

const day = 86_400_000
/** An observation each `step` ms over `days`, ending at day 1000. */
const evenly = (days: number, step: number): Float64Array =>
  Float64Array.from({ length: (days * day) / step }, (_, at) => 1_000 * day - at * step)

describe('windows of history', () => {
  it('are all of it and its newest half, quarter and eighth', () => {
    const windows = candidateWindows(evenly(160, day / 100))
    expect(windows.map(({ ms }) => ms && Math.round(ms / day))).toEqual([null, 80, 40, 20])
    expect(windows.map(({ rows }) => rows)).toEqual([16_000, 8_000, 4_000, 2_000])
  })

  it('are not tried with fewer than a thousand rows, or shorter than a day', () => {
    expect(candidateWindows(evenly(40, day / 100))).toHaveLength(3)
    expect(candidateWindows(evenly(3, day / 10_000))).toHaveLength(2)
    expect(candidateWindows(evenly(1, day / 10))).toHaveLength(1)
  })

  it('of a refit keep their length and end with the newest row', () => {
    const at = evenly(100, day / 10)
    const window = sameWindow(at, 10 * day)
    expect(window).toMatchObject({ from: 990 * day, rows: 101 })
    expect(rowsWithin(at, window)).toHaveLength(101)
    expect(sameWindow(at, null).rows).toBe(1_000)
  })
})

describe('the window that is kept', () => {
  const losses = (mean: number, wobble: number): Float64Array =>
    Float64Array.from({ length: 400 }, (_, at) => mean + (at % 2 ? wobble : -wobble))
  it('is the longest when a shorter one is better only within the noise', () => {
    expect(chooseWindow([losses(0.5, 0.1), losses(0.4999, -0.1)])).toBe(0)
    expect(chooseWindow([losses(0.5, 0), losses(0.5, 0)])).toBe(0)
  })
  it('is the shorter one when it is clearly better', () => {
    expect(chooseWindow([losses(0.5, 0.1), losses(0.4, -0.1), losses(0.41, 0)])).toBe(1)
    expect(chooseWindow([losses(0.5, 0), losses(0.4, 0), losses(0.3, 0)])).toBe(2)
  })
})
