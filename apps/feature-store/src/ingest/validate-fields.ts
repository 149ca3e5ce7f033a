import { itemType, maxListItems, type PlainType } from '@cascata/resources'
import { type NamedField, type PlainValue, type Value } from '../feature-views/view.ts'
import { type TimeFormat, timeReader } from './validate-times.ts'

/** Why a row is refused. */
export type RejectCode =
  | 'NOT_JSON'
  | 'NOT_AN_OBJECT'
  | 'NOT_DECODABLE'
  | 'ENVELOPE_INVALID'
  | 'SCHEMA_UNKNOWN'
  | 'SCHEMA_UNUSABLE'
  | 'NO_VALUE'
  | 'MISSING_FIELD'
  | 'WRONG_TYPE'
  | 'OUT_OF_RANGE'
  | 'NOT_ALLOWED'
  | 'NULL_KEY'
  | 'KEY_TOO_LONG'
  | 'ROW_TOO_LARGE'
  | 'EVENT_TIME_INVALID'
  | 'EVENT_TIME_IN_FUTURE'

/** What is wrong with a value. */
export class Fault {
  readonly code: 'WRONG_TYPE' | 'OUT_OF_RANGE' | 'NOT_ALLOWED'
  readonly message: string

  constructor(code: Fault['code'], message: string) {
    this.code = code
    this.message = message
  }
}

/** Reads a value that is not null: the value as it is stored, or what is wrong with it. */
export type FieldReader = (value: unknown) => Value | Fault

type PlainReader = (value: unknown) => PlainValue | Fault

export const isFault = (read: Value | Fault): read is Fault => read instanceof Fault

const maxInt64 = 2n ** 63n - 1n
const minInt64 = -(2n ** 63n)
const maxFloat = 3.402_823_466_385_288_6e38

const kindOf = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (value instanceof Uint8Array) return 'bytes'
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a fraction'
  return { string: 'text', bigint: 'an integer', boolean: 'a boolean', object: 'an object' }[typeof value as string] ?? 'nothing'
}

const wrongType = (expected: string, value: unknown): Fault =>
  new Fault('WRONG_TYPE', `expected ${expected}, found ${kindOf(value)}`)
const outOfRange = (message: string): Fault => new Fault('OUT_OF_RANGE', message)
const notAllowed = (message: string): Fault => new Fault('NOT_ALLOWED', message)

/** What is wrong with how long something is. */
function lengthFault(length: number, least: number | undefined, most: number | undefined, of: string): Fault | undefined {
  if (most !== undefined && length > most) return notAllowed(`${length} ${of}, at most ${most} are allowed`)
  return least !== undefined && length < least ? notAllowed(`${length} ${of}, at least ${least} are needed`) : undefined
}

function textReader({ minLength, maxLength, enum: allowed, pattern }: NamedField): PlainReader {
  const set = allowed && new Set(allowed as readonly string[])
  const shape = pattern === undefined ? undefined : new RegExp(`^(?:${pattern})$`, 'v')
  const bounded = minLength !== undefined || maxLength !== undefined
  return (value) => {
    if (typeof value !== 'string') return wrongType('text', value)
    if (!value.isWellFormed()) return notAllowed('holds half of a surrogate pair')
    const fault = bounded ? lengthFault([...value].length, minLength, maxLength, 'characters') : undefined
    if (fault) return fault
    if (set && !set.has(value)) return notAllowed('is not one of the allowed values')
    return shape && !shape.test(value) ? notAllowed('does not match the pattern') : value
  }
}

/** Bytes as they are, or in base64 (RFC 4648, section 4, padded), as JSON has them. */
function bytesReader({ minLength, maxLength }: NamedField): PlainReader {
  const decoded = (value: unknown): Buffer | Fault => {
    if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    if (typeof value !== 'string') return wrongType('bytes in base64', value)
    const bytes = Buffer.from(value, 'base64')
    return bytes.toString('base64') === value ? bytes : new Fault('WRONG_TYPE', 'expected bytes in base64, found other text')
  }
  return (value) => {
    const bytes = decoded(value)
    return bytes instanceof Fault ? bytes : (lengthFault(bytes.length, minLength, maxLength, 'bytes') ?? bytes)
  }
}

/** A list of values that the rules of its field hold for one by one; none is null. */
function listReader({ minItems, maxItems = maxListItems }: NamedField, read: PlainReader): FieldReader {
  return (value) => {
    if (!Array.isArray(value)) return wrongType('a list', value)
    const fault = lengthFault(value.length, minItems, maxItems, 'items')
    if (fault) return fault
    const items: PlainValue[] = []
    for (let index = 0; index < value.length; index += 1) {
      const item = read(value[index])
      if (item instanceof Fault) return new Fault(item.code, `item ${index}: ${item.message}`)
      items.push(item)
    }
    return items
  }
}

function rangeFault(value: number | bigint, { min, max }: NamedField): Fault | undefined {
  if (min !== undefined && value < min) return outOfRange(`is less than ${min}`)
  if (max !== undefined && value > max) return outOfRange(`is greater than ${max}`)
  return undefined
}

function intReader(field: NamedField): PlainReader {
  const narrow = field.type === 'int32'
  const set = field.enum && new Set(field.enum as readonly number[])
  return (value) => {
    if (typeof value === 'bigint') {
      if (narrow || value > maxInt64 || value < minInt64) return outOfRange(`does not fit ${narrow ? 32 : 64} bits`)
    } else if (typeof value !== 'number' || !Number.isInteger(value)) return wrongType('an integer', value)
    else if (narrow && (value > 2_147_483_647 || value < -2_147_483_648)) return outOfRange('does not fit 32 bits')
    else if (!Number.isSafeInteger(value)) return outOfRange('does not fit 64 bits')
    if (set && !set.has(value as number)) return notAllowed('is not one of the allowed values')
    return rangeFault(value, field) ?? (value === 0 ? 0 : value)
  }
}

function realReader(field: NamedField): PlainReader {
  const single = field.type === 'float'
  return (value) => {
    const number = typeof value === 'bigint' ? Number(value) : value
    if (typeof number !== 'number') return wrongType('a number', value)
    if (!Number.isFinite(number) || (single && Math.abs(number) > maxFloat))
      return outOfRange(`does not fit ${single ? 32 : 64} bits`)
    return rangeFault(number, field) ?? (single ? Math.fround(number) : number)
  }
}

function timestampReader(format: TimeFormat): PlainReader {
  const read = timeReader(format)
  return (value) => {
    const ms = read(value)
    return Number.isNaN(ms) ? wrongType(`a timestamp (${format})`, value) : ms
  }
}

/** The reader of a field, made once for a revision of its view. */
export function fieldReader(field: NamedField, format: TimeFormat): FieldReader {
  const item = itemType(field.type)
  return item === undefined
    ? plainReader({ ...field, type: field.type as PlainType }, format)
    : listReader(field, plainReader({ ...field, type: item }, format))
}

function plainReader(field: NamedField & { readonly type: PlainType }, format: TimeFormat): PlainReader {
  switch (field.type) {
    case 'string':
      return textReader(field)
    case 'bytes':
      return bytesReader(field)
    case 'int':
    case 'int32':
      return intReader(field)
    case 'float':
    case 'double':
      return realReader(field)
    case 'bool':
      return (value) => (typeof value === 'boolean' ? value : wrongType('true or false', value))
    case 'timestamp':
      return timestampReader(format)
  }
}

/** The widest text whose integers JavaScript certainly holds exactly has fewer digits than this in a row. */
const longDigits = /\d{16}/

/**
 * Parses JSON with every integer exact: those beyond 2^53 become bigints. Throws SyntaxError.
 * Two passes, the slow one only for texts that hold such a number.
 */
export const parseExact = (text: string): unknown => {
  const parsed: unknown = JSON.parse(text)
  if (!longDigits.test(text)) return parsed
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && context?.source !== undefined && /^-?\d+$/.test(context.source)
      ? BigInt(context.source)
      : value,
  )
}
