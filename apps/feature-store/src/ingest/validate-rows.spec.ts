import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aView } from '../feature-views/a-view.ts'
import { decodeKey, encodeKey } from './entity-key.ts'
import { compileValidator, type RawRecord } from './validate-rows.ts'

const now = Date.parse('2001-01-14T12:00:00Z')
const view = aView({
  fields: {
    flight: 'string',
    publishedAt: 'timestamp',
    carrier: { type: 'string', nullable: true, maxLength: 2, enum: ['AA', 'UA'] },
    code: { type: 'string', nullable: true, pattern: '[A-Z]{3}' },
    distanceKm: { type: 'double', min: 0 },
    gates: { type: 'int', nullable: true },
    seats: { type: 'int32', nullable: true },
    share: { type: 'float', nullable: true },
    late: { type: 'bool', nullable: true },
  },
})
const good = { flight: 'F1', publishedAt: '2001-01-14T09:00:00Z', distanceKm: 12 }

const record = (value: unknown, more: Partial<RawRecord> = {}): RawRecord => ({
  partition: 1,
  epoch: 0,
  offset: 7,
  timestamp: Date.parse('2001-01-14T10:00:00Z'),
  key: null,
  headers: {},
  value:
    value === null
      ? null
      : Buffer.isBuffer(value)
        ? value
        : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
  ...more,
})
const take = (...records: RawRecord[]) => compileValidator(view).take(records, now)
const reject = (value: unknown, more?: Partial<RawRecord>) => take(record(value, more)).rejects[0]

it('takes a row in, column by column', () => {
  const { batch, rejects, highs, withUnknownFields } = take(record({ ...good, carrier: 'AA', gates: 3.0, extra: 1 }))
  expect(rejects).toEqual([])
  expect(batch).toMatchObject({
    count: 1,
    keys: ['F1'],
    eventTimes: [Date.parse(good.publishedAt)],
    availableAts: [Date.parse('2001-01-14T10:00:00Z')],
    partitions: [1],
    offsets: [7],
    deleted: [false],
  })
  expect(Object.fromEntries(view.fields.map(({ name }, index) => [name, batch.values[index]![0]]))).toEqual({
    flight: 'F1',
    publishedAt: Date.parse(good.publishedAt),
    carrier: 'AA',
    code: null,
    distanceKm: 12,
    gates: 3,
    seats: null,
    share: null,
    late: null,
  })
  expect(highs.get(1)).toBe(Date.parse(good.publishedAt))
  expect(withUnknownFields).toBe(1)
})

describe('reject codes, each with its field', () => {
  it.each<[string, unknown, string, string | undefined]>([
    ['not JSON', '{"flight":', 'NOT_JSON', undefined],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'NOT_JSON', undefined],
    ['NaN', '{"flight":"F1","distanceKm":NaN}', 'NOT_JSON', undefined],
    ['a list', '[]', 'NOT_AN_OBJECT', undefined],
    ['null as JSON', 'null', 'NOT_AN_OBJECT', undefined],
    ['a missing field', { ...good, distanceKm: undefined }, 'MISSING_FIELD', 'distanceKm'],
    ['null where it may not be', { ...good, distanceKm: null }, 'WRONG_TYPE', 'distanceKm'],
    ['a null key', { ...good, flight: null }, 'NULL_KEY', 'flight'],
    ['text for a number', { ...good, distanceKm: '12' }, 'WRONG_TYPE', 'distanceKm'],
    ['a fraction for an int', { ...good, gates: 3.5 }, 'WRONG_TYPE', 'gates'],
    ['an object for text', { ...good, flight: {} }, 'WRONG_TYPE', 'flight'],
    ['less than min', { ...good, distanceKm: -1 }, 'OUT_OF_RANGE', 'distanceKm'],
    ['more than 32 bits', { ...good, seats: 2 ** 31 }, 'OUT_OF_RANGE', 'seats'],
    [
      'more than 64 bits',
      '{"flight":"F1","publishedAt":"2001-01-14T09:00:00Z","distanceKm":1,"gates":9223372036854775808}',
      'OUT_OF_RANGE',
      'gates',
    ],
    ['more than a float', { ...good, share: 1e39 }, 'OUT_OF_RANGE', 'share'],
    [
      'a double beyond its range',
      '{"flight":"F1","publishedAt":"2001-01-14T09:00:00Z","distanceKm":1e400}',
      'OUT_OF_RANGE',
      'distanceKm',
    ],
    ['a value outside the enum', { ...good, carrier: 'XX' }, 'NOT_ALLOWED', 'carrier'],
    ['too long a text', { ...good, carrier: 'AAA' }, 'NOT_ALLOWED', 'carrier'],
    ['a text against the pattern', { ...good, code: 'ABCD' }, 'NOT_ALLOWED', 'code'],
    [
      'half a surrogate pair',
      '{"flight":"\\ud800","publishedAt":"2001-01-14T09:00:00Z","distanceKm":1}',
      'NOT_ALLOWED',
      'flight',
    ],
    ['a key of more than 1 KiB', { ...good, flight: 'ä'.repeat(513) }, 'KEY_TOO_LONG', 'flight'],
    ['a time without a zone', { ...good, publishedAt: '2001-01-14T09:00:00' }, 'EVENT_TIME_INVALID', 'publishedAt'],
    ['the year 2099', { ...good, publishedAt: '2099-01-14T09:00:00Z' }, 'EVENT_TIME_IN_FUTURE', 'publishedAt'],
    ['more than 1 MiB', Buffer.alloc(2 ** 20 + 1, 0x20), 'ROW_TOO_LARGE', undefined],
  ])('%s', (_name, value, code, field) => {
    const refusal = reject(value)
    expect(refusal).toMatchObject({ code, partition: 1, offset: 7, record: 0 })
    expect(refusal!.field).toBe(field)
  })

  it('lets the next row through', () => {
    const { batch, rejects } = take(record('nonsense'), record(good, { offset: 8 }))
    expect(rejects).toHaveLength(1)
    expect(batch.offsets).toEqual([8])
  })
})

describe('bytes and lists', () => {
  const wide = aView({
    fields: {
      flight: 'string',
      publishedAt: 'timestamp',
      photo: { type: 'bytes', nullable: true, minLength: 1, maxLength: 3 },
      vector: { type: 'list<float>', nullable: true, minItems: 2, maxItems: 2, max: 1 },
      tags: { type: 'list<string>', nullable: true, enum: ['a', 'b'] },
      ids: { type: 'list<int>', nullable: true },
      stops: { type: 'list<timestamp>', nullable: true },
      flags: { type: 'list<bool>', nullable: true },
      blobs: { type: 'list<bytes>', nullable: true },
    },
  })
  const key = { flight: 'F1', publishedAt: '2001-01-14T09:00:00Z' }
  const read = (text: string) => {
    const { batch, rejects } = compileValidator(wide).take([record(`${JSON.stringify(key).slice(0, -1)},${text}}`)], now)
    if (rejects[0]) return `${rejects[0].code} ${rejects[0].field}: ${rejects[0].message}`
    return wide.fields
      .flatMap(({ name }, index) => (name in key ? [] : [batch.values[index]![0]]))
      .filter((each) => each !== null)
  }
  it.each([
    ['"photo":"AAH/"', [Buffer.from([0, 1, 255])]],
    ['"vector":[0.1,1]', [[Math.fround(0.1), 1]]],
    ['"tags":[]', [[]]],
    ['"ids":[1,9223372036854775807]', [[1, 9_223_372_036_854_775_807n]]],
    ['"stops":["1970-01-01T00:00:01Z"]', [[1_000]]],
    ['"flags":[true,false]', [[true, false]]],
    ['"blobs":["","AA=="]', [[Buffer.alloc(0), Buffer.from([0])]]],
    ['"photo":"AAH/AA=="', 'NOT_ALLOWED photo: 4 bytes, at most 3 are allowed'],
    ['"photo":""', 'NOT_ALLOWED photo: 0 bytes, at least 1 are needed'],
    ['"photo":"AA"', 'WRONG_TYPE photo: expected bytes in base64, found other text'],
    ['"photo":"AA-_"', 'WRONG_TYPE photo: expected bytes in base64, found other text'],
    ['"photo":[0]', 'WRONG_TYPE photo: expected bytes in base64, found a list'],
    ['"vector":[1]', 'NOT_ALLOWED vector: 1 items, at least 2 are needed'],
    ['"vector":[1,1,1]', 'NOT_ALLOWED vector: 3 items, at most 2 are allowed'],
    ['"vector":[1,2]', 'OUT_OF_RANGE vector: item 1: is greater than 1'],
    ['"vector":[1,null]', 'WRONG_TYPE vector: item 1: expected a number, found null'],
    ['"vector":1', 'WRONG_TYPE vector: expected a list, found an integer'],
    ['"tags":["a","c"]', 'NOT_ALLOWED tags: item 1: is not one of the allowed values'],
    ['"ids":[[1]]', 'WRONG_TYPE ids: item 0: expected an integer, found a list'],
    [`"flags":[${'true,'.repeat(16_384)}true]`, 'NOT_ALLOWED flags: 16385 items, at most 16384 are allowed'],
  ])('%.40s', (text, expected) => expect(read(text)).toEqual(expected))
})

it('keeps the original of a time that it clamps', () => {
  const { batch } = take(record({ ...good, publishedAt: '2001-01-14T10:04:00Z' }))
  expect(batch.eventTimes[0]).toBe(Date.parse('2001-01-14T10:00:00Z'))
  expect(batch.values[view.fields.findIndex(({ name }) => name === 'publishedAt')]![0]).toBe(Date.parse('2001-01-14T10:04:00Z'))
})

it('keeps every digit of a 64-bit integer', () => {
  const { batch } = take(
    record('{"flight":"F1","publishedAt":"2001-01-14T09:00:00Z","distanceKm":1,"gates":9223372036854775807}'),
  )
  expect(batch.values[view.fields.findIndex(({ name }) => name === 'gates')]![0]).toBe(9_223_372_036_854_775_807n)
})

describe('a record without a value', () => {
  const key = (json: unknown) => Buffer.from(JSON.stringify(json))
  it('is a tombstone when its key is an object of the entity', () => {
    const { batch, highs } = take(record(null, { key: key({ flight: 'F1' }) }))
    expect(batch).toMatchObject({ keys: ['F1'], deleted: [true], deletes: 1, eventTimes: [Date.parse('2001-01-14T10:00:00Z')] })
    expect(highs.size).toBe(0)
  })
  it('is ignored and counted when its key is of another entity', () => {
    const intake = take(record(null, { key: key({ origin: 'ATL' }) }))
    expect(intake).toMatchObject({ ignored: 1, rejects: [], batch: { count: 0 } })
  })
  it.each([
    ['no key', null],
    ['a key that is text', Buffer.from('F1')],
    ['a key of the wrong type', Buffer.from('{"flight":1}')],
    ['a null key', Buffer.from('{"flight":null}')],
  ])('is refused with %s', (_name, bad) => expect(reject(null, { key: bad })).toMatchObject({ code: 'NO_VALUE' }))

  it('pushes the watermark with the header, not beyond its arrival', () => {
    const at = Date.parse('2001-01-14T09:30:00Z')
    expect(take(record(null, { headers: { 'cascata-watermark': Buffer.from(String(at)) } })).highs.get(1)).toBe(at)
    expect(take(record(null, { headers: { 'cascata-watermark': String(now + 1e9) } })).highs.get(1)).toBe(
      Date.parse('2001-01-14T10:00:00Z'),
    )
  })
})

it('encodes keys of several fields so that each can be read back', () => {
  const entity = [
    { name: 'a', type: 'string' as const, nullable: false },
    { name: 'b', type: 'int' as const, nullable: false },
    { name: 'c', type: 'string' as const, nullable: false },
  ]
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer(), fc.string(), fc.string(), (a, b, c, other) => {
      expect(decodeKey(encodeKey([a, b, c]), entity)).toEqual([a, b, c])
      if (other !== a) expect(encodeKey([other, b, c])).not.toBe(encodeKey([a, b, c]))
    }),
  )
})
