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

/** Reads some fields of rows of one revision of a view. */
export interface RowReader {
  /** Adds the values of the row to the columns, one for each field asked for, in their order; null for a null. */
  read(row: Buffer, columns: readonly Value[][]): void
}

/** Compiles the reading of the fields at `ordinals`, ascending: at fixed places when no field before them varies in size or is null. */
export function rowReader({ fields }: Pick<View, 'fields'>, ordinals: readonly number[]): RowReader {
  const last = ordinals.at(-1) ?? -1
  const passed = fields.slice(0, last + 1)
  const start = headerBytes + ((fields.length + 7) >> 3)
  const places: number[] = []
  let at = start
  for (const { type } of passed) at = places[places.push(at) - 1]! + (fixedBytes[type] ?? Number.NaN)
  const readers = passed.map(({ type }) => valueReaders[type])
  const wanted = ordinals.map((ordinal) => ({ at: places[ordinal]!, read: readers[ordinal]! }))
  const fixed = wanted.every((each) => !Number.isNaN(each.at))
  const nullBytes = (last + 8) >> 3

  const walk = (row: Buffer, columns: readonly Value[][]): void => {
    let place = start
    let next = 0
    for (let field = 0; field <= last; field += 1) {
      const asked = ordinals[next] === field
      const column = asked ? columns[next++] : undefined
      if ((row[headerBytes + (field >> 3)]! & (1 << (field & 7))) !== 0) column?.push(null)
      else {
        column?.push(readers[field]!(row, place))
        place += sizeAt(row, place, passed[field]!.type)
      }
    }
  }
  if (!fixed) return { read: walk }
  return {
    read(row, columns) {
      for (let byte = 0; byte < nullBytes; byte += 1) if (row[headerBytes + byte] !== 0) return walk(row, columns)
      for (let index = 0; index < wanted.length; index += 1) {
        const { at: place, read } = wanted[index]!
        columns[index]!.push(read(row, place))
      }
    },
  }
}

/** The revision that encoded a row; 0: it is a tombstone. */
export const readRevision = (row: Buffer): number => row.readUIntBE(24, 3)

/** What stands in front of every row. `revision` 0 is a tombstone. */
export const readHeader = (row: Buffer): OnlinePosition & { revision: number } => ({
  eventTime: readTime(row, 0),
  availableAt: readTime(row, 7),
  epoch: row.readUInt16BE(14),
  partition: row.readUInt16BE(16),
  offset: row.readUIntBE(18, 6),
  revision: readRevision(row),
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

/** Reads a value of a type at a place. */
const valueReaders: Record<NamedField['type'], (row: Buffer, at: number) => Value> = {
  string(row, at) {
    const { length, start } = readLength(row, at)
    return row.toString('utf8', start, start + length)
  },
  int(row, at) {
    const value = row.readInt32LE(at + 4) * high + row.readUInt32LE(at)
    return Number.isSafeInteger(value) ? value : row.readBigInt64LE(at)
  },
  int32: (row, at) => row.readInt32LE(at),
  float: (row, at) => row.readFloatLE(at),
  double: (row, at) => row.readDoubleLE(at),
  bool: (row, at) => row[at] === 1,
  timestamp: readTime,
}

/** Bytes of the types that always take as many. */
const fixedBytes: Partial<Record<NamedField['type'], number>> = { int: 8, double: 8, int32: 4, float: 4, bool: 1, timestamp: 7 }

function sizeAt(row: Buffer, at: number, type: NamedField['type']): number {
  const fixed = fixedBytes[type]
  if (fixed !== undefined) return fixed
  const { length, start } = readLength(row, at)
  return start + length - at
}

/** Lengths take one byte below 128, else four with the highest bit set. */
function writeLength(row: Buffer, at: number, length: number): number {
  return length < 0x80 ? row.writeUInt8(length, at) : row.writeUInt32BE(length + 0x8000_0000, at)
}

function readLength(row: Buffer, at: number): { length: number; start: number } {
  const first = row[at]!
  return first < 0x80 ? { length: first, start: at + 1 } : { length: row.readUInt32BE(at) - 0x8000_0000, start: at + 4 }
}
