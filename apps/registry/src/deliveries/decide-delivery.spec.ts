import { expect, it } from 'vitest'
import { decideDelivery, mostAttempts } from './decide-delivery.ts'

const answered = (status: number, retryAfterMs?: number) =>
  ({ is: 'answered', status, body: 'no', ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }) as const

it.each([200, 201, 204])('takes %i as delivered', (status) => {
  expect(decideDelivery(1, answered(status))).toEqual({ is: 'delivered' })
})

it.each([301, 302, 400, 401, 404, 410])('gives up on %i at once', (status) => {
  expect(decideDelivery(1, answered(status))).toEqual({ is: 'given-up', why: `status ${status}: no` })
})

it.each([408, 429, 500, 503])('tries again on %i', (status) => {
  expect(decideDelivery(1, answered(status))).toEqual({ is: 'again', afterMs: 1_000, why: `status ${status}: no` })
})

it('waits twice as long each time, an hour at most, and as long as it is asked to', () => {
  const down = { is: 'unreachable', why: 'ECONNREFUSED' } as const
  expect([1, 2, 3, 4].map((attempt) => decideDelivery(attempt, down))).toMatchObject(
    [1, 2, 4, 8].map((s) => ({ afterMs: s * 1_000 })),
  )
  expect(decideDelivery(13, down)).toMatchObject({ is: 'again', afterMs: 3_600_000 })
  expect(decideDelivery(mostAttempts, down)).toEqual({ is: 'given-up', why: 'ECONNREFUSED' })
  expect(decideDelivery(1, answered(429, 60_000))).toMatchObject({ afterMs: 60_000 })
  expect(decideDelivery(1, answered(429, 1e9))).toMatchObject({ afterMs: 3_600_000 })
})

it('never calls again what must not be called', () => {
  expect(decideDelivery(1, { is: 'forbidden', why: 'its address is not public' })).toEqual({
    is: 'given-up',
    why: 'its address is not public',
  })
})
