import { connectKafka, openProducer, openTopics, silent } from '@cascata/messaging'
import { type Flight, type Instant, planAhead } from './flights.ts'

/** How the airline's two services name their topics. */
export interface TopicNames {
  plans: string
  outcomes: string
}

type Message = {
  key: string | null
  value: string | null
  timestamp: string
  partition?: number
  headers?: Record<string, string>
}

const iso = (at: Instant) => new Date(at).toISOString()
const kilometresPerMile = 1.609_344

/** The two services of an airline, as any publisher would be: JSON rows, each with the time at which it was known. */
export async function openPublisher(brokers: string, names: TopicNames) {
  const kafka = connectKafka({ brokers: brokers.split(','), clientId: 'demo-airline' }, silent)
  const producer = await openProducer({ kafka, log: silent })
  const topics = openTopics(kafka)
  let rows = 0
  let inKilometres = false

  const plan = ({ flight, departsAt, origin, destination, distanceMiles }: Flight): Message => {
    const publishedAt = departsAt - planAhead
    const departure = new Date(departsAt)
    const value = {
      flight,
      publishedAt: iso(publishedAt),
      departsAt: iso(departsAt),
      origin,
      destination,
      distanceMiles: inKilometres ? Math.round(distanceMiles * kilometresPerMile) : distanceMiles,
      hour: departure.getUTCHours(),
      weekday: departure.getUTCDay(),
    }
    return { key: flight, value: JSON.stringify(value), timestamp: String(publishedAt) }
  }

  const outcome = ({ flight, landedAt, origin, destination, delayMin }: Flight): Message => {
    const value = { flight, landedAt: iso(landedAt), origin, destination, delayMin, delayed: delayMin > 15 }
    return { key: flight, value: JSON.stringify(value), timestamp: String(landedAt) }
  }

  /** Says on every partition that all rows up to `at` are there: otherwise a quiet partition would hold the watermark back. */
  const watermark = async (topic: string, at: Instant): Promise<Message[]> =>
    [...(await partitionsOf(topic)).keys()].map((partition) => ({
      key: null,
      value: null,
      partition,
      timestamp: String(at),
      headers: { 'cascata-watermark': String(at) },
    }))

  const partitions = new Map<string, Map<number, unknown>>()
  const partitionsOf = async (topic: string) => {
    const known = partitions.get(topic) ?? (await topics.bounds(topic))
    partitions.set(topic, known)
    return known
  }

  return {
    get rows() {
      return rows
    },
    get inKilometres() {
      return inKilometres
    },
    /** From now on the plans' service publishes kilometres in the field of the miles: the fault of the story. */
    breakDistances: () => void (inKilometres = true),
    /** Publishes what became known up to `at`, and that nothing older is to come. */
    async publish({ plans, outcomes, at }: { plans: readonly Flight[]; outcomes: readonly Flight[]; at: Instant }) {
      const planRows = plans.map(plan)
      const outcomeRows = outcomes.map(outcome)
      await producer.send([
        { topic: names.plans, messages: [...planRows, ...(await watermark(names.plans, at))] },
        { topic: names.outcomes, messages: [...outcomeRows, ...(await watermark(names.outcomes, at))] },
      ])
      rows += planRows.length + outcomeRows.length
    },
    async close() {
      await producer.close()
      await topics.close()
    },
  }
}
export type Publisher = Awaited<ReturnType<typeof openPublisher>>
