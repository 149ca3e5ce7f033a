import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BadSchema, compileAvro } from './avro.ts'
import { BadBytes, readAll } from './avro-read.ts'

const long = (value: bigint): Buffer => {
  const bytes: number[] = []
  for (let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)); ; rest >>= 7n) {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
    if (rest <= 0x7fn) return Buffer.from(bytes)
  }
}
const bytes = (value: Buffer | string): Buffer =>
  Buffer.concat([long(BigInt(Buffer.byteLength(value))), Buffer.from(value as string)])
const read = (schema: unknown, ...parts: Buffer[]): unknown =>
  readAll(compileAvro([typeof schema === 'string' ? schema : JSON.stringify(schema)]), Buffer.concat(parts), 0)

describe('primitive values', () => {
  it('reads every long exactly', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const found = read('long', long(value))
        expect(BigInt(found as number | bigint)).toBe(value)
        expect(typeof found).toBe(Number.isSafeInteger(Number(value)) ? 'number' : 'bigint')
      }),
    )
  })
  it('reads texts', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        expect(read('"string"', bytes(value))).toBe(value)
      }),
    )
  })
  it.each([
    ['boolean', Buffer.from([1]), true],
    ['double', Buffer.from([0, 0, 0, 0, 0, 0, 0xf8, 0x3f]), 1.5],
    ['float', Buffer.from([0, 0, 0xc0, 0x3f]), 1.5],
    ['"null"', Buffer.alloc(0), null],
  ])('reads a %s', (type, given, value) => expect(read(type, given)).toBe(value))
  it.each([
    [2, '04d2', 12.34],
    [2, 'ff', -0.01],
    [0, '7fffffffffffffff', 9_223_372_036_854_775_807],
  ])('reads a decimal of scale %i', (scale, hex, value) =>
    expect(read({ type: 'bytes', logicalType: 'decimal', precision: 20, scale }, bytes(Buffer.from(hex, 'hex')))).toBe(value),
  )
})

it('reads records, unions, enums, lists, maps and types that name themselves', () => {
  const schema = {
    type: 'record',
    name: 'Flight',
    namespace: 'air',
    fields: [
      { name: 'flight', type: 'string' },
      { name: 'gate', type: ['null', 'int'] },
      { name: 'state', type: { type: 'enum', name: 'State', symbols: ['ON', 'OFF'] } },
      { name: 'stops', type: { type: 'array', items: 'string' } },
      { name: 'by', type: { type: 'map', values: 'long' } },
      { name: 'next', type: ['null', 'Flight'] },
    ],
  }
  const flight = (name: string, next: Buffer) =>
    Buffer.concat([
      bytes(name),
      long(1n),
      long(7n),
      long(1n),
      long(-1n),
      long(4n),
      bytes('ATL'),
      long(0n),
      long(1n),
      bytes('a'),
      long(5n),
      long(0n),
      next,
    ])
  expect(read(schema, flight('F1', Buffer.concat([long(1n), flight('F2', long(0n))])))).toEqual({
    flight: 'F1',
    gate: 7,
    state: 'OFF',
    stops: ['ATL'],
    by: { a: 5 },
    next: { flight: 'F2', gate: 7, state: 'OFF', stops: ['ATL'], by: { a: 5 }, next: null },
  })
})

it('reads by schemas that refer to others', () => {
  const carrier = '{"type":"record","name":"air.Carrier","fields":[{"name":"code","type":"string"}]}'
  const flight = '{"type":"record","name":"air.Flight","fields":[{"name":"carrier","type":"Carrier"}]}'
  expect(readAll(compileAvro([carrier, flight]), bytes('AA'), 0)).toEqual({ carrier: { code: 'AA' } })
})

it('keeps names that mean something to JavaScript apart', () => {
  const row = read({ type: 'record', name: 'R', fields: [{ name: '__proto__', type: 'string' }] }, bytes('x')) as object
  expect(Object.keys(row)).toEqual(['__proto__'])
  expect(Object.getPrototypeOf(row)).toBeNull()
})

describe('hostile bytes', () => {
  const node = { type: 'record', name: 'Node', fields: [{ name: 'next', type: ['null', 'Node'] }] }
  it.each<[string, unknown, Buffer]>([
    ['a list of a thousand million nulls', { type: 'array', items: 'null' }, long(10n ** 9n)],
    ['a list that says it holds 2^62 texts', { type: 'array', items: 'string' }, long(2n ** 62n)],
    ['blocks without end', { type: 'array', items: 'null' }, Buffer.concat(Array.from({ length: 3_000 }, () => long(900_000n)))],
    ['a text longer than the row', 'string', long(2n ** 40n)],
    ['a text of negative length', 'string', long(-5n)],
    ['a record within a record within …', node, Buffer.alloc(100_000, 2)],
    ['a branch that is none', ['null', 'int'], long(2n)],
    ['a symbol that is none', { type: 'enum', name: 'E', symbols: ['A'] }, long(-1n)],
    ['a number without end', 'long', Buffer.alloc(50, 0xff)],
    ['bytes left over', 'int', Buffer.from([2, 2])],
    ['no bytes', 'double', Buffer.alloc(0)],
    ['text that is no UTF-8', 'string', bytes(Buffer.from([0xff, 0xfe]))],
  ])('refuses %s', (_, schema, given) => expect(() => read(schema, given)).toThrow(BadBytes))

  it('refuses or reads any bytes at all', () => {
    const schema = compileAvro([
      JSON.stringify({
        type: 'record',
        name: 'R',
        fields: [
          { name: 'a', type: { type: 'array', items: node } },
          { name: 'm', type: { type: 'map', values: ['null', 'string', 'double'] } },
        ],
      }),
    ])
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (given) => {
        try {
          readAll(schema, Buffer.from(given), 0)
        } catch (error) {
          expect(error).toBeInstanceOf(BadBytes)
        }
      }),
    )
  })
})

it.each([
  ['{"type":"record","name":"R"}'],
  ['{"type":"enum","name":"E"}'],
  ['{"type":"array","items":"nothing"}'],
  ['{"type":"fixed","name":"F","size":-1}'],
  ['not a type'],
  ['17'],
  ['constructor'],
])('refuses the schema %s', (schema) => expect(() => compileAvro([schema])).toThrow(BadSchema))
