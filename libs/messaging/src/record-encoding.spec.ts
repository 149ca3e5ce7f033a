import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { recordEncoder, type Encoded, type RecordEncoder, type RecordToEncode } from './record-encoding.ts'

const load = createRequire(import.meta.url)
const own = load('kafkajs/src/protocol/recordBatch/record/v0') as RecordEncoder
const { prototype } = load('kafkajs/src/protocol/encoder') as { prototype: object }
const quick = recordEncoder(own, prototype)
const bytesOf = ({ buf, offset }: Encoded) => buf.subarray(0, offset).toString('hex')

const text = fc.string({ unit: 'binary', maxLength: 300 })
const bytes = fc.oneof(
  text,
  fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
)
const records: fc.Arbitrary<RecordToEncode> = fc.record({
  offsetDelta: fc.nat({ max: 2 ** 30 - 1 }),
  timestampDelta: fc.oneof(fc.nat({ max: 2 ** 31 - 1 }), fc.integer({ min: -(2 ** 40), max: 2 ** 40 })),
  key: fc.option(bytes, { nil: null }),
  value: fc.option(bytes, { nil: null }),
  headers: fc.option(
    fc.dictionary(text, fc.oneof(bytes, fc.array(bytes, { maxLength: 3 })), { maxKeys: 12, noNullPrototype: true }),
    { nil: undefined },
  ),
})

it('writes the bytes of kafkajs’ own encoder', () => {
  fc.assert(
    fc.property(records, (record) => void expect(bytesOf(quick(record))).toBe(bytesOf(own(record)))),
    { numRuns: 500 },
  )
})

it('is something that kafkajs can write into a batch', () => {
  const encoded = quick({ value: 'x' }) as Encoded & { size(): number; buffer: Buffer }
  expect([encoded.size(), encoded.buffer.length]).toEqual([encoded.offset, encoded.offset])
})
