import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arrivalOf, iso, parseIso, placeImported, placeLive, timeReader } from './validate-times.ts'

const minute = 60_000

describe('ISO 8601', () => {
  it('reads what a clock writes', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
        (date) => {
          expect(parseIso(date.toISOString())).toBe(date.getTime())
        },
      ),
    )
  })
  it.each([
    ['2001-01-14T09:30:00.250+01:00', Date.parse('2001-01-14T08:30:00.250Z')],
    ['2001-01-14T09:30-0530', Date.parse('2001-01-14T15:00:00Z')],
    ['2001-01-14T09:30:00,5+02', Date.parse('2001-01-14T07:30:00.500Z')],
    ['2000-02-29T00:00:00.123456789Z', Date.parse('2000-02-29T00:00:00.123Z')],
  ])('reads %s', (text, ms) => expect(parseIso(text)).toBe(ms))

  it.each([
    '2001-01-14T09:30:00',
    '2001-01-14',
    '2001-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2001-13-01T00:00:00Z',
    '2001-01-14T24:00:00Z',
    '2001-01-14T09:30:60Z',
    '2001-01-14T09:30:00.Z',
    '2001-01-14T09:30:00Zulu',
    '2001-01-14 09:30:00Z',
    '14.01.2001',
    '979464600',
    '',
  ])('refuses %j', (text) => expect(parseIso(text)).toBeNaN())
})

it('reads a Unix time in the unit of the view only', () => {
  expect(timeReader('unix-s')(979_464_600)).toBe(979_464_600_000)
  expect(timeReader('unix-ms')(979_464_600_250)).toBe(979_464_600_250)
  expect(timeReader('unix-us')(979_464_600_250_999)).toBe(979_464_600_250)
  expect(timeReader('unix-s')('979464600')).toBeNaN()
  expect(timeReader('iso8601')(979_464_600)).toBeNaN()
  expect(timeReader('unix-s')(979_464_600_000)).toBeNaN()
})

it('writes a time as a clock does', () => {
  const limit = 8_640_000_000_000_000
  const days = fc.tuple(fc.integer({ min: -3, max: 3 }), fc.nat(2 * 86_400_000)).map(([day, ms]) => day * 86_400_000 + ms)
  fc.assert(
    fc.property(fc.array(fc.oneof(days, fc.integer({ min: -limit, max: limit }))), (times) => {
      expect(times.map(iso)).toEqual(times.map((ms) => new Date(ms).toISOString()))
    }),
  )
  expect(() => iso(Number.NaN)).toThrow(RangeError)
})

describe('a live row', () => {
  it('is available when it arrived, or when it happened if that is later', () => {
    expect(placeLive(1000, 5000)).toEqual({ eventTime: 1000, availableAt: 5000 })
  })
  it('is clamped to its arrival when it is a little ahead, and refused when it is far ahead', () => {
    expect(placeLive(5 * minute, 0)).toEqual({ eventTime: 0, availableAt: 0 })
    expect(placeLive(5 * minute + 1, 0)).toBeNull()
  })
  it('arrives at its record time, unless that is missing or ahead of the clock', () => {
    expect(arrivalOf(1000, 2000)).toBe(1000)
    expect(arrivalOf(3000, 2000)).toBe(2000)
    expect(arrivalOf(Number.NaN, 2000)).toBe(2000)
    expect(arrivalOf(-1, 2000)).toBe(2000)
  })
})

it('knows an imported row `lag` after it happened, and never in the future', () => {
  expect(placeImported(1000, 500, 5000)).toEqual({ eventTime: 1000, availableAt: 1500 })
  expect(placeImported(4600, 500, 5000)).toBeNull()
})
