import { record, type Cursor, type Read } from './avro-read.ts'
import * as read from './avro-read.ts'

/** A schema that can't be used; the message says why. */
export class BadSchema extends Error {
  override readonly name = 'BadSchema'
}

/** Most types, fields and branches of one schema. */
const maxNodes = 20_000

interface Compiling {
  /** Readers of named types by full name; a type may name itself. */
  readonly named: Map<string, { read?: Read }>
  nodes: number
}

type Json = Record<string, unknown>

const primitives: Readonly<Record<string, Read>> = {
  null: () => null,
  boolean: read.boolean,
  int: read.long,
  long: read.long,
  float: read.float,
  double: read.double,
  bytes: read.bytes,
  string: read.text,
}

/**
 * Compiles Avro schemas to the reader of the last one: those before it are what it refers to (https://avro.apache.org/docs/1.12.0/specification/).
 * Values come as JSON would have them: a union is its branch, a long beyond 2^53 a bigint, a decimal the nearest double.
 *
 * @throws BadSchema
 */
export function compileAvro(schemas: readonly string[]): Read {
  const compiling: Compiling = { named: new Map(), nodes: 0 }
  const readers = schemas.map((text) => compile(parsed(text), '', compiling))
  if (readers.length === 0) throw new BadSchema('there is no schema')
  return readers.at(-1)!
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // `"string"` may be registered without its quotes.
    return text
  }
}

function compile(schema: unknown, space: string, compiling: Compiling): Read {
  compiling.nodes += 1
  if (compiling.nodes > maxNodes) throw new BadSchema(`it has more than ${maxNodes} types`)
  if (typeof schema === 'string') return primitiveOrNamed(schema, space, compiling)
  if (Array.isArray(schema)) return read.union(schema.map((branch) => compile(branch, space, compiling)))
  if (typeof schema !== 'object' || schema === null) throw new BadSchema('a type is neither a name, a list nor an object')
  const { type } = schema as Json
  if (typeof type !== 'string') return compile(type, space, compiling)
  return complex(type, schema as Json, space, compiling)
}

function complex(type: string, schema: Json, space: string, compiling: Compiling): Read {
  switch (type) {
    case 'record':
    case 'error':
      return recordReader(schema, space, compiling)
    case 'enum': {
      const { symbols } = schema
      if (!Array.isArray(symbols) || !symbols.every((symbol) => typeof symbol === 'string'))
        throw new BadSchema('an enum has no symbols')
      return named(schema, space, compiling, () => read.oneOf(symbols))
    }
    case 'fixed': {
      const { size } = schema
      if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw new BadSchema('a fixed has no size')
      return named(schema, space, compiling, () => decimalOr(schema, read.fixed(size)))
    }
    case 'array':
      return read.list(compile(schema['items'], space, compiling))
    case 'map':
      return read.map(compile(schema['values'], space, compiling))
    case 'bytes':
      return decimalOr(schema, read.bytes)
    default:
      return primitiveOrNamed(type, space, compiling)
  }
}

function recordReader(schema: Json, space: string, compiling: Compiling): Read {
  const { fields } = schema
  if (!Array.isArray(fields)) throw new BadSchema('a record has no fields')
  return named(schema, space, compiling, (inner) =>
    record(
      fields.map((field: unknown) => {
        const { name, type } = (field ?? {}) as Json
        if (typeof name !== 'string') throw new BadSchema('a field has no name')
        return { name, read: compile(type, inner, compiling) }
      }),
    ),
  )
}

/** Compiles a named type, which can refer to itself while that is done. `make` gets the namespace within it. */
function named(schema: Json, space: string, { named: known }: Compiling, make: (inner: string) => Read): Read {
  const { name, namespace } = schema
  if (typeof name !== 'string') throw new BadSchema('a record, enum or fixed has no name')
  const full = fullName(name, typeof namespace === 'string' ? namespace : space)
  const entry: { read?: Read } = {}
  known.set(full, entry)
  entry.read = make(full.slice(0, Math.max(0, full.lastIndexOf('.'))))
  return entry.read
}

function primitiveOrNamed(name: string, space: string, { named: known }: Compiling): Read {
  if (Object.hasOwn(primitives, name)) return primitives[name]!
  const entry = known.get(fullName(name, space)) ?? known.get(name)
  if (!entry) throw new BadSchema(`the type ${name.slice(0, 100)} is not known`)
  return entry.read ?? ((from: Cursor) => entry.read!(from))
}

const fullName = (name: string, space: string): string => (name.includes('.') || space === '' ? name : `${space}.${name}`)

function decimalOr({ logicalType, scale = 0 }: Json, bytes: (from: Cursor) => Buffer): Read {
  return logicalType === 'decimal' && typeof scale === 'number' && scale >= 0 && scale <= 1_000
    ? read.decimal(bytes, scale)
    : bytes
}
