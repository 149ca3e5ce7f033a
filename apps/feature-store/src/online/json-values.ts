import { type NamedField, type Value } from '../feature-views/view.ts'
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

/**
 * Writes a value as JSON text: floats always with a point, integers with all their digits.
 *
 * @param time How a timestamp is written, from Unix ms.
 */
export const jsonWriter = (type: NamedField['type'], time: (ms: number) => string): ((value: Value) => string) => {
  switch (type) {
    case 'string':
      return (value) => (value === null ? 'null' : JSON.stringify(value))
    case 'int':
    case 'int32':
    case 'bool':
      return String
    case 'float':
      return (value) => (value === null ? 'null' : withPoint(shortestFloat(value as number)))
    case 'double':
      return (value) => (value === null ? 'null' : withPoint(value as number))
    case 'timestamp':
      return (value) => (value === null ? 'null' : time(value as number))
  }
}

/** A timestamp as our own API writes it. */
export const isoText = (ms: number): string => `"${iso(ms)}"`

/** A timestamp as Feast writes it: whole seconds since 1970. */
export const unixSeconds = (ms: number): string => String(Math.floor(ms / 1000))

/** A protobuf timestamp in JSON: no fraction, or three digits of one. */
export const protobufTime = (ms: number): string => `"${iso(ms).replace('.000Z', 'Z')}"`
