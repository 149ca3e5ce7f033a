import { describe, expect, it } from 'vitest'
import { catalogue, eventOfType } from './catalogue.ts'
import { type CloudEvent, eventOf } from './cloud-event.ts'
import { InvalidEvent } from './define-event.ts'
import { decode, fromKafka, isTombstone, type KafkaRecord, limits, toKafka, tombstone, typeOfRecord } from './kafka.ts'
import { labelsRipened } from './labels-ripened.ts'
import { resourceApplied } from './resource.ts'
import { routeChanged } from './route-changed.ts'
import { trainingRequested } from './training-request.ts'

const time = '2001-01-14T00:00:02.000Z'
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const ripened = eventOf(labelsRipened, labelsRipened.examples[0]!, { id: 'e-1', time, app: 'feature-store', traceparent })
const requested = eventOf(trainingRequested, trainingRequested.examples[0]!, {
  id: 'e-2',
  time,
  app: 'dispatcher',
  causedBy: ripened,
})

const wired = (event: CloudEvent): KafkaRecord => {
  const { key, value, headers } = toKafka(event)
  return {
    key: Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
  }
}

const codeOf = (record: KafkaRecord): string => {
  try {
    fromKafka(record)
    return 'accepted'
  } catch (error) {
    if (error instanceof InvalidEvent) return error.code
    throw error
  }
}

const withHeaders = (headers: KafkaRecord['headers']): KafkaRecord => ({
  ...wired(ripened),
  headers: { ...wired(ripened).headers, ...headers },
})
const withValue = (value: string | Buffer): KafkaRecord => ({ ...wired(ripened), value })

describe('an event', () => {
  it('begins a cascade when nothing caused it, and continues that of its cause', () => {
    expect(ripened).toMatchObject({
      source: '/cascata/feature-store',
      subject: 'default/flight-delay',
      revision: 3,
      correlationid: 'e-1',
    })
    expect(ripened).not.toHaveProperty('causationid')
    expect(requested).toMatchObject({ correlationid: 'e-1', causationid: 'e-1', traceparent })
  })

  it('is refused at its publisher when the payload breaks the contract', () => {
    const data = { ...labelsRipened.examples[0]!, ripe: -1 }
    expect(() => eventOf(labelsRipened, data, { id: 'e', time, app: 'monitor' })).toThrow('/ripe must be >= 0')
  })
})

describe('binary mode', () => {
  it.each(
    catalogue.flatMap((event) => event.examples.map((example, index) => [`${event.type} ${index}`, event, example] as const)),
  )('%s survives the way there and back', (_, event, example) => {
    const sent = eventOf(event, example, { id: 'e-3', time, app: 'cli', causedBy: requested })
    expect(fromKafka(wired(sent))).toEqual(sent)
  })

  it('carries every attribute as a header, and the trace context twice', () => {
    expect(toKafka(requested)).toMatchObject({
      key: 'default/flight-delay',
      headers: {
        ce_specversion: '1.0',
        ce_id: 'e-2',
        ce_source: '/cascata/dispatcher',
        ce_type: 'cascata.training.requested.v1',
        ce_subject: 'default/flight-delay',
        ce_time: time,
        ce_dataschema: 'urn:cascata:training.requested:v1',
        ce_partitionkey: 'default/flight-delay',
        ce_correlationid: 'e-1',
        ce_causationid: 'e-1',
        ce_traceparent: traceparent,
        traceparent,
        ce_namespace: 'default',
        ce_revision: '3',
        'content-type': 'application/json',
      },
    })
  })

  it('tells the type without a look at the value', () => {
    expect(typeOfRecord({ ...wired(ripened), value: 'no JSON' })).toBe('cascata.labels.ripened.v1')
    expect(typeOfRecord({ key: null, value: '{}', headers: undefined })).toBeUndefined()
  })

  it('takes the last of repeated headers and does without what is optional', () => {
    expect(fromKafka(withHeaders({ ce_id: [Buffer.from('old'), 'new'] })).id).toBe('new')
    const { ce_correlationid: _c, ce_revision: _r, ce_traceparent: _t, ...headers } = wired(ripened).headers!
    expect(fromKafka({ ...wired(ripened), headers })).toMatchObject({ id: 'e-1', correlationid: 'e-1', traceparent })
    expect(fromKafka({ ...wired(ripened), headers })).not.toHaveProperty('revision')
    expect(fromKafka(withHeaders({ ce_traceparent: 'nonsense' }))).not.toHaveProperty('traceparent')
  })
})

describe('structured mode', () => {
  const envelope = { specversion: '1.0', ...ripened }
  const structured = (value: unknown): KafkaRecord => ({
    key: null,
    value: JSON.stringify(value),
    headers: { 'content-type': 'application/cloudevents+json; charset=UTF-8' },
  })

  it('is read too', () => expect(fromKafka(structured(envelope))).toEqual(ripened))

  it.each([
    [null],
    [[]],
    ['text'],
    [{ ...envelope, id: 7 }],
    [{ ...envelope, specversion: '0.3' }],
    [{ ...envelope, subject: undefined }],
  ])('is refused: %j', (value) => expect(codeOf(structured(value))).toBe('EVENT_ENVELOPE_INVALID'))
})

describe('tombstones', () => {
  it('exist on compacted topics only', () => {
    const record = tombstone(routeChanged, 'default/flight-delay')
    expect(record).toMatchObject({ key: 'default/flight-delay', value: null, headers: { ce_type: 'cascata.route.changed.v1' } })
    expect(isTombstone(record)).toBe(true)
    expect(codeOf(record)).toBe('EVENT_NO_VALUE')
    expect(() => tombstone(labelsRipened, 'default/flight-delay')).toThrow(/not compacted/)
    expect(isTombstone(wired(eventOf(resourceApplied, resourceApplied.examples[0]!, { id: 'e', time, app: 'registry' })))).toBe(
      false,
    )
  })
})

describe('hostile input', () => {
  it.each<[string, KafkaRecord, string]>([
    ['no headers', { key: null, value: '{}', headers: undefined }, 'EVENT_ENVELOPE_INVALID'],
    ['no JSON', withValue('{"a":'), 'EVENT_NOT_JSON'],
    ['no text', withValue(Buffer.from([0xff, 0xfe, 0x00])), 'EVENT_NOT_JSON'],
    ['an empty value', withValue(''), 'EVENT_NOT_JSON'],
    ['a huge value', withValue(`"${'x'.repeat(limits.valueBytes)}"`), 'EVENT_TOO_LARGE'],
    ['deep nesting', withValue('['.repeat(400_000)), 'EVENT_NOT_JSON'],
    ['deep nesting that ends', withValue('['.repeat(100_000) + ']'.repeat(100_000)), 'EVENT_DATA_INVALID'],
    ['an unknown type', withHeaders({ ce_type: 'cascata.rows.imagined.v1' }), 'EVENT_TYPE_UNKNOWN'],
    ['a type of the prototype', withHeaders({ ce_type: 'constructor' }), 'EVENT_TYPE_UNKNOWN'],
    ['another payload', withValue('{"ripe":1}'), 'EVENT_DATA_INVALID'],
    ['an unknown version of CloudEvents', withHeaders({ ce_specversion: '2.0' }), 'EVENT_ENVELOPE_INVALID'],
    ['an endless header', withHeaders({ ce_id: 'x'.repeat(limits.headerBytes + 1) }), 'EVENT_ENVELOPE_INVALID'],
    ['a long id', withHeaders({ ce_id: 'x'.repeat(2_000) }), 'EVENT_ENVELOPE_INVALID'],
    ['an empty id', withHeaders({ ce_id: '' }), 'EVENT_ENVELOPE_INVALID'],
    ['a time that is none', withHeaders({ ce_time: 'yesterday' }), 'EVENT_ENVELOPE_INVALID'],
    ['a revision that is none', withHeaders({ ce_revision: '1.5' }), 'EVENT_ENVELOPE_INVALID'],
  ])('%s', (_, record, code) => expect(codeOf(record)).toBe(code))

  it.each([['__proto__'], ['\\u005f\\u005fproto__']])('never reaches a prototype by %s', (key) => {
    const json = JSON.stringify(labelsRipened.examples[0]).replace('{', `{"${key}":{"polluted":true},`)
    const { data } = fromKafka(withValue(json))
    expect(Object.keys(data as object)).not.toContain('__proto__')
    expect(({ ...(data as object) } as { polluted?: boolean }).polluted).toBeUndefined()
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  it('can be shown although its payload breaks the contract', () => {
    expect(decode(withValue('{"ripe":"many"}'))).toMatchObject({ id: 'e-1', data: { ripe: 'many' } })
  })

  it('meets events of a test by a lookup of its own', () => {
    const lookup = (type: string) => (type === labelsRipened.type ? labelsRipened : undefined)
    expect(fromKafka(wired(ripened), lookup).id).toBe('e-1')
    expect(() => fromKafka(wired(requested), lookup)).toThrow(/EVENT_TYPE_UNKNOWN/)
    expect(eventOfType('toString')).toBeUndefined()
  })
})
