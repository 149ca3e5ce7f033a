import { createRequire } from 'node:module'
import { afterEach, expect, it } from 'vitest'
import { cureIdleLoop } from './idle-patch.ts'

const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue')
const queue = (state: object) =>
  Object.assign(Object.create(prototype), { pending: [], throttledUntil: -1, throttleCheckTimeoutId: null, ...state })
let used: { throttleCheckTimeoutId: NodeJS.Timeout | null } | undefined

cureIdleLoop()
afterEach(() => clearTimeout(used?.throttleCheckTimeoutId ?? undefined))

it('arms no timer when nothing is pending', () => {
  used = queue({})
  prototype.scheduleCheckPendingRequests.call(used)
  expect(used!.throttleCheckTimeoutId).toBeNull()
})

it.each([{ pending: [{}] }, { throttledUntil: Date.now() + 60_000 }])('still arms one for %o', (state) => {
  used = queue(state)
  prototype.scheduleCheckPendingRequests.call(used)
  expect(used!.throttleCheckTimeoutId).not.toBeNull()
})
