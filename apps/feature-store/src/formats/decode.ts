import { unreadableHeader } from '@cascata/messaging'
import { type FeatureViewSpec } from '@cascata/resources'
import { BadBytes, readAll } from './avro-read.ts'
import { unwrapCloudEvent } from './cloudevents.ts'
import { unwrapChange } from './debezium.ts'
import { type Decoded, type Encoded, isObject, parseJson, refused, type RowObject } from './decoded.ts'
import { type SchemaRegistry } from './schema-registry.ts'
import { headBytes, isWire, schemaIdOf } from './wire-format.ts'

type Format = FeatureViewSpec['source']['format']

/** Makes rows of records, by the format of a view's source. */
export interface RecordDecoder {
  /** Fetches what decoding these records needs; undefined when it needs nothing. Throws while that can't be had. */
  readonly prepare?: (records: readonly Encoded[]) => Promise<void>
  decode(record: Encoded): Decoded
}

/** What each format takes as the encoding of a value or key. */
const encodings: Readonly<Record<Format, readonly ('json' | 'avro' | 'json-schema')[]>> = {
  json: ['json'],
  cloudevents: ['json', 'avro', 'json-schema'],
  debezium: ['json', 'avro', 'json-schema'],
  avro: ['avro'],
  'json-schema': ['json-schema'],
  protobuf: [],
}

/** The decoder of a format. A key may be JSON in every format. */
export function recordDecoder(format: Format, schemas: SchemaRegistry): RecordDecoder {
  const readValue = bytesReader(encodings[format], schemas)
  const readKey = bytesReader(['json', ...encodings[format]], schemas)
  const decodeValue = (bytes: Buffer): Decoded => {
    const row = readValue(bytes)
    return 'is' in row ? row : { is: 'row', row: row.row }
  }
  const decode = (record: Encoded): Decoded => {
    const unreadable = record.value === null ? record.headers[unreadableHeader] : undefined
    if (unreadable !== undefined) return refused('NOT_DECODABLE', String(unreadable).slice(0, 200))
    if (record.value === null) return deletion(record.key, readKey)
    if (format === 'cloudevents') return unwrapCloudEvent(record.value, record.headers, decodeValue)
    if (format !== 'debezium') return decodeValue(record.value)
    const change = decodeValue(record.value)
    return change.is === 'row' ? unwrapChange(change.row, () => deletion(record.key, readKey)) : change
  }
  if (!encodings[format].some((encoding) => encoding !== 'json')) return { decode }
  return { decode, prepare: (records) => schemas.prepare(schemaIds(records)) }
}

/** A null value whose key names an entity deletes it. */
function deletion(key: Buffer | null, readKey: ReturnType<typeof bytesReader>): Decoded {
  if (!key) return refused('NO_VALUE', 'neither a value nor a key')
  const read = readKey(key)
  if ('is' in read) return refused('NO_VALUE', 'a null value needs a key that is an object of entity fields')
  const { payload } = read.row
  const isWrapped = Object.hasOwn(read.row, 'schema') && isObject(payload)
  return { is: 'delete', entity: isWrapped ? payload : read.row, exact: true }
}

function schemaIds(records: readonly Encoded[]): Set<number> {
  const ids = new Set<number>()
  for (const { key, value } of records) {
    if (value && isWire(value)) ids.add(schemaIdOf(value))
    if (key && isWire(key)) ids.add(schemaIdOf(key))
  }
  return ids
}

const bytesReader =
  (allowed: readonly ('json' | 'avro' | 'json-schema')[], schemas: SchemaRegistry) =>
  (bytes: Buffer): { row: RowObject } | (Decoded & { is: 'refused' }) => {
    if (allowed.length > 0 && allowed.some((encoding) => encoding !== 'json') && isWire(bytes))
      return readWire(bytes, allowed, schemas)
    return allowed.includes('json')
      ? parseJson(bytes)
      : refused('NOT_DECODABLE', 'it does not begin with a zero byte and the id of a schema')
  }

function readWire(
  bytes: Buffer,
  allowed: readonly ('json' | 'avro' | 'json-schema')[],
  schemas: SchemaRegistry,
): { row: RowObject } | (Decoded & { is: 'refused' }) {
  const id = schemaIdOf(bytes)
  const schema = schemas.get(id)
  if (schema.is === 'unknown') return refused('SCHEMA_UNKNOWN', `the registry has no schema ${id}`)
  if (schema.is === 'unusable') return refused('SCHEMA_UNUSABLE', `schema ${id} can't be used: ${schema.reason}`)
  if (!allowed.includes(schema.is === 'json' ? 'json-schema' : 'avro'))
    return refused('SCHEMA_UNUSABLE', `schema ${id} is of another type than the view's format`)
  if (schema.is === 'json') return parseJson(bytes.subarray(headBytes))
  try {
    const row = readAll(schema.read, bytes, headBytes)
    return isObject(row) ? { row } : refused('NOT_AN_OBJECT')
  } catch (error) {
    if (error instanceof BadBytes) return refused('NOT_DECODABLE', error.message)
    throw error
  }
}
