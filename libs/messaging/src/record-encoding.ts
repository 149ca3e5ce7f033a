import { createRequire } from 'node:module'

/** A record of a batch, as kafkajs hands it to its encoder. */
export interface RecordToEncode {
  offsetDelta?: number
  timestampDelta?: number
  key?: Buffer | string | null
  value: Buffer | string | null
  headers?: Record<string, Buffer | string | (Buffer | string)[] | null> | undefined
}

/** What kafkajs writes into a batch: the bytes `buf[0 … offset)`. */
export interface Encoded {
  buf: Buffer
  offset: number
}

export type RecordEncoder = (record: RecordToEncode) => Encoded

type Bytes = Buffer | string | null | undefined

/** Greatest number whose zigzag form fits 31 bits. */
const most = 0x3fff_ffff

const sizeOfVarInt = (value: number): number => {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x20_0000 ? 3 : zigzag < 0x1000_0000 ? 4 : 5
}

const sizeOf = (bytes: Bytes): number => (bytes === null || bytes === undefined ? -1 : Buffer.byteLength(bytes))
const sizeWithLength = (size: number): number => sizeOfVarInt(size) + Math.max(size, 0)

/** Writes at the end of a buffer that is large enough. */
class Writer {
  readonly buf: Buffer
  offset = 0

  constructor(size: number) {
    this.buf = Buffer.allocUnsafe(size)
  }

  varInt(value: number): void {
    let zigzag = ((value << 1) ^ (value >> 31)) >>> 0
    for (; zigzag >= 0x80; zigzag >>>= 7) this.buf[this.offset++] = (zigzag & 0x7f) | 0x80
    this.buf[this.offset++] = zigzag
  }

  bytes(bytes: Bytes, size: number): void {
    this.varInt(size)
    if (size <= 0) return
    if (typeof bytes === 'string') this.buf.write(bytes, this.offset, size, 'utf8')
    else (bytes as Buffer).copy(this.buf, this.offset)
    this.offset += size
  }
}

/**
 * Encodes a record (magic 2, https://kafka.apache.org/documentation/#record) into one buffer of its exact size.
 * The bytes are those of kafkajs' own encoder, which allocates half a kilobyte for each header and an array for each length:
 * with the eleven headers of an event that was most of the cost of publishing it.
 *
 * @param slow for a time so far from the batch's first that it needs 64 bits
 */
export const recordEncoder =
  (slow: RecordEncoder, prototype: object): RecordEncoder =>
  (record) => {
    const { offsetDelta = 0, timestampDelta = 0, key, value, headers = {} } = record
    if (!(timestampDelta >= 0 && timestampDelta <= most && Number.isInteger(timestampDelta))) return slow(record)
    const pairs: [string, number, Bytes, number][] = []
    let size = 1 + sizeOfVarInt(timestampDelta) + sizeOfVarInt(offsetDelta)
    for (const name in headers) {
      const found = headers[name]
      for (const each of Array.isArray(found) ? found : [found]) {
        const pair: [string, number, Bytes, number] = [name, Buffer.byteLength(name), each, sizeOf(each)]
        pairs.push(pair)
        size += sizeWithLength(pair[1]) + sizeWithLength(pair[3])
      }
    }
    const [keySize, valueSize] = [sizeOf(key), sizeOf(value)]
    size += sizeWithLength(keySize) + sizeWithLength(valueSize) + sizeOfVarInt(pairs.length)

    const writer = new Writer(sizeOfVarInt(size) + size)
    writer.varInt(size)
    writer.buf[writer.offset++] = 0
    writer.varInt(timestampDelta)
    writer.varInt(offsetDelta)
    writer.bytes(key, keySize)
    writer.bytes(value, valueSize)
    writer.varInt(pairs.length)
    for (const [name, nameSize, bytes, bytesSize] of pairs) {
      writer.bytes(name, nameSize)
      writer.bytes(bytes, bytesSize)
    }
    return Object.assign(Object.create(prototype) as Encoded, { buf: writer.buf, offset: writer.offset })
  }

const modulePath = 'kafkajs/src/protocol/recordBatch/record/v0'

/** Puts the encoder in the place of kafkajs' own, once. kafkajs loads its produce requests when it first produces: call this before. */
export function quickenRecords(): void {
  const load = createRequire(import.meta.url)
  const own = load(modulePath) as RecordEncoder & { quick?: true }
  if (own.quick) return
  const { prototype } = load('kafkajs/src/protocol/encoder') as { prototype: object }
  load.cache[load.resolve(modulePath)]!.exports = Object.assign(recordEncoder(own, prototype), { quick: true })
}
