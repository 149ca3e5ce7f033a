import { type FieldType, itemType } from '@cascata/resources'
import { type PlainValue, type Value } from '../feature-views/view.ts'
import { readNumber, readSigned, skipNumber, writeNumber, writeSigned } from './varints.ts'

/*
 * A value in a row of the online store: integers by their size, a time as ms after the row's event time, a text or bytes behind their
 * length, a list behind how many items it has.
 */

/** Where the value that is read next begins; rows are read one after the other. */
export const cursor = { at: 0 }

/** Bytes that a value takes at most. */
export function mostBytes(value: Exclude<Value, null>): number {
  if (typeof value === 'string') return 16 + value.length * 3
  if (typeof value !== 'object') return 16
  if (Buffer.isBuffer(value)) return 16 + value.length
  return (value as readonly PlainValue[]).reduce<number>((sum, item) => sum + mostBytes(item), 16)
}

/** Writes a value at `at` and returns where it ends. */
export function writeValue(row: Buffer, at: number, type: FieldType, value: Exclude<Value, null>, eventTime: number): number {
  switch (type) {
    case 'string': {
      const text = value as string
      const start = writeNumber(row, at, Buffer.byteLength(text))
      return start + row.write(text, start)
    }
    case 'bytes': {
      const bytes = value as Buffer
      const start = writeNumber(row, at, bytes.length)
      row.set(bytes, start)
      return start + bytes.length
    }
    case 'int':
    case 'int32':
      return writeSigned(row, at, value as number | bigint)
    case 'timestamp':
      return writeSigned(row, at, (value as number) - eventTime)
    case 'float':
      return row.writeFloatLE(value as number, at)
    case 'double':
      return row.writeDoubleLE(value as number, at)
    case 'bool':
      return row.writeUInt8(value ? 1 : 0, at)
    default: {
      const items = value as readonly PlainValue[]
      const item = itemType(type)!
      return items.reduce<number>(
        (next, each) => writeValue(row, next, item, each, eventTime),
        writeNumber(row, at, items.length),
      )
    }
  }
}

/** Reads the value at the cursor, and moves it on. @param eventTime Of the row. */
export function readValue(row: Buffer, type: FieldType, eventTime: number): Exclude<Value, null> {
  const { at } = cursor
  switch (type) {
    case 'string': {
      const start = skipNumber(row, at)
      cursor.at = start + readNumber(row, at)
      return row.toString('utf8', start, cursor.at)
    }
    case 'bytes': {
      const start = skipNumber(row, at)
      cursor.at = start + readNumber(row, at)
      return row.subarray(start, cursor.at)
    }
    case 'int':
    case 'int32':
      cursor.at = skipNumber(row, at)
      return readSigned(row, at, cursor.at)
    case 'timestamp':
      cursor.at = skipNumber(row, at)
      return (readSigned(row, at, cursor.at) as number) + eventTime
    case 'float':
      cursor.at = at + 4
      return row.readFloatLE(at)
    case 'double':
      cursor.at = at + 8
      return row.readDoubleLE(at)
    case 'bool':
      cursor.at = at + 1
      return row[at] === 1
    default: {
      const item = itemType(type)!
      return Array.from({ length: readCount(row) }, () => readValue(row, item, eventTime) as PlainValue)
    }
  }
}

/** Moves the cursor behind the value it is at. */
export function skipValue(row: Buffer, type: FieldType): void {
  const { at } = cursor
  switch (type) {
    case 'string':
    case 'bytes':
      cursor.at = skipNumber(row, at) + readNumber(row, at)
      return
    case 'int':
    case 'int32':
    case 'timestamp':
      cursor.at = skipNumber(row, at)
      return
    case 'float':
    case 'double':
    case 'bool':
      cursor.at = at + (type === 'double' ? 8 : type === 'float' ? 4 : 1)
      return
    default: {
      const item = itemType(type)!
      for (let left = readCount(row); left > 0; left -= 1) skipValue(row, item)
    }
  }
}

function readCount(row: Buffer): number {
  const count = readNumber(row, cursor.at)
  cursor.at = skipNumber(row, cursor.at)
  return count
}
