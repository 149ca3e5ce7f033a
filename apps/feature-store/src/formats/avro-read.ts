/** Bytes that are not what their schema says. */
export class BadBytes extends Error {
  override readonly name = 'BadBytes'
}

/** Where reading stands in a row. */
export interface Cursor {
  readonly bytes: Buffer
  at: number
  /** How many values of lists and maps may still come: some take no byte at all. */
  room: number
  /** How many records may still nest. */
  depth: number
}

/** Reads one value and moves on. Throws BadBytes. */
export type Read = (from: Cursor) => unknown

const maxValues = 1_000_000
const maxDepth = 64

/** Reads a value that takes all bytes from `at` on. Throws BadBytes. */
export function readAll(read: Read, bytes: Buffer, at: number): unknown {
  const cursor: Cursor = { bytes, at, room: maxValues, depth: maxDepth }
  const value = read(cursor)
  if (cursor.at !== bytes.length) throw new BadBytes(`${bytes.length - cursor.at} bytes are left over`)
  return value
}

/** Moves on by `count` bytes and returns where they begin. */
function take(from: Cursor, count: number): number {
  const start = from.at
  if (count < 0 || count > from.bytes.length - start) throw new BadBytes('it ends too early')
  from.at = start + count
  return start
}

/** A zigzag varint; a bigint when it does not fit a number. */
export function long(from: Cursor): number | bigint {
  const { bytes } = from
  let low = 0
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = bytes[take(from, 1)]!
    low += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return low % 2 === 0 ? low / 2 : -(low + 1) / 2
  }
  let wide = BigInt(low)
  for (let shift = 28n; shift < 70n; shift += 7n) {
    const byte = bytes[take(from, 1)]!
    wide += BigInt(byte & 0x7f) << shift
    if (byte >= 0x80) continue
    const value = BigInt.asIntN(64, (wide >> 1n) ^ -(wide & 1n))
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }
  throw new BadBytes('a number takes more than 10 bytes')
}

/** A long that counts or measures something here. */
function count(from: Cursor): number {
  const value = long(from)
  if (typeof value === 'bigint') throw new BadBytes('a length is beyond all bounds')
  return value
}

export const boolean = (from: Cursor): boolean => {
  const byte = from.bytes[take(from, 1)]!
  if (byte > 1) throw new BadBytes('a boolean is neither 0 nor 1')
  return byte === 1
}
export const float = (from: Cursor): number => from.bytes.readFloatLE(take(from, 4))
export const double = (from: Cursor): number => from.bytes.readDoubleLE(take(from, 8))

export const fixed =
  (size: number) =>
  (from: Cursor): Buffer => {
    const start = take(from, size)
    return from.bytes.subarray(start, from.at)
  }

export const bytes = (from: Cursor): Buffer => fixed(count(from))(from)

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const text = (from: Cursor): string => {
  try {
    return utf8.decode(bytes(from))
  } catch (error) {
    if (error instanceof BadBytes) throw error
    throw new BadBytes('a text is no UTF-8')
  }
}

/** Two's complement, big-endian, divided by 10^scale: the nearest double. */
export const decimal =
  (read: (from: Cursor) => Buffer, scale: number): Read =>
  (from) => {
    const digits = read(from)
    if (digits.length === 0 || digits.length > 512) throw new BadBytes('a decimal takes no byte, or more than 512')
    const unscaled = BigInt.asIntN(digits.length * 8, BigInt(`0x${digits.toString('hex')}`))
    return Number(`${unscaled}e-${scale}`)
  }

export const oneOf =
  (symbols: readonly string[]): Read =>
  (from) =>
    symbols[count(from)] ?? fail('an enum has no such symbol')

export const union =
  (branches: readonly Read[]): Read =>
  (from) =>
    (branches[count(from)] ?? fail('a union has no such branch'))(from)

export const record =
  (fields: readonly { name: string; read: Read }[]): Read =>
  (from) => {
    if (from.depth-- === 0) throw new BadBytes(`records nest deeper than ${maxDepth}`)
    const row = Object.create(null) as Record<string, unknown>
    for (const { name, read } of fields) row[name] = read(from)
    from.depth += 1
    return row
  }

export const list =
  (read: Read): Read =>
  (from) => {
    const items: unknown[] = []
    eachOfBlocks(from, () => items.push(read(from)))
    return items
  }

export const map =
  (read: Read): Read =>
  (from) => {
    const entries = Object.create(null) as Record<string, unknown>
    eachOfBlocks(from, () => (entries[text(from)] = read(from)))
    return entries
  }

/** Lists and maps come in blocks, each with its count, the last of none; a negative count is followed by the size in bytes. */
function eachOfBlocks(from: Cursor, one: () => void): void {
  if (from.depth-- === 0) throw new BadBytes(`lists nest deeper than ${maxDepth}`)
  for (let items = count(from); items !== 0; items = count(from)) {
    if (items < 0) count(from)
    from.room -= Math.abs(items)
    if (from.room < 0) throw new BadBytes(`more than ${maxValues} values`)
    for (let left = Math.abs(items); left > 0; left -= 1) one()
  }
  from.depth += 1
}

function fail(message: string): never {
  throw new BadBytes(message)
}
