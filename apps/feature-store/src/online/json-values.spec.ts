import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isoText, jsonWriter, protobufTime, unixSeconds } from './json-values.ts'

it('gives every float its point, and reads back as the same number', () => {
  const write = jsonWriter('double', isoText)
  expect([1, -0, 1e21, 5e-324, 0.1, null].map(write)).toEqual(['1.0', '-0.0', '1e+21', '5e-324', '0.1', 'null'])
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const text = write(value)
      expect(Object.is(JSON.parse(text), value)).toBe(true)
      expect(text).toMatch(/[.e]/)
    }),
  )
})
it('writes a 32-bit float with no more digits than it has', () => {
  const write = jsonWriter('float', isoText)
  expect(write(Math.fround(0.1))).toBe('0.1')
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(Math.fround(JSON.parse(write(value)) as number)).toBe(value)
    }),
  )
})
it('writes integers with all their digits', () =>
  expect(jsonWriter('int', isoText)(9_223_372_036_854_775_807n)).toBe('9223372036854775807'))
it('writes times as their reader expects them', () => {
  expect(unixSeconds(1_500)).toBe('1')
  expect(protobufTime(1_000)).toBe('"1970-01-01T00:00:01Z"')
  expect(protobufTime(1_500)).toBe('"1970-01-01T00:00:01.500Z"')
})
