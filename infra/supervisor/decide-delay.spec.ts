import { expect, it } from 'vitest'
import { decideDelay } from './decide-delay.ts'

it('starts again soon after a first death, then waits twice as long each time', () => {
  expect(decideDelay(0, 10)).toEqual({ deaths: 1, delayMs: 200 })
  expect(decideDelay(1, 10)).toEqual({ deaths: 2, delayMs: 400 })
  expect(decideDelay(4, 10)).toEqual({ deaths: 5, delayMs: 3_200 })
})

it('never waits longer than ten seconds', () => {
  expect(decideDelay(40, 10).delayMs).toBe(10_000)
})

it('forgets old deaths of a process that lived long', () => {
  expect(decideDelay(9, 30_000)).toEqual({ deaths: 1, delayMs: 200 })
})
