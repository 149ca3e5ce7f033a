import { eventOfType } from './catalogue.ts'
import { type App, type DataOf, type EventDefinition, InvalidEvent } from './define-event.ts'
import { type Topic } from './topics.ts'

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

/** What an event must know of the one that caused it. */
export type CausedBy = Pick<CloudEvent, 'id' | 'correlationid' | 'traceparent'>

type HeaderValue = Buffer | string | readonly (Buffer | string)[] | undefined

/** A Kafka record as clients hand it over. */
export interface KafkaRecord {
  readonly key?: Buffer | string | null
  readonly value: Buffer | string | null
  readonly headers?: Readonly<Record<string, HeaderValue>> | undefined
}

export interface KafkaMessage {
  key: string
  value: string | null
  headers: Record<string, string>
}

/** Finds the definition of a type; {@link eventOfType} unless a test brings events of its own. */
export type EventLookup = (type: string) => EventDefinition | undefined
