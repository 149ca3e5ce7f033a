import { describe, expect, it } from 'vitest'
import { aView } from '../feature-views/a-view.ts'
import { compileValidator, type RawRecord } from '../ingest/validate-rows.ts'
import { compileAvro } from './avro.ts'
import { recordDecoder } from './decode.ts'
import { type Schema, type SchemaRegistry } from './schema-registry.ts'

const now = Date.parse('2001-01-14T12:00:00Z')
const fields = { flight: 'string', publishedAt: 'timestamp', seats: { type: 'int', nullable: true } } as const
const flight = { flight: 'F1', publishedAt: '2001-01-14T09:00:00Z', seats: 7 }

const avroFlight = compileAvro([
  '{"type":"record","name":"F","fields":[{"name":"flight","type":"string"},{"name":"publishedAt","type":"string"},{"name":"seats","type":["null","int"]}]}',
])
const known: Record<number, Schema> = {
  1: { is: 'avro', read: avroFlight },
  2: { is: 'json' },
  3: { is: 'unusable', reason: 'its type is PROTOBUF' },
  4: { is: 'avro', read: compileAvro(['"string"']) },
}
const schemas: SchemaRegistry = { prepare: async () => {}, get: (id) => known[id] ?? { is: 'unknown' } }

const wire = (id: number, payload: Buffer | string): Buffer => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(id, 1)
  return Buffer.concat([head, Buffer.from(payload as string)])
}
const short = (value: string) => Buffer.concat([Buffer.from([value.length * 2]), Buffer.from(value)])
const avro = Buffer.concat([short(flight.flight), short(flight.publishedAt), Buffer.from([2, 14])])

const bytes = (value: unknown) => (value === null || Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value)))
const take = (
  source: 'json' | 'cloudevents' | 'debezium' | 'avro' | 'json-schema',
  value: unknown,
  more: { key?: unknown; headers?: Record<string, unknown> } = {},
) => {
  const view = aView({ fields, source })
  const record: RawRecord = {
    partition: 0,
    epoch: 0,
    offset: 1,
    timestamp: now,
    key: bytes(more.key ?? null),
    value: bytes(value),
    headers: more.headers ?? {},
  }
  const { batch, rejects, ignored } = compileValidator(view, recordDecoder(source, schemas)).take([record], now)
  if (rejects.length > 0) return rejects[0]!.code
  if (ignored > 0) return 'ignored'
  return `${batch.deleted[0] ? 'deleted ' : ''}${batch.keys[0]}`
}

it('refuses a batch that could not be unpacked, as one row', () =>
  expect(take('json', null, { headers: { 'cascata-unreadable': Buffer.from('the batch of offsets 1 to 9 is no gzip') } })).toBe(
    'NOT_DECODABLE',
  ))

describe('CloudEvents', () => {
  const event = { specversion: '1.0', id: '1', source: '/s', type: 't', data: flight }
  const binary = { ce_specversion: Buffer.from('1.0'), ce_id: '1', 'content-type': 'application/json' }
  const structured = { 'content-type': 'application/cloudevents+json; charset=UTF-8' }
  it.each<[string, unknown, Record<string, unknown>, string]>([
    ['structured', event, structured, 'F1'],
    ['structured without a content type', event, {}, 'F1'],
    [
      'structured, data in base64',
      { ...event, data: undefined, data_base64: Buffer.from(JSON.stringify(flight)).toString('base64') },
      structured,
      'F1',
    ],
    ['binary', flight, binary, 'F1'],
    ['binary, data in Avro', wire(1, avro), binary, 'F1'],
    ['neither', flight, {}, 'ENVELOPE_INVALID'],
    ['of another major version', { ...event, specversion: '2.0' }, structured, 'ENVELOPE_INVALID'],
    ['without data', { ...event, data: undefined }, structured, 'ENVELOPE_INVALID'],
    ['whose data is a text', { ...event, data: 'x' }, structured, 'ENVELOPE_INVALID'],
    ['a batch', [event], { 'content-type': 'application/cloudevents-batch+json' }, 'ENVELOPE_INVALID'],
    ['no JSON', Buffer.from('{'), structured, 'NOT_JSON'],
    ['data of the wrong type', { ...event, data: { ...flight, seats: 'x' } }, structured, 'WRONG_TYPE'],
  ])('%s', (_, value, headers, expected) => expect(take('cloudevents', value, { headers })).toBe(expected))
  it('a null value deletes', () => expect(take('cloudevents', null, { key: { flight: 'F1' } })).toBe('deleted F1'))
})

describe('Debezium', () => {
  const source = { ts_ms: 1, connector: 'postgresql' }
  it.each<[string, unknown, unknown, string]>([
    ['a create', { op: 'c', before: null, after: flight, source }, null, 'F1'],
    ['a row of a snapshot', { op: 'r', before: null, after: flight, source }, null, 'F1'],
    ['an update', { op: 'u', before: { ...flight, seats: 1 }, after: flight }, null, 'F1'],
    ['one in its envelope', { schema: { type: 'struct' }, payload: { op: 'c', after: flight } }, null, 'F1'],
    ['a delete', { op: 'd', before: flight, after: null }, null, 'deleted F1'],
    ['a delete that names its entity in the key alone', { op: 'd', before: null, after: null }, { flight: 'F1' }, 'deleted F1'],
    ['a delete with its key in an envelope', { op: 'd' }, { schema: {}, payload: { flight: 'F1' } }, 'deleted F1'],
    ['a tombstone', null, { schema: {}, payload: { flight: 'F1' } }, 'deleted F1'],
    ['a tombstone of another table', null, { payload: { id: 7 }, schema: {} }, 'ignored'],
    ['a message of the log', { op: 'm', message: {} }, null, 'ignored'],
    ['a truncate', { op: 't' }, null, 'ENVELOPE_INVALID'],
    ['no change at all', flight, null, 'ENVELOPE_INVALID'],
    ['a create without a row', { op: 'c', after: null }, null, 'ENVELOPE_INVALID'],
    ['a delete without an entity', { op: 'd', before: null }, null, 'NO_VALUE'],
    ['an envelope of a text', { schema: {}, payload: 'x' }, null, 'ENVELOPE_INVALID'],
    ['a name that means something to JavaScript', Buffer.from('{"__proto__":{"op":"c"}}'), null, 'ENVELOPE_INVALID'],
  ])('%s', (_, value, key, expected) => expect(take('debezium', value, { key })).toBe(expected))
})

describe('the wire format', () => {
  it.each<['avro' | 'json-schema', string, Buffer | null, string]>([
    ['avro', 'a row', wire(1, avro), 'F1'],
    ['avro', 'a row cut off', wire(1, avro.subarray(0, 9)), 'NOT_DECODABLE'],
    ['avro', 'JSON without the head', Buffer.from(JSON.stringify(flight)), 'NOT_DECODABLE'],
    ['avro', 'an id that nobody registered', wire(99, avro), 'SCHEMA_UNKNOWN'],
    ['avro', 'a schema of another kind', wire(3, avro), 'SCHEMA_UNUSABLE'],
    ['avro', 'a schema of JSON', wire(2, JSON.stringify(flight)), 'SCHEMA_UNUSABLE'],
    ['avro', 'a text', wire(4, short('x')), 'NOT_AN_OBJECT'],
    ['avro', 'a head alone', Buffer.from([0, 0]), 'NOT_DECODABLE'],
    ['avro', 'nothing', null, 'NO_VALUE'],
    ['json-schema', 'a row', wire(2, JSON.stringify(flight)), 'F1'],
    ['json-schema', 'a row that is no JSON', wire(2, '{'), 'NOT_JSON'],
    ['json-schema', 'Avro', wire(1, avro), 'SCHEMA_UNUSABLE'],
  ])('%s: %s', (source, _, value, expected) => expect(take(source, value)).toBe(expected))
  it('deletes by a key of either kind', () => {
    expect(take('avro', null, { key: { flight: 'F1' } })).toBe('deleted F1')
    known[5] = { is: 'avro', read: compileAvro(['{"type":"record","name":"K","fields":[{"name":"flight","type":"string"}]}']) }
    expect(take('avro', null, { key: wire(5, short('F1')) })).toBe('deleted F1')
  })
  it('means nothing to a view of plain JSON', () => expect(take('json', wire(1, avro))).toBe('NOT_JSON'))
})

describe('bytes and lists', () => {
  const wide = {
    flight: 'string',
    publishedAt: 'timestamp',
    seats: 'int',
    photo: { type: 'bytes', nullable: true },
    tags: { type: 'list<string>', nullable: true },
    ids: { type: 'list<int>', nullable: true },
    vector: { type: 'list<float>', nullable: true },
    stops: { type: 'list<timestamp>', nullable: true },
    flags: { type: 'list<bool>', nullable: true },
    parts: { type: 'list<bytes>', nullable: true },
  } as const
  const wideView = (source: Parameters<typeof take>[0]) => aView({ fields: wide, source })
  const [photo, part] = [Buffer.from([0, 255, 1]), Buffer.from('ä')]
  const row = {
    ...flight,
    photo: photo.toString('base64'),
    tags: ['late', ''],
    ids: [1, -2],
    vector: [0.5, -1],
    stops: ['2001-01-14T10:00:00Z'],
    flags: [true, false],
    parts: [part.toString('base64')],
  }
  const values = {
    seats: 7,
    photo,
    tags: ['late', ''],
    ids: [1, -2],
    vector: [0.5, -1],
    stops: [Date.parse('2001-01-14T10:00:00Z')],
    flags: [true, false],
    parts: [part],
  }

  const optional = (type: unknown) => ['null', type]
  const list = (items: string) => optional({ type: 'array', items })
  const avroTypes = {
    flight: 'string',
    publishedAt: 'string',
    seats: 'long',
    photo: optional('bytes'),
    tags: list('string'),
    ids: list('long'),
    vector: list('float'),
    stops: list('string'),
    flags: list('boolean'),
    parts: list('bytes'),
  }
  const small = (value: number) => Buffer.from([value < 0 ? -2 * value - 1 : 2 * value])
  const text = (value: Buffer | string) => Buffer.concat([small(Buffer.byteLength(value)), Buffer.from(value as string)])
  const float = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeFloatLE(value)
    return bytes
  }
  const items = (each: readonly Buffer[]) => Buffer.concat([small(1), small(each.length), ...each, small(0)])
  const avroRow = Buffer.concat([
    text(row.flight),
    text(row.publishedAt),
    small(7),
    small(1),
    text(photo),
    items(row.tags.map(text)),
    items(row.ids.map(small)),
    items(row.vector.map(float)),
    items(row.stops.map(text)),
    items(row.flags.map((flag) => Buffer.from([Number(flag)]))),
    items([text(part)]),
  ])
  const avroEmpty = Buffer.concat([
    text(row.flight),
    text(row.publishedAt),
    small(7),
    ...Array.from({ length: 7 }, () => small(0)),
  ])
  known[6] = {
    is: 'avro',
    read: compileAvro([
      JSON.stringify({ type: 'record', name: 'Wide', fields: Object.entries(avroTypes).map(([name, type]) => ({ name, type })) }),
    ]),
  }
  const empty = { ...flight, photo: null, tags: null, ids: null, vector: null, stops: null, flags: null, parts: null }
  const structured = { 'content-type': 'application/cloudevents+json' }
  const binary = { ce_specversion: '1.0', 'content-type': 'application/json' }
  const event = { specversion: '1.0', id: '1', source: '/s', type: 't' }

  const found = (source: Parameters<typeof take>[0], value: unknown, headers: RawRecord['headers'] = {}) => {
    const view = wideView(source)
    const record = { partition: 0, epoch: 0, offset: 1, timestamp: now, key: null, value: bytes(value), headers }
    const { batch, rejects } = compileValidator(view, recordDecoder(source, schemas)).take([record], now)
    expect(rejects).toEqual([])
    return Object.fromEntries(view.fields.map(({ name }, index) => [name, batch.values[index]![0]]))
  }

  it.each<[string, Parameters<typeof take>[0], unknown, unknown, RawRecord['headers']]>([
    ['JSON', 'json', row, empty, {}],
    ['a CloudEvent', 'cloudevents', { ...event, data: row }, { ...event, data: empty }, structured],
    ['a binary CloudEvent', 'cloudevents', row, empty, binary],
    ['a binary CloudEvent in Avro', 'cloudevents', wire(6, avroRow), wire(6, avroEmpty), { ...binary, 'content-type': 'avro' }],
    ['a change event', 'debezium', { op: 'c', after: row }, { op: 'u', after: empty }, {}],
    ['Avro', 'avro', wire(6, avroRow), wire(6, avroEmpty), {}],
    ['JSON in the wire format', 'json-schema', wire(2, JSON.stringify(row)), wire(2, JSON.stringify(empty)), {}],
  ])('come in %s as they are, and as null', (_, source, full, none, headers) => {
    expect(found(source, full, headers)).toMatchObject(values)
    expect(found(source, none, headers)).toMatchObject({ seats: 7, photo: null, tags: null, vector: null, parts: null })
  })
})
