import { eventOfType } from './catalogue.ts'
import { type CloudEvent, eventOfAttributes } from './cloud-event.ts'
import { type EventDefinition, InvalidEvent } from './define-event.ts'

type HeaderValue = Buffer | string | readonly (Buffer | string)[] | undefined

/** A record as a Kafka client hands it over. */
export interface KafkaRecord {
  readonly key?: Buffer | string | null
  readonly value: Buffer | string | null
  readonly headers?: Readonly<Record<string, HeaderValue>> | undefined
}

/** A record as a Kafka client takes it. */
export interface KafkaMessage {
  key: string
  value: string | null
  headers: Record<string, string>
}

/** Finds the definition of a type: {@link eventOfType}, unless a test brings events of its own. */
export type EventLookup = (type: string) => EventDefinition | undefined

/** What is read at most: what lies above is refused before it is decoded. */
export const limits = { valueBytes: 1_048_576, headerBytes: 4_096 } as const

const binaryMode = 'application/json'
const structuredMode = 'application/cloudevents'
const attributeNames = [
  'specversion',
  'id',
  'source',
  'type',
  'subject',
  'time',
  'namespace',
  'revision',
  'correlationid',
  'causationid',
  'traceparent',
] as const

/** A Kafka record of an event, in the binary mode of CloudEvents. Throws {@link InvalidEvent} for a type that nobody knows. */
export const toKafka = (event: CloudEvent, lookup: EventLookup = eventOfType): KafkaMessage => {
  const definition = known(event.type, lookup)
  const key = definition.key(event.data)
  const headers: Record<string, string> = {
    ce_specversion: '1.0',
    ce_id: event.id,
    ce_source: event.source,
    ce_type: event.type,
    ce_subject: event.subject,
    ce_time: event.time,
    ce_dataschema: `urn:cascata:${definition.name}:v${definition.version}`,
    ce_partitionkey: key,
    ce_correlationid: event.correlationid,
    ce_namespace: event.namespace,
    'content-type': binaryMode,
  }
  if (event.causationid !== undefined) headers['ce_causationid'] = event.causationid
  if (event.revision !== undefined) headers['ce_revision'] = String(event.revision)
  if (event.traceparent !== undefined) headers['ce_traceparent'] = headers['traceparent'] = event.traceparent
  return { key, value: JSON.stringify(event.data), headers }
}

/** The record that removes a key from a compacted topic. */
export const tombstone = (definition: EventDefinition, key: string): KafkaMessage => {
  if (!definition.topic.compacted)
    throw new TypeError(`${definition.topic.name} is not compacted: a tombstone there means nothing`)
  return { key, value: null, headers: { ce_specversion: '1.0', ce_type: definition.type, ce_partitionkey: key } }
}

export const isTombstone = (record: KafkaRecord): boolean => record.value === null

/**
 * The type of a record, from its headers alone: enough to skip what nobody here listens to.
 * Undefined for a record in structured mode, whose type is in its value, and for what is no event.
 */
export const typeOfRecord = (record: KafkaRecord): string | undefined => header(record, 'ce_type')

/**
 * The event of a Kafka record, binary or structured mode, with its payload checked.
 *
 * Throws {@link InvalidEvent}: `EVENT_NO_VALUE` (see {@link isTombstone}), `EVENT_TOO_LARGE`, `EVENT_NOT_JSON`,
 * `EVENT_ENVELOPE_INVALID`, `EVENT_TYPE_UNKNOWN`, `EVENT_DATA_INVALID`. None of them gets better by a retry.
 */
export const fromKafka = (record: KafkaRecord, lookup: EventLookup = eventOfType): CloudEvent => {
  const event = decode(record)
  known(event.type, lookup).validate(event.data)
  return event
}

const known = (type: string, lookup: EventLookup): EventDefinition => {
  const definition = lookup(type)
  if (!definition) throw new InvalidEvent('EVENT_TYPE_UNKNOWN', type, [{ path: 'type', message: 'is not in the catalogue' }])
  return definition
}

/** The event of a record without a look at its payload's contract: for tools that show whatever is there. Throws {@link InvalidEvent}. */
export const decode = (record: KafkaRecord): CloudEvent => {
  const type = typeOfRecord(record) ?? '?'
  if (record.value === null) throw new InvalidEvent('EVENT_NO_VALUE', type, [{ path: 'value', message: 'is null' }])
  const size = Buffer.byteLength(record.value)
  if (size > limits.valueBytes) {
    throw new InvalidEvent('EVENT_TOO_LARGE', type, [
      { path: 'value', message: `is ${size} bytes; at most ${limits.valueBytes} are read` },
    ])
  }
  const value = parse(record.value.toString(), type)
  if (!header(record, 'content-type')?.startsWith(structuredMode)) return eventOfAttributes(attributesOf(record), value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidEvent('EVENT_ENVELOPE_INVALID', type, [{ path: '', message: 'must be an object' }])
  }
  return eventOfAttributes(value as Record<string, unknown>, (value as Record<string, unknown>)['data'])
}

const attributesOf = (record: KafkaRecord): Record<string, string | undefined> => {
  const attributes: Record<string, string | undefined> = {}
  for (const name of attributeNames) attributes[name] = header(record, `ce_${name}`)
  attributes['traceparent'] ??= header(record, 'traceparent')
  return attributes
}

/** The last value of a header as text; undefined when it is missing or longer than what is read. */
const header = (record: KafkaRecord, name: string): string | undefined => {
  const headers = record.headers
  if (!headers || !Object.hasOwn(headers, name)) return undefined
  const found = headers[name]
  const value = Array.isArray(found) ? (found as readonly (Buffer | string)[]).at(-1) : (found as Buffer | string | undefined)
  if (value === undefined || value === null || Buffer.byteLength(value) > limits.headerBytes) return undefined
  return value.toString()
}

const looksLikePrototype = /__proto__|\\u/

/** JSON without `__proto__` keys: a payload that is merged into another object must not reach its prototype. */
const parse = (json: string, type: string): unknown => {
  try {
    return looksLikePrototype.test(json)
      ? JSON.parse(json, (key, value: unknown) => (key === '__proto__' ? undefined : value))
      : JSON.parse(json)
  } catch (error) {
    throw new InvalidEvent('EVENT_NOT_JSON', type, [{ path: 'value', message: (error as Error).message.slice(0, 200) }])
  }
}
