import { type NamedField, type Value, type View } from '../feature-views/view.ts'
import { type RowBatch } from '../ingest/row-batch.ts'
import { type OnlinePosition } from './online-order.ts'

/*
 * A row in the online store:
 *
 *   0  7 bytes  event time   } whole ms since the year 1, big-endian
 *   7  7        available at }
 *  14  2        epoch
 *  16  2        partition
 *  18  6        offset
 *  24  3        revision of the view that encoded it; 0: a tombstone, nothing follows
 *  27  n        one bit a field: whether it is null
 *      …        the fields that are not null, in the order of the view
 *
 * The script of the online store reads the first 24 bytes (see online-store.ts).
 */
export const headerBytes = 27

/** Event times begin in the year 1: shifted by this they are positive. */
const timeShift = 62_135_596_800_000

const high = 2 ** 32

/** Writes rows of one view; a buffer of its own is reused from row to row. */
export interface RowEncoder {
  /** The row at `index`, in memory of its own. */
  encode(batch: RowBatch, index: number): Buffer
}

export function rowEncoder(view: View): RowEncoder {
  const { fields } = view
  const bitmapBytes = (fields.length + 7) >> 3
  let scratch = Buffer.allocUnsafe(4096)

  const encode = (batch: RowBatch, index: number): Buffer => {
    writeTime(scratch, 0, batch.eventTimes[index]!)
    writeTime(scratch, 7, batch.availableAts[index]!)
    scratch.writeUInt16BE(batch.epochs[index]!, 14)
    scratch.writeUInt16BE(batch.partitions[index]!, 16)
    scratch.writeUIntBE(batch.offsets[index]!, 18, 6)
    const deleted = batch.deleted[index]!
    scratch.writeUIntBE(deleted ? 0 : view.revision, 24, 3)
    if (deleted) return Buffer.from(scratch.subarray(0, headerBytes))
    let at = headerBytes + bitmapBytes
    scratch.fill(0, headerBytes, at)
    for (let field = 0; field < fields.length; field += 1) {
      const value = batch.values[field]![index]!
      if (value === null) {
        const byte = headerBytes + (field >> 3)
        scratch[byte] = scratch[byte]! | (1 << (field & 7))
      } else {
        const needed = at + 16 + (typeof value === 'string' ? value.length * 3 : 0)
        if (needed > scratch.length) scratch = Buffer.concat([scratch, Buffer.allocUnsafe(needed)])
        at = writeValue(scratch, at, fields[field]!, value)
      }
    }
    return Buffer.from(scratch.subarray(0, at))
  }
  return { encode }
}

/** Reads rows of one revision of a view. */
export interface RowDecoder {
  /** The values of the fields at the ordinals asked for, ascending; undefined for a null. */
  decode(row: Buffer, ordinals: readonly number[]): (Value | undefined)[]
}

export function rowDecoder({ fields }: Pick<View, 'fields'>): RowDecoder {
  const bitmapBytes = (fields.length + 7) >> 3
  return {
    decode(row, ordinals) {
      const values: (Value | undefined)[] = []
      let at = headerBytes + bitmapBytes
      let next = 0
      for (let field = 0; next < ordinals.length; field += 1) {
        const wanted = ordinals[next] === field
        if (wanted) next += 1
        if ((row[headerBytes + (field >> 3)]! & (1 << (field & 7))) !== 0) {
          if (wanted) values.push(undefined)
          continue
        }
        const { type } = fields[field]!
        if (wanted) values.push(readValue(row, at, type))
        at += sizeAt(row, at, type)
      }
      return values
    },
  }
}

/** What stands in front of every row. `revision` 0 is a tombstone. */
export const readHeader = (row: Buffer): OnlinePosition & { revision: number } => ({
  eventTime: readTime(row, 0),
  availableAt: readTime(row, 7),
  epoch: row.readUInt16BE(14),
  partition: row.readUInt16BE(16),
  offset: row.readUIntBE(18, 6),
  revision: row.readUIntBE(24, 3),
})

/** Event time alone, in Unix ms. */
export const readTime = (row: Buffer, at: number): number => row.readUIntBE(at, 3) * high + row.readUInt32BE(at + 3) - timeShift

function writeTime(row: Buffer, at: number, ms: number): void {
  const shifted = ms + timeShift
  const top = Math.floor(shifted / high)
  row.writeUIntBE(top, at, 3)
  row.writeUInt32BE(shifted - top * high, at + 3)
}

function writeValue(row: Buffer, at: number, { type }: NamedField, value: Exclude<Value, null>): number {
  switch (type) {
    case 'string': {
      const text = value as string
      const bytes = Buffer.byteLength(text)
      const start = writeLength(row, at, bytes)
      return start + row.write(text, start)
    }
    case 'int':
      return typeof value === 'bigint' ? row.writeBigInt64LE(value, at) : writeInt64(row, at, value as number)
    case 'int32':
      return row.writeInt32LE(value as number, at)
    case 'float':
      return row.writeFloatLE(value as number, at)
    case 'double':
      return row.writeDoubleLE(value as number, at)
    case 'bool':
      return row.writeUInt8(value ? 1 : 0, at)
    case 'timestamp':
      writeTime(row, at, value as number)
      return at + 7
  }
}

function writeInt64(row: Buffer, at: number, value: number): number {
  const top = Math.floor(value / high)
  row.writeUInt32LE(value - top * high, at)
  return row.writeInt32LE(top, at + 4)
}

function readValue(row: Buffer, at: number, type: NamedField['type']): Value {
  switch (type) {
    case 'string': {
      const { length, start } = readLength(row, at)
      return row.toString('utf8', start, start + length)
    }
    case 'int': {
      const value = row.readInt32LE(at + 4) * high + row.readUInt32LE(at)
      return Number.isSafeInteger(value) ? value : row.readBigInt64LE(at)
    }
    case 'int32':
      return row.readInt32LE(at)
    case 'float':
      return row.readFloatLE(at)
    case 'double':
      return row.readDoubleLE(at)
    case 'bool':
      return row[at] === 1
    case 'timestamp':
      return readTime(row, at)
  }
}

function sizeAt(row: Buffer, at: number, type: NamedField['type']): number {
  switch (type) {
    case 'string': {
      const { length, start } = readLength(row, at)
      return start + length - at
    }
    case 'int':
    case 'double':
      return 8
    case 'int32':
    case 'float':
      return 4
    case 'bool':
      return 1
    case 'timestamp':
      return 7
  }
}

/** Lengths take one byte below 128, else four with the highest bit set. */
function writeLength(row: Buffer, at: number, length: number): number {
  return length < 0x80 ? row.writeUInt8(length, at) : row.writeUInt32BE(length + 0x8000_0000, at)
}

function readLength(row: Buffer, at: number): { length: number; start: number } {
  const first = row[at]!
  return first < 0x80 ? { length: first, start: at + 1 } : { length: row.readUInt32BE(at) - 0x8000_0000, start: at + 4 }
}
