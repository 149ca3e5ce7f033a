import type { CloudEvent, EventDefinition, Topic } from '@cascata/events'
import type { Tx } from './database.ts'
import type { Outcome } from './outcome.ts'

/**
 * Has the effect of an event, in the transaction that also marks it as seen. A throw means: try again.
 * It may run more than once, but only one run commits: no effects outside of `tx`, unless they may be repeated.
 */
export type Handler<Data = unknown> = (event: CloudEvent<Data>, tx: Tx) => Promise<Outcome>

/** One line of the table. */
export interface Subscription {
  definition: EventDefinition
  // A method, so that a handler of some payload stands in a table of all.
  handle(event: CloudEvent, tx: Tx): Promise<Outcome>
}

/** What an app listens to: the group's name and a handler per event. */
export interface Consumers {
  group: string
  topics: Topic[]
  byType: ReadonlyMap<string, Subscription>
}

/** An event and what handles it. */
export const on = <Data>(definition: EventDefinition<Data>, handle: Handler<Data>): Subscription => ({
  definition,
  handle: handle as Handler,
})

/**
 * The one table of what an app listens to.
 *
 * @throws Error when an event has two handlers: which of them failed could not be told.
 */
export function consumersOf(app: string, subscriptions: readonly Subscription[]): Consumers {
  const byType = new Map<string, Subscription>()
  for (const subscription of subscriptions) {
    const { type } = subscription.definition
    if (byType.has(type)) throw new Error(`${app} handles ${type} twice: one event, one handler.`)
    byType.set(type, subscription)
  }
  const topics = [...new Map(subscriptions.map(({ definition: { topic } }) => [topic.name, topic])).values()]
  return { group: `cascata.${app}`, topics, byType }
}
