import { type FieldType, itemType, type PlainType } from '@cascata/resources'
import { type PlainValue, type Value } from '../feature-views/view.ts'
import { type FeatureAnswer, type Status } from './look-up.ts'

type NumberWriter = 'writeUInt8' | 'writeUInt16BE' | 'writeUInt32BE' | 'writeInt32BE' | 'writeFloatBE' | 'writeDoubleBE'

/** Writes MessagePack (github.com/msgpack/msgpack, spec.md) into one growing buffer. */
class Packer {
  #bytes = Buffer.allocUnsafe(65_536)
  #at = 0

  #room(needed: number): number {
    if (this.#at + needed > this.#bytes.length)
      this.#bytes = Buffer.concat([this.#bytes.subarray(0, this.#at)], Math.max(this.#bytes.length * 2, this.#at + needed))
    const at = this.#at
    this.#at += needed
    return at
  }

  #head(short: number, shortest: number, wide: number, count: number): void {
    if (count < shortest) this.#byte(short | count, 0)
    else if (count < 65_536) this.#number(wide, 2, 'writeUInt16BE', count)
    else this.#number(wide + 1, 4, 'writeUInt32BE', count)
  }

  /** Writes a first byte and makes room for what follows it, whose place it gives. */
  #byte(first: number, following: number): number {
    const at = this.#room(1 + following)
    this.#bytes[at] = first
    return at + 1
  }

  #number(first: number, size: number, write: NumberWriter, value: number): void {
    const at = this.#byte(first, size)
    this.#bytes[write](value, at)
  }

  map = (entries: number): void => this.#head(0x80, 16, 0xde, entries)
  array = (count: number): void => this.#head(0x90, 16, 0xdc, count)
  nil = (): void => void this.#byte(0xc0, 0)
  bool = (value: boolean): void => void this.#byte(value ? 0xc3 : 0xc2, 0)

  text(value: string): void {
    const length = Buffer.byteLength(value)
    this.#head(0xa0, 32, 0xda, length)
    const at = this.#room(length)
    this.#bytes.write(value, at)
  }

  binary(value: Uint8Array): void {
    const { length } = value
    if (length < 256) this.#number(0xc4, 1, 'writeUInt8', length)
    else if (length < 65_536) this.#number(0xc5, 2, 'writeUInt16BE', length)
    else this.#number(0xc6, 4, 'writeUInt32BE', length)
    const at = this.#room(length)
    this.#bytes.set(value, at)
  }

  int(value: number | bigint): void {
    if (typeof value === 'bigint') this.#long(value)
    else if (value >= 0) this.#natural(value)
    else if (value >= -32) this.#byte(0x100 + value, 0)
    else if (value >= -0x8000_0000) this.#number(0xd2, 4, 'writeInt32BE', value)
    else this.#long(BigInt(value))
  }

  #natural(value: number): void {
    if (value < 128) this.#byte(value, 0)
    else if (value < 0x1_0000) this.#number(0xcd, 2, 'writeUInt16BE', value)
    else if (value < 0x1_0000_0000) this.#number(0xce, 4, 'writeUInt32BE', value)
    else {
      const high = Math.floor(value / 0x1_0000_0000)
      this.#number(0xcf, 8, 'writeUInt32BE', high)
      this.#bytes.writeUInt32BE(value - high * 0x1_0000_0000, this.#at - 4)
    }
  }

  #long(value: bigint): void {
    const at = this.#byte(0xd3, 8)
    this.#bytes.writeBigInt64BE(value, at)
  }

  float = (value: number): void => this.#number(0xca, 4, 'writeFloatBE', value)
  double = (value: number): void => this.#number(0xcb, 8, 'writeDoubleBE', value)

  done = (): Buffer => this.#bytes.subarray(0, this.#at)
}

/** Statuses of a binary answer: each the number of its place. */
export const statusCodes: readonly Status[] = ['PRESENT', 'NULL_VALUE', 'NOT_FOUND', 'OUTSIDE_MAX_AGE']

/**
 * Our answer as MessagePack, column by column: `{names: [view:field], values: [[…] a feature], statuses: [bytes a feature],
 * eventTimes: {view: [Unix ms or nil]}}`. A status is a byte: its place in `statusCodes`. Times are in Unix ms; a double is always a
 * float 64, a float a float 32, bytes are a bin.
 */
export function packedAnswer(features: readonly string[], answers: readonly FeatureAnswer[]): Buffer {
  const pack = new Packer()
  pack.map(4)
  pack.text('names')
  pack.array(features.length)
  for (const name of features) pack.text(name)
  pack.text('values')
  pack.array(answers.length)
  for (const { field, values } of answers) packList(pack, values, field.type)
  pack.text('statuses')
  pack.array(answers.length)
  for (const { statuses } of answers) pack.binary(Uint8Array.from(statuses, (status) => statusCodes.indexOf(status)))
  pack.text('eventTimes')
  const times = new Map(answers.map(({ view, eventTimes }) => [view, eventTimes]))
  pack.map(times.size)
  for (const [view, list] of times) {
    pack.text(view)
    packList(pack, list, 'int')
  }
  return pack.done()
}

function packList(pack: Packer, values: readonly Value[], type: FieldType): void {
  const item = itemType(type)
  const write: (pack: Packer, value: Exclude<Value, null>) => void =
    item === undefined
      ? (writers[type as PlainType] as (pack: Packer, value: Value) => void)
      : (_, list) => packList(pack, list as readonly PlainValue[], item)
  pack.array(values.length)
  for (const value of values) {
    if (value === null) pack.nil()
    else write(pack, value)
  }
}

const packInt = (pack: Packer, value: PlainValue): void => pack.int(value as number | bigint)
const writers: Readonly<Record<PlainType, (pack: Packer, value: never) => void>> = {
  string: (pack, value: string) => pack.text(value),
  bytes: (pack, value: Buffer) => pack.binary(value),
  int: packInt,
  int32: packInt,
  timestamp: packInt,
  float: (pack, value: number) => pack.float(value),
  double: (pack, value: number) => pack.double(value),
  bool: (pack, value: boolean) => pack.bool(value),
}
