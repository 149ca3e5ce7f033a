import { type App, type EventDefinition, InvalidEvent } from './define-event.ts'

/** A CloudEvent 1.0 with the platform's extensions, as handlers see it. */
export interface CloudEvent<Data = unknown> {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly subject: string
  /** ISO 8601, UTC. */
  readonly time: string
  readonly namespace: string
  /** Revision of the resource that the event rests on. */
  readonly revision?: number
  /** The cascade: the id of its first event. */
  readonly correlationid: string
  /** The event that caused this one. */
  readonly causationid?: string
  /** W3C trace context. */
  readonly traceparent?: string
  readonly data: Data
}

/** What an event keeps of the one that caused it. */
export interface Cause {
  readonly id: string
  readonly correlationid: string
  readonly traceparent?: string
}

/** What only the publisher knows; time and chance are given, not taken. */
export interface Occurrence {
  readonly id: string
  /** ISO 8601, UTC. */
  readonly time: string
  readonly app: App | (string & {})
  /** No cause: a new cascade begins. */
  readonly causedBy?: Cause | undefined
  /** Joins a cascade without a causing event. */
  readonly correlationId?: string | undefined
  readonly traceparent?: string | undefined
}

/** An event of its payload. Throws {@link InvalidEvent} when the payload breaks the contract: at the publisher, not at its readers. */
export const eventOf = <Data>(definition: EventDefinition<Data>, payload: Data, occurrence: Occurrence): CloudEvent<Data> => {
  const data = definition.validate(payload)
  const { id, time, app, causedBy, correlationId } = occurrence
  const { namespace, revision } = data as { namespace: string; revision?: number }
  const traceparent = occurrence.traceparent ?? causedBy?.traceparent
  return {
    id,
    source: `/cascata/${app}`,
    type: definition.type,
    subject: definition.subject(data),
    time,
    namespace,
    ...(revision === undefined ? {} : { revision }),
    correlationid: correlationId ?? causedBy?.correlationid ?? id,
    ...(causedBy === undefined ? {} : { causationid: causedBy.id }),
    ...(traceparent === undefined ? {} : { traceparent }),
    data,
  }
}

const longest = 1_024
const traceContext = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

const text = (attributes: Attributes, name: string, type: string): string => {
  const value = attributes[name]
  if (typeof value !== 'string' || value.length === 0 || value.length > longest) {
    throw new InvalidEvent('EVENT_ENVELOPE_INVALID', type, [
      { path: name, message: `must be text of 1 to ${longest} characters` },
    ])
  }
  return value
}

const optional = (attributes: Attributes, name: string, type: string): string | undefined =>
  attributes[name] === undefined ? undefined : text(attributes, name, type)

const time = (attributes: Attributes, type: string): string => {
  const value = text(attributes, 'time', type)
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(value) || Number.isNaN(Date.parse(value))) {
    throw new InvalidEvent('EVENT_ENVELOPE_INVALID', type, [{ path: 'time', message: 'must be ISO 8601' }])
  }
  return value
}

const revision = (attributes: Attributes, type: string): number | undefined => {
  if (attributes['revision'] === undefined) return undefined
  const value = Number(attributes['revision'])
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new InvalidEvent('EVENT_ENVELOPE_INVALID', type, [{ path: 'revision', message: 'must be a whole number from 1' }])
  }
  return value
}

/** Context attributes by name, as they were found: nothing about them is certain. */
export type Attributes = Readonly<Record<string, unknown>>

/** The event of its attributes and payload. Throws {@link InvalidEvent}; a trace context that is none is left out, as W3C asks. */
export const eventOfAttributes = (attributes: Attributes, data: unknown): CloudEvent => {
  const type = text(attributes, 'type', '?')
  if (attributes['specversion'] !== '1.0') {
    throw new InvalidEvent('EVENT_ENVELOPE_INVALID', type, [{ path: 'specversion', message: 'must be 1.0' }])
  }
  const id = text(attributes, 'id', type)
  const rests = revision(attributes, type)
  const causationid = optional(attributes, 'causationid', type)
  const traceparent = attributes['traceparent']
  return {
    id,
    source: text(attributes, 'source', type),
    type,
    subject: text(attributes, 'subject', type),
    time: time(attributes, type),
    namespace: text(attributes, 'namespace', type),
    ...(rests === undefined ? {} : { revision: rests }),
    correlationid: optional(attributes, 'correlationid', type) ?? id,
    ...(causationid === undefined ? {} : { causationid }),
    ...(typeof traceparent === 'string' && traceContext.test(traceparent) ? { traceparent } : {}),
    data,
  }
}
