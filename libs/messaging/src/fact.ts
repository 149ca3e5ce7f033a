import { randomUUID } from 'node:crypto'
import { type Cause, type CloudEvent, type EventDefinition, eventOf, type KafkaMessage, toKafka } from '@cascata/events'
import { traceparentOf } from './trace.ts'

/** Something that happened, checked against its contract, not said yet. */
export interface Fact<Data = unknown> {
  readonly definition: EventDefinition<Data>
  readonly data: Data
  readonly options: FactOptions
}

export interface FactOptions {
  /** Of the event; a random one by default. Give it where a repetition must be the same event. */
  id?: string
  /** ISO 8601; now by default. */
  time?: string
  /** Joins a cascade without a causing event. */
  correlationId?: string
}

export interface PublishOptions {
  /** The event that made us say this. Without it a new cascade begins. */
  causedBy?: Cause | undefined
}

/**
 * Makes a fact.
 *
 * @throws InvalidEvent when `data` breaks the contract: a fault of the caller, found before anything is written.
 */
export function fact<Data>(definition: EventDefinition<Data>, data: Data, options: FactOptions = {}): Fact<Data> {
  return { definition, data: definition.validate(data), options }
}

/** The event that says `fact`; without a cause it begins a cascade, whose id is its own. */
export function toEvent<Data>(
  { definition, data, options }: Fact<Data>,
  app: string,
  { causedBy }: PublishOptions = {},
): CloudEvent<Data> {
  const { id = randomUUID(), time = new Date().toISOString(), correlationId } = options
  return eventOf(definition, data, { id, time, app, causedBy, correlationId, traceparent: traceparentOf(causedBy) })
}

/** The record of a fact. */
export const toRecord = (fact: Fact, app: string, options?: PublishOptions): KafkaMessage =>
  toKafka(toEvent(fact, app, options), () => fact.definition)
