import { isInputType, itemType } from '@cascata/resources'
import { type NamedField, type View } from '../feature-views/view.ts'
import { quoted } from '../offline/duckdb.ts'
import { scanSql } from '../offline/segment-columns.ts'
import { type Segment } from '../offline/segments.store.ts'
import { dayMs, type Days } from './decide-days.ts'

/** A view's newest segments, of which samples are taken. */
export interface Sampled {
  readonly view: View
  readonly segments: readonly Segment[]
  readonly fieldsOf: (revision: number) => ReadonlySet<string>
}

/** The newest segments that together have `rows` rows; fewer where there are no more. */
export function newestSegments(segments: readonly Segment[], rows: number): Segment[] {
  const taken: Segment[] = []
  for (const segment of segments.toSorted((a, b) => b.position - a.position)) {
    if (rowsIn(taken) >= rows) break
    taken.push(segment)
  }
  return taken
}

const rowsIn = (segments: readonly Segment[]) => segments.reduce((sum, { rows }) => sum + rows, 0)

/** Into how many parts rows are to be parted so that one of them has about `wanted`. */
export const partsOf = (segments: readonly Segment[], wanted: number): number => Math.max(1, Math.ceil(rowsIn(segments) / wanted))

/** SQL of one field of about `rows` rows, as `value`: every n-th by the hash of its place, so that the same are taken anywhere. */
export function fieldSql({ view, segments, fieldsOf }: Sampled, field: NamedField, rows: number): string {
  const place = ['__partition', '__epoch', '__offset']
  const scan = scanSql(view, segments, fieldsOf, [field.name, ...place, '__deleted'])
  const value = field.type === 'string' || !isInputType(field.type) ? cellSql(field) : quoted(field.name)
  return `select ${value} as value from (${scan})
           where not __deleted and hash(${place.join(', ')}) % ${partsOf(segments, rows)} = 0 limit ${rows}`
}

/** SQL of one field of about as many rows of each day as they were asked for, as `value`, beside the day it is of, as Unix ms of its begin. */
export function datedSql({ view, days, fieldsOf }: Sampled & { readonly days: Days<Segment> }, field: NamedField): string {
  const place = ['__partition', '__epoch', '__offset']
  const scan = scanSql(view, days.segments, fieldsOf, [field.name, ...place, '__event_time', '__deleted'])
  const index = `1 + (epoch_ms(__event_time) - ${days.from}) // ${dayMs}`
  return `select (${days.from} + (${index} - 1) * ${dayMs})::DOUBLE as day, ${cellSql(field)} as value from (${scan})
           where not __deleted and epoch_ms(__event_time) >= ${days.from}
             and hash(${place.join(', ')}) % ([${days.parts.join(', ')}])[${index}] = 0`
}

/** SQL of fields in the newest row of each key in one of `parts` parts of all keys, beside the key as `k0`, `k1`, …; fields as `<prefix>0`, … */
export function newestRowsSql(
  { view, segments, fieldsOf }: Sampled,
  fields: readonly NamedField[],
  parts: number,
  prefix: string,
): string {
  const keys = view.spec.entity.toSorted()
  const order = ['__event_time', '__epoch', '__partition', '__offset']
  const names = fields.map(({ name }) => name)
  const scan = scanSql(view, segments, fieldsOf, [...new Set([...keys, ...names]), ...order, '__deleted'])
  const list = keys.map(quoted).join(', ')
  const columns = [
    ...keys.map((name, index) => `${quoted(name)} as k${index}`),
    ...fields.map((field, index) => `${cellSql(field)} as ${prefix}${index}`),
  ]
  return `select ${columns.join(', ')} from (
            select * from (${scan}) where hash(${list}) % ${parts} = 0
            qualify row_number() over (partition by ${list} order by ${order.map((each) => `${each} desc`).join(', ')}) = 1
          ) where not __deleted`
}

/** A field as a number where it is one (a time in Unix ms; of a list and of bytes the length), as a boolean, or as a short text. */
export const cellSql = ({ name, type }: NamedField, column = quoted(name)): string => {
  if (type === 'timestamp') return `epoch_ms(${column})::DOUBLE`
  if (type === 'string') return shortTextSql(column)
  if (type === 'bytes') return `octet_length(${column})::DOUBLE`
  if (itemType(type) !== undefined) return `len(${column})::DOUBLE`
  return type === 'bool' ? column : `${column}::DOUBLE`
}

/** A text; a long one by its beginning and its MD5, so that a megabyte of it takes no room, and is still told from others. */
const shortTextSql = (column: string): string =>
  `case when length(${column}) <= 200 then ${column} else left(${column}, 160) || '…' || md5(${column}) end`
