import fc from 'fast-check'
import { expect, it } from 'vitest'
import { nestsDeeperThan, parseJsonBody } from './json-body.ts'

const depthOf = (value: unknown): number =>
  value !== null && typeof value === 'object' ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0

it('knows the depth of any JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.integer({ min: 0, max: 8 }), (value, limit) => {
      expect(nestsDeeperThan(JSON.stringify(value, null, 5), limit)).toBe(depthOf(value) > limit)
    }),
  )
})

it('parses as JSON.parse does, but for keys that are never legal', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value)
      if (text.includes('"__proto__"')) return
      expect(parseJsonBody(text, 64)).toEqual(JSON.parse(text))
    }),
  )
})

it('is fast on hostile texts', () => {
  const start = performance.now()
  expect(() => parseJsonBody(`"${'\\'.repeat(2_000_000)}`, 64)).toThrow()
  expect(() => parseJsonBody('['.repeat(2_000_000), 64)).toThrow('deeper')
  expect(() => parseJsonBody('"\\"'.repeat(500_000), 64)).toThrow()
  expect(performance.now() - start).toBeLessThan(1_000)
})
