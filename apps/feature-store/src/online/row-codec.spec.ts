import fc from 'fast-check'
import { type FieldType } from '@cascata/resources'
import { expect, it } from 'vitest'
import { aView } from '../feature-views/a-view.ts'
import { type Value } from '../feature-views/view.ts'
import { emptyBatch } from '../ingest/row-batch.ts'
import { compareOnline, type OnlinePosition } from './online-order.ts'
import { readHeader, rowEncoder, rowReader } from './row-codec.ts'

const nullable = (type: FieldType) => ({ type, nullable: true })
const view = aView({
  revision: 70_000,
  fields: {
    flight: 'string',
    publishedAt: 'timestamp',
    a: nullable('int'),
    b: nullable('int32'),
    c: nullable('float'),
    d: nullable('double'),
    e: nullable('bool'),
    f: nullable('timestamp'),
    g: nullable('string'),
    h: nullable('string'),
    i: nullable('bytes'),
    j: nullable('list<int>'),
    k: nullable('list<float>'),
    l: nullable('list<double>'),
    m: nullable('list<timestamp>'),
    n: nullable('list<string>'),
    o: nullable('list<bytes>'),
    p: nullable('list<bool>'),
    q: nullable('list<int32>'),
  },
})
const time = fc.integer({ min: Date.parse('0001-01-01T00:00:00Z'), max: Date.parse('9999-12-31T23:59:59.999Z') })
const bytes = fc.uint8Array({ maxLength: 300 }).map((each) => Buffer.from(each))
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null })
const values = fc.record({
  flight: fc.string({ unit: 'grapheme' }),
  publishedAt: time,
  a: optional(fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }))),
  b: optional(fc.integer()),
  c: optional(fc.float({ noNaN: true })),
  d: optional(fc.double({ noNaN: true })),
  e: optional(fc.boolean()),
  f: optional(time),
  g: optional(fc.string({ minLength: 0, maxLength: 300 })),
  h: optional(fc.string({ unit: 'grapheme', maxLength: 3000 })),
  i: optional(bytes),
  j: optional(fc.array(fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) })))),
  k: optional(fc.array(fc.float({ noNaN: true }), { maxLength: 700 })),
  l: optional(fc.array(fc.double({ noNaN: true }))),
  m: optional(fc.array(time)),
  n: optional(fc.array(fc.string({ unit: 'grapheme' }))),
  o: optional(fc.array(bytes)),
  p: optional(fc.array(fc.boolean())),
  q: optional(fc.array(fc.integer())),
})
const position = fc
  .record({
    eventTime: time,
    lag: fc.oneof(fc.nat(300), fc.nat(2 ** 31 - 1), fc.integer({ min: 0, max: 2 ** 45 })),
    epoch: fc.nat(65_535),
    partition: fc.nat(65_535),
    offset: fc.oneof(fc.nat(300), fc.maxSafeNat()),
  })
  .map(({ lag, ...place }) => ({ ...place, availableAt: place.eventTime + lag }))

const encode = (row: Partial<Record<string, Value>>, at: OnlinePosition): Buffer => {
  const batch = emptyBatch(view)
  view.fields.forEach(({ name }, index) => batch.values[index]!.push(row[name] ?? null))
  batch.eventTimes.push(at.eventTime)
  batch.availableAts.push(at.availableAt)
  batch.epochs.push(at.epoch)
  batch.partitions.push(at.partition)
  batch.offsets.push(at.offset)
  batch.deleted.push(false)
  return rowEncoder(view).encode(batch, 0)
}

it('reads back what it wrote, any subset of the fields', () => {
  const ordinals = view.fields.map((_, index) => index)
  fc.assert(
    fc.property(values, position, fc.subarray(ordinals), (row, at, wanted) => {
      const encoded = encode(row, at)
      expect(readHeader(encoded)).toEqual({ ...at, revision: view.revision })
      const columns = wanted.map((): Value[] => [])
      rowReader(view, wanted).read(encoded, columns)
      expect(columns.map(([value]) => value)).toEqual(
        wanted.map((ordinal) => row[view.fields[ordinal]!.name as keyof typeof row]),
      )
    }),
  )
})

it('begins with bytes in the order of the online rule, as the script of the store compares them', () => {
  const near = fc.record({
    eventTime: fc.integer({ min: 978_307_200_000, max: 978_307_200_300 }),
    lag: fc.nat(300),
    epoch: fc.nat(2),
    partition: fc.nat(300),
    offset: fc.nat(70_000),
  })
  fc.assert(
    fc.property(near, near, ({ lag: lagA, ...a }, { lag: lagB, ...b }) => {
      const [first, second] = [
        { ...a, availableAt: a.eventTime + lagA },
        { ...b, availableAt: b.eventTime + lagB },
      ]
      // The same revision follows, and no value: only what decides differs.
      expect(Math.sign(encode({}, first).compare(encode({}, second)))).toBe(Math.sign(compareOnline(first, second)))
    }),
  )
})
