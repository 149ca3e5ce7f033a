import { expect, it } from 'vitest'
import { rateLimiter } from './rate-limit.ts'

it('lets a burst through, then so many a second, by name', () => {
  const wait = rateLimiter({ perSecond: 10, burst: 3 })
  expect([0, 0, 0, 0].map((at) => wait('a', at))).toEqual([0, 0, 0, 100])
  expect(wait('b', 0)).toBe(0)
  expect(wait('a', 50)).toBe(50)
  expect(wait('a', 100)).toBe(0)
  expect(wait('a', 100)).toBe(100)
  expect([0, 0, 0, 0].map(() => wait('a', 10_000))).toEqual([0, 0, 0, 100])
})

it('forgets whom it did not see for longest', () => {
  const wait = rateLimiter({ perSecond: 1, burst: 1 })
  wait('first', 0)
  for (let index = 0; index < 10_000; index += 1) wait(`name ${index}`, 0)
  expect(wait('first', 0)).toBe(0)
  expect(wait('name 9999', 0)).toBe(1_000)
})
