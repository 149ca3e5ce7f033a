/** Reads MessagePack, by the specification, for tests: integers beyond 2^53 become bigints. */
export function unpack(bytes: Buffer): unknown {
  let at = 0
  const take = (count: number): Buffer => bytes.subarray(at, (at += count))
  const uint = (size: number): number => take(size).readUIntBE(0, size)
  const many = (count: number): unknown[] => Array.from({ length: count }, next)
  const map = (count: number) => Object.fromEntries(Array.from({ length: count }, () => [next() as string, next()]))
  const long = (value: bigint) => (Number.isSafeInteger(Number(value)) ? Number(value) : value)

  function next(): unknown {
    const first = uint(1)
    if (first < 0x80) return first
    if (first < 0x90) return map(first & 0x0f)
    if (first < 0xa0) return many(first & 0x0f)
    if (first < 0xc0) return take(first & 0x1f).toString()
    if (first >= 0xe0) return first - 0x100
    switch (first) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return Buffer.from(take(uint(2 ** (first - 0xc4))))
      case 0xca:
        return take(4).readFloatBE()
      case 0xcb:
        return take(8).readDoubleBE()
      case 0xcc:
      case 0xcd:
      case 0xce:
        return uint(2 ** (first - 0xcc))
      case 0xcf:
        return long(take(8).readBigUInt64BE())
      case 0xd2:
        return take(4).readInt32BE()
      case 0xd3:
        return long(take(8).readBigInt64BE())
      case 0xda:
      case 0xdb:
        return take(uint(first === 0xda ? 2 : 4)).toString()
      case 0xdc:
      case 0xdd:
        return many(uint(first === 0xdc ? 2 : 4))
      case 0xde:
      case 0xdf:
        return map(uint(first === 0xde ? 2 : 4))
      default:
        throw new Error(`0x${first.toString(16)} is not written by us`)
    }
  }
  return next()
}
