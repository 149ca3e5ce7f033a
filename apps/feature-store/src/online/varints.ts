/*
 * Two ways to write numbers in as many bytes as they need.
 *
 * An ordinal (0 to 2^53) is one byte below 240, else 239 + n and n bytes, big-endian: none begins like another, and the order of the bytes
 * is the order of the numbers. A number is LEB128: seven bits a byte, the lowest first, the highest bit of a byte says that more follow.
 * Signed ones are zigzag: 0, -1, 1, -2, …
 */

const short = 240

export function writeOrdinal(row: Buffer, at: number, value: number): number {
  if (value < short) {
    row[at] = value
    return at + 1
  }
  let bytes = 1
  for (let bound = 256; bound <= value; bound *= 256) bytes += 1
  row[at] = short - 1 + bytes
  let rest = value
  for (let place = at + bytes; place > at; place -= 1) {
    row[place] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return at + 1 + bytes
}

/** How many bytes an ordinal takes that begins with `lead`. */
export const ordinalBytes = (lead: number): number => (lead < short ? 1 : lead - short + 2)

export function readOrdinal(row: Buffer, at: number): number {
  const lead = row[at]!
  if (lead < short) return lead
  let value = 0
  for (let place = at + 1; place < at + ordinalBytes(lead); place += 1) value = value * 256 + row[place]!
  return value
}

/** Where the ordinals after `count` ones begin. */
export function skipOrdinals(row: Buffer, at: number, count: number): number {
  let place = at
  for (let index = 0; index < count; index += 1) place += ordinalBytes(row[place]!)
  return place
}

export function writeNumber(row: Buffer, at: number, value: number): number {
  let rest = value
  let place = at
  while (rest >= 0x80) {
    row[place++] = (rest % 0x80) + 0x80
    rest = Math.floor(rest / 0x80)
  }
  row[place] = rest
  return place + 1
}

export function readNumber(row: Buffer, at: number): number {
  let value = 0
  let scale = 1
  for (let place = at; ; place += 1) {
    const byte = row[place]!
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
    scale *= 0x80
  }
}

export function skipNumber(row: Buffer, at: number): number {
  let place = at
  while (row[place]! >= 0x80) place += 1
  return place + 1
}

const zigzagLimit = 2 ** 51

/** @param value A safe integer, or a bigint of at most 64 bits. */
export function writeSigned(row: Buffer, at: number, value: number | bigint): number {
  if (typeof value === 'number' && Math.abs(value) < zigzagLimit)
    return writeNumber(row, at, value < 0 ? -2 * value - 1 : 2 * value)
  const wide = BigInt(value)
  let rest = wide < 0n ? -2n * wide - 1n : 2n * wide
  let place = at
  while (rest >= 0x80n) {
    row[place++] = Number(rest & 0x7fn) + 0x80
    rest >>= 7n
  }
  row[place] = Number(rest)
  return place + 1
}

/** @returns a bigint only when it is no safe integer. */
export function readSigned(row: Buffer, at: number, end: number): number | bigint {
  if (end - at <= 4) {
    let value = 0
    for (let place = end - 1; place >= at; place -= 1) value = (value << 7) | (row[place]! & 0x7f)
    return (value >>> 1) ^ -(value & 1)
  }
  if (end - at <= 7) {
    const value = readNumber(row, at)
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
  let wide = 0n
  for (let place = end - 1; place >= at; place -= 1) wide = (wide << 7n) | BigInt(row[place]! & 0x7f)
  const value = (wide & 1n) === 0n ? wide >> 1n : -((wide + 1n) >> 1n)
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
}
