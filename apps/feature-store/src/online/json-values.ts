import { type FieldType, itemType, type PlainType } from '@cascata/resources'
import { type PlainValue, type Value } from '../feature-views/view.ts'
import { iso } from '../ingest/validate-times.ts'

/** A double with its decimal point: JavaScript prints 1.0 as `1`, and a typed client then infers an integer. */
const withPoint = (value: number): string => {
  const text = String(value)
  return /^-?\d+$/.test(text) ? `${Object.is(value, -0) ? '-0' : text}.0` : text
}

/** The shortest decimal that reads back as the same 32-bit float. */
const shortestFloat = (value: number): number => {
  if (value === 0) return value
  for (let digits = 6; digits <= 9; digits += 1) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
}

/** What answers write in their own way. */
export interface JsonStyle {
  /** A timestamp, from Unix ms. */
  readonly time: (ms: number) => string
  readonly emptyList: string
}

/** Writes a value as JSON text: floats always with a point, integers with all their digits, bytes in base64. */
export function jsonWriter(type: FieldType, { time, emptyList }: JsonStyle): (value: Value) => string {
  const item = itemType(type)
  const write = plainWriter(item ?? (type as PlainType), time)
  if (item === undefined) return (value) => (value === null ? 'null' : write(value as PlainValue))
  return (value) => {
    if (value === null) return 'null'
    const items = value as readonly PlainValue[]
    return items.length === 0 ? emptyList : `[${items.map(write).join(',')}]`
  }
}

function plainWriter(type: PlainType, time: JsonStyle['time']): (value: PlainValue) => string {
  switch (type) {
    case 'string':
      return (value) => JSON.stringify(value)
    case 'bytes':
      return (value) => `"${(value as Buffer).toString('base64')}"`
    case 'int':
    case 'int32':
    case 'bool':
      return String
    case 'float':
      return (value) => withPoint(shortestFloat(value as number))
    case 'double':
      return (value) => withPoint(value as number)
    case 'timestamp':
      return (value) => time(value as number)
  }
}

/** A timestamp as our own API writes it. */
export const isoText = (ms: number): string => `"${iso(ms)}"`

/** A timestamp as Feast writes it: whole seconds since 1970. */
export const unixSeconds = (ms: number): string => String(Math.floor(ms / 1000))

export const ownStyle: JsonStyle = { time: isoText, emptyList: '[]' }

/** A client of Feast raises on `[]`, as it can't tell of what. */
export const feastStyle: JsonStyle = { time: unixSeconds, emptyList: 'null' }

/** A protobuf timestamp in JSON: no fraction, or three digits of one. */
export const protobufTime = (ms: number): string => `"${iso(ms).replace('.000Z', 'Z')}"`
