import { type DuckDBListValue } from '@duckdb/node-api'
import { itemType, type PlainType, valueType } from '@cascata/resources'
import { type RecordDecoder } from '../formats/decode.ts'
import { isObject, type RowObject } from '../formats/decoded.ts'
import { type View } from '../feature-views/view.ts'
import { type RawRecord } from '../ingest/validate-rows.ts'
import { iso, type TimeFormat } from '../ingest/validate-times.ts'
import { parseExact } from '../ingest/validate-fields.ts'
import { narrowed } from '../offline/duckdb-values.ts'
import { type ColumnSql } from './column-sql.ts'

/**
 * The partition that imported rows of a view count as theirs; no topic has it. Their offsets go on from import to import, so that a
 * snapshot names what was imported by it as it names the records of a topic.
 */
export const importPartition = 65_535

const marked = { 'cascata-backfill': 'true' }

/** A row of a file as the live rules take it. */
interface FileRecord extends RawRecord {
  readonly row?: RowObject
}

/** Bytes that rows are surely below, when their texts are: so few are measured. */
const maySurpass = 100_000

const lengthOf = (value: unknown): number => {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + lengthOf(item), 2)
  return typeof value === 'string' ? value.length : 8
}

/** A row of columns as a record. */
export function recordOf(row: RowObject, offset: number): FileRecord {
  const length = Object.values(row).reduce<number>((sum, value) => sum + lengthOf(value), 0)
  const value =
    length > maySurpass
      ? Buffer.from(JSON.stringify(row, (_key, each: unknown) => (typeof each === 'bigint' ? Number(each) : each)))
      : Buffer.alloc(0)
  return { partition: importPartition, epoch: 0, offset, timestamp: Number.NaN, key: null, value, headers: marked, row }
}

/** A line of JSON as a record. */
export const recordOfLine = (value: Buffer, offset: number): FileRecord => ({
  partition: importPartition,
  epoch: 0,
  offset,
  timestamp: Number.NaN,
  key: null,
  value,
  headers: marked,
})

/** Decodes rows of columns, which need none, and leaves lines to another decoder. */
export const fileDecoder = (lines: RecordDecoder): RecordDecoder => ({
  decode: (record) => {
    const { row } = record as FileRecord
    return isObject(row) ? { is: 'row', row } : lines.decode(record)
  },
})

/** Makes the row that live rules take of the values that SQL gives for a row of a file. */
export function rowReader(view: View, columns: readonly ColumnSql[]): (values: readonly unknown[]) => RowObject {
  const { format } = view.spec.eventTime
  const readers = columns.map(({ field, rawKind }) => {
    const read = readerOf(valueType(field.type), rawKind, format)
    return { name: field.name, read: itemType(field.type) === undefined ? read : listOf(read) }
  })
  return (values) => {
    const row = Object.create(null) as RowObject
    readers.forEach(({ name, read }, index) => {
      const value = values[index]
      row[name] = value === null || value === undefined ? null : read(value)
    })
    return row
  }
}

const listOf = (read: (value: unknown) => unknown) => (value: unknown) =>
  (value as DuckDBListValue).items.map((item) => (item === null ? null : read(item)))

function readerOf(type: PlainType, kind: ColumnSql['rawKind'], format: TimeFormat): (value: unknown) => unknown {
  if (kind === 'micros') return (value) => inFormat(value as bigint, format)
  if (kind === 'plain') return (value) => (typeof value === 'bigint' ? narrowed(value) : value)
  if (type === 'string' || type === 'bytes' || (type === 'timestamp' && format === 'iso8601')) return (value) => value
  if (type === 'bool') return (value) => (value === 'true' ? true : value === 'false' ? false : value)
  return (value) => (/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(value as string) ? parseExact(value as string) : value)
}

/** An instant of a typed column as the view's format writes it. */
function inFormat(micros: bigint, format: TimeFormat): unknown {
  const ms = Number((micros - (((micros % 1000n) + 1000n) % 1000n)) / 1000n)
  switch (format) {
    case 'iso8601':
      return Math.abs(ms) <= 8.64e15 && new Date(ms).getUTCFullYear() <= 9999 && new Date(ms).getUTCFullYear() > 0
        ? iso(ms)
        : 'out of range'
    case 'unix-s':
      return ms / 1000
    case 'unix-ms':
      return ms
    case 'unix-us':
      return ms * 1000
  }
}
