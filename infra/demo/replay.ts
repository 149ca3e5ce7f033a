import { askAhead, byHour, day, firstDay, type Flight, type Flights, hour, type Instant, planAhead } from './flights.ts'
import { type Caller } from './caller.ts'
import { type PlatformClient } from './platform-client.ts'
import { type Publisher } from './publisher.ts'

/** How many of the flights that are due in an hour are asked for: every nth, so that all times of the day are in. */
export const askedPerHour = 60
const historyDays = 14
const views = ['plans', 'outcomes', 'airports']

/** The year 2001, hour by hour, faster than life. */
export interface Replay {
  /** Up to where everything is published. */
  readonly at: Instant
  /** Flights published so far, by their plans. */
  readonly flights: number
  /** Publishes two weeks at once. */
  history(): Promise<void>
  /** One hour: publishes what becomes known in it, waits until it can be read, asks for what is due. */
  tick(): Promise<void>
}

export function startReplay(parts: {
  flights: Flights
  publisher: Publisher
  caller: Caller
  client: PlatformClient
  namespace: string
  signal: AbortSignal
}): Replay {
  const { flights, publisher, caller, client, namespace, signal } = parts
  const plans = byHour(({ departsAt }) => departsAt - planAhead)
  const outcomes = byHour(({ landedAt }) => landedAt)
  const due = byHour(({ departsAt }) => departsAt - askAhead)
  let at = firstDay - planAhead
  let loaded = firstDay
  let planned = 0

  /** Loads the days whose plans are published before `until`. */
  const load = async (until: Instant) => {
    for (; loaded < until + planAhead + hour; loaded += day) {
      const ofDay = await flights.ofDay(loaded)
      for (const hours of [plans, outcomes, due]) hours.add(ofDay)
    }
  }

  const publishHour = async (to: Instant) => {
    await load(to)
    const known = plans.take(to)
    await publisher.publish({ plans: known, outcomes: outcomes.take(to), at: to })
    planned += known.length
    at = to
  }

  return {
    get at() {
      return at
    },
    get flights() {
      return planned
    },
    async history() {
      while (at < firstDay + historyDays * day) {
        signal.throwIfAborted()
        await publishHour(at + hour)
        due.take(at)
      }
    },
    async tick() {
      signal.throwIfAborted()
      await publishHour(at + hour)
      await client.covered(namespace, views, signal)
      await caller.ask(sample(due.take(at)), at)
    },
  }
}

function sample(flights: Flight[]): Flight[] {
  const step = Math.max(1, flights.length / askedPerHour)
  return Array.from({ length: Math.min(askedPerHour, flights.length) }, (_, nth) => flights[Math.floor(nth * step)]!)
}
