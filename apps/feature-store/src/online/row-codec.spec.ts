import fc from 'fast-check'
import { expect, it } from 'vitest'
import { aView } from '../feature-views/a-view.ts'
import { type Value } from '../feature-views/view.ts'
import { emptyBatch } from '../ingest/row-batch.ts'
import { readHeader, rowEncoder, rowReader } from './row-codec.ts'

const nullable = (type: 'string' | 'int' | 'int32' | 'float' | 'double' | 'bool' | 'timestamp') => ({ type, nullable: true })
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
  },
})
const time = fc.integer({ min: Date.parse('0001-01-01T00:00:00Z'), max: Date.parse('9999-12-31T23:59:59.999Z') })
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
})
const position = fc.record({
  eventTime: time,
  availableAt: time,
  epoch: fc.nat(65_535),
  partition: fc.nat(65_535),
  offset: fc.nat(),
})

it('reads back what it wrote, any subset of the fields', () => {
  const ordinals = view.fields.map((_, index) => index)
  fc.assert(
    fc.property(values, position, fc.subarray(ordinals), (row, at, wanted) => {
      const batch = emptyBatch(view)
      view.fields.forEach(({ name }, index) => batch.values[index]!.push(row[name as keyof typeof row]))
      batch.eventTimes.push(at.eventTime)
      batch.availableAts.push(at.availableAt)
      batch.epochs.push(at.epoch)
      batch.partitions.push(at.partition)
      batch.offsets.push(at.offset)
      batch.deleted.push(false)
      const encoded = rowEncoder(view).encode(batch, 0)
      expect(readHeader(encoded)).toEqual({ ...at, revision: view.revision })
      const columns = wanted.map((): Value[] => [])
      rowReader(view, wanted).read(encoded, columns)
      expect(columns.map(([value]) => value)).toEqual(
        wanted.map((ordinal) => row[view.fields[ordinal]!.name as keyof typeof row]),
      )
    }),
  )
})
