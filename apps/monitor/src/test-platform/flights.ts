import { type DataOf, type EventDefinition, type predictionMade, type resourceApplied } from '@cascata/events'
import { fact, type Producer, toRecord } from '@cascata/messaging'
import { parseResources, type Model, pinModel, viewsByName } from '@cascata/resources'
import { profileColumn, type Random, seededRandom } from '@cascata/statistics'

const day = 86_400_000
export const start = Date.parse('2001-01-01T00:00:00Z')
export const dayAt = (n: number): number => start + n * day

export const documents = (namespace: string): string => `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: flights, namespace: ${namespace}}
spec:
  source: {topic: flights}
  entity: [flight]
  eventTime: {field: publishedAt}
  fields: {flight: string, publishedAt: timestamp, departsAt: timestamp, carrier: string, distance: {type: double, nullable: true}}
---
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: outcomes, namespace: ${namespace}}
spec:
  source: {topic: flight-outcomes}
  entity: [flight]
  eventTime: {field: landedAt}
  fields: {flight: string, landedAt: timestamp, delayed: bool}
---
apiVersion: cascata/v1
kind: Model
metadata: {name: delay, namespace: ${namespace}}
spec:
  task: binary
  observations: {view: flights, at: departsAt, lead: 2h}
  label: {field: "outcomes:delayed", within: 6h}
  features: ["flights:carrier", "flights:distance"]
  gates: {fairness: [{by: "flights:carrier", equalOpportunity: "<= 0.2", minGroup: 50}]}
  monitor:
    window: 1d
    drift: {size: 0.1, share: 30%, persist: 2 of 3, minRows: 200}
    performance: {drop: 5%, minLabels: 150}
`

/** The resources as the registry publishes them. */
export const appliedOf = (namespace: string): DataOf<typeof resourceApplied>[] => {
  const resources = parseResources(documents(namespace), { file: 'test.yaml' } as never)
  const views = viewsByName(resources)
  return resources
    .map((resource) => (resource.kind === 'Model' ? pinModel(resource as Model, views) : resource))
    .map(({ apiVersion, kind, metadata, spec }) => ({
      apiVersion,
      kind,
      namespace,
      name: metadata.name,
      revision: 1,
      generation: 1,
      commit: null,
      metadata: { name: metadata.name, namespace },
      spec: spec as unknown as Record<string, unknown>,
    }))
}

export interface Flight {
  readonly flight: string
  readonly at: number
  readonly carrier: string
  readonly distance: number | null
  readonly probability: number
  readonly label: boolean
}

/** Flights of one day. The probability says how likely a delay is; `lie` turns what comes true around. */
export const flightsOf = (n: number, count: number, { km = 1, nulls = 0, lie = false } = {}): Flight[] => {
  const random: Random = seededRandom(`day ${n}`)
  return Array.from({ length: count }, (_, i) => {
    const miles = Math.exp(6 + 0.7 * random.normal())
    const probability = Math.min(0.95, Math.max(0.05, 0.5 + 0.25 * random.normal()))
    const late = random.next() < probability
    return {
      flight: `D${n}-${i}`,
      at: dayAt(n) + Math.floor((i * day) / count),
      carrier: ['AA', 'DL', 'UA'][random.int(3)]!,
      distance: random.next() < nulls ? null : miles * km,
      probability,
      label: lie ? !late : late,
    }
  })
}

/** The training profile of such flights. */
export const profileOf = (flights: readonly Flight[]): object => ({
  rows: flights.length,
  columns: {
    flights__carrier: profileColumn(flights.map(({ carrier }) => carrier)),
    flights__distance: profileColumn(flights.map(({ distance }) => distance)),
  },
})

export type PredictionData = DataOf<typeof predictionMade>

export const predictionOf = (namespace: string, flight: Flight, more: Partial<PredictionData> = {}): PredictionData => ({
  id: `p-${flight.flight}`,
  namespace,
  model: 'delay',
  revision: 1,
  version: '1',
  role: 'champion',
  at: new Date(flight.at).toISOString(),
  unit: flight.flight,
  bucket: 17,
  propensity: 1,
  entities: { flight: flight.flight },
  features: { flights__carrier: flight.carrier, flights__distance: flight.distance },
  missing: [],
  output: flight.probability >= 0.5,
  probability: flight.probability,
  latencyMs: 1,
  ...more,
})

/** Says an event at once, without an outbox. */
export const say = async <Data>(
  producer: Producer,
  definition: EventDefinition<Data>,
  data: Data | Data[],
  topic = definition.topic.name,
) => {
  const messages = [data].flat().map((each) => toRecord(fact(definition, each as Data) as never, 'test'))
  await producer.send({ topic, messages })
}
