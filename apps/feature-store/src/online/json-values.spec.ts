import fc from 'fast-check'
import { expect, it } from 'vitest'
import { feastStyle, jsonWriter, ownStyle, protobufTime, unixSeconds } from './json-values.ts'

it('gives every float its point, and reads back as the same number', () => {
  const write = jsonWriter('double', ownStyle)
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
  const write = jsonWriter('float', ownStyle)
  expect(write(Math.fround(0.1))).toBe('0.1')
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(Math.fround(JSON.parse(write(value)) as number)).toBe(value)
    }),
  )
})
it('writes integers with all their digits', () =>
  expect(jsonWriter('int', ownStyle)(9_223_372_036_854_775_807n)).toBe('9223372036854775807'))
it('writes times as their reader expects them', () => {
  expect(unixSeconds(1_500)).toBe('1')
  expect(protobufTime(1_000)).toBe('"1970-01-01T00:00:01Z"')
  expect(protobufTime(1_500)).toBe('"1970-01-01T00:00:01.500Z"')
})
it('writes bytes in base64, and each item of a list as a value of its own', () => {
  expect(jsonWriter('bytes', ownStyle)(Buffer.from([0, 255]))).toBe('"AP8="')
  expect(jsonWriter('list<double>', ownStyle)([1, 0.5, -0])).toBe('[1.0,0.5,-0.0]')
  expect(jsonWriter('list<float>', ownStyle)([Math.fround(0.1)])).toBe('[0.1]')
  expect(jsonWriter('list<int>', feastStyle)([1, 9_223_372_036_854_775_807n])).toBe('[1,9223372036854775807]')
  expect(jsonWriter('list<string>', ownStyle)(['a"b', ''])).toBe('["a\\"b",""]')
  expect(jsonWriter('list<timestamp>', ownStyle)([1_500])).toBe('["1970-01-01T00:00:01.500Z"]')
  expect(jsonWriter('list<timestamp>', feastStyle)([1_500])).toBe('[1]')
  expect(jsonWriter('list<bytes>', feastStyle)([Buffer.from([0, 255])])).toBe('["AP8="]')
  expect(jsonWriter('list<bool>', ownStyle)([true, false])).toBe('[true,false]')
})
it('writes an empty list as null for a client of Feast, which raises on one', () =>
  expect([ownStyle, feastStyle].map((style) => jsonWriter('list<int>', style)([]))).toEqual(['[]', 'null']))
