import { type Value, type View } from '../feature-views/view.ts'
import { type RowBatch } from '../ingest/row-batch.ts'
import { type OnlinePosition } from './online-order.ts'
import { cursor, mostBytes, readValue, skipValue, writeValue } from './value-codec.ts'
import { ordinalBytes, readOrdinal, skipOrdinals, writeOrdinal } from './varints.ts'

/*
 * A row in the online store:
 *
 *   7 bytes  event time, whole ms since the year 1, big-endian
 *   ordinal  available at, in ms after the event time
 *   ordinal  epoch
 *   ordinal  partition
 *   ordinal  offset
 *   ordinal  revision of the view that encoded it; 0: a tombstone, nothing follows
 *   n bytes  one bit a field: whether it is null
 *      …     the fields that are not null, in the order of the view
 *
 * Rows in the order of their first bytes, up to the offset, are in the order of the online rule: the script of the online store compares
 * them so. Integers, lengths, and times as ms after the event time take as many bytes as they need.
 */

/** Event times begin in the year 1: shifted by this they are positive. */
const timeShift = 62_135_596_800_000
const timeBytes = 7
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
    const eventTime = batch.eventTimes[index]!
    writeTime(scratch, eventTime)
    let at = writeOrdinal(scratch, timeBytes, batch.availableAts[index]! - eventTime)
    at = writeOrdinal(scratch, at, batch.epochs[index]!)
    at = writeOrdinal(scratch, at, batch.partitions[index]!)
    at = writeOrdinal(scratch, at, batch.offsets[index]!)
    const deleted = batch.deleted[index]!
    at = writeOrdinal(scratch, at, deleted ? 0 : view.revision)
    if (deleted) return Buffer.from(scratch.subarray(0, at))
    const bitmap = at
    at += bitmapBytes
    if (at > scratch.length) scratch = Buffer.concat([scratch], at * 2)
    scratch.fill(0, bitmap, at)
    for (let field = 0; field < fields.length; field += 1) {
      const value = batch.values[field]![index]!
      if (value === null) {
        const byte = bitmap + (field >> 3)
        scratch[byte] = scratch[byte]! | (1 << (field & 7))
      } else {
        const needed = at + mostBytes(value)
        if (needed > scratch.length) scratch = Buffer.concat([scratch, Buffer.allocUnsafe(needed)])
        at = writeValue(scratch, at, fields[field]!.type, value, eventTime)
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

/** Compiles the reading of the fields at `ordinals`, ascending. */
export function rowReader({ fields }: Pick<View, 'fields'>, ordinals: readonly number[]): RowReader {
  const bitmapBytes = (fields.length + 7) >> 3
  const last = ordinals.at(-1) ?? -1
  const types = fields.slice(0, last + 1).map(({ type }) => type)
  const wanted = types.map((_, ordinal) => ordinals.indexOf(ordinal))
  return {
    read(row, columns) {
      const bitmap = skipOrdinals(row, timeBytes, 5)
      const eventTime = readEventTime(row)
      cursor.at = bitmap + bitmapBytes
      for (let field = 0; field <= last; field += 1) {
        const column = wanted[field]!
        const isNull = (row[bitmap + (field >> 3)]! & (1 << (field & 7))) !== 0
        if (column < 0) {
          if (!isNull) skipValue(row, types[field]!)
        } else columns[column]!.push(isNull ? null : readValue(row, types[field]!, eventTime))
      }
    },
  }
}

/** The revision that encoded a row; 0: it is a tombstone. */
export const readRevision = (row: Buffer): number => readOrdinal(row, skipOrdinals(row, timeBytes, 4))

/** The event time of a row, in Unix ms. */
export const readEventTime = (row: Buffer): number => row.readUIntBE(0, 3) * high + row.readUInt32BE(3) - timeShift

/** What stands in front of every row. `revision` 0 is a tombstone. */
export function readHeader(row: Buffer): OnlinePosition & { revision: number } {
  const eventTime = readEventTime(row)
  let at = timeBytes
  const next = (): number => {
    const value = readOrdinal(row, at)
    at += ordinalBytes(row[at]!)
    return value
  }
  return { eventTime, availableAt: eventTime + next(), epoch: next(), partition: next(), offset: next(), revision: next() }
}

function writeTime(row: Buffer, ms: number): void {
  const shifted = ms + timeShift
  const top = Math.floor(shifted / high)
  row.writeUIntBE(top, 0, 3)
  row.writeUInt32BE(shifted - top * high, 3)
}
