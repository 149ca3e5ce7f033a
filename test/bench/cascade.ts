import {
  decode,
  facts,
  labelsRipened,
  rowsIngested,
  trainingRequested,
  versionApproved,
  versionLoaded,
  type CloudEvent,
} from '@cascata/events'
import { connectKafka, openTopics, readLog, silent } from '@cascata/messaging'
import { applyResources, startApps, type Apps } from './apps.ts'
import { preciseNow, quantile, type BenchContext, type Metrics } from './context.ts'

export const title = 'The cascade: publish → training.requested, and version.approved → first answer by it'
export const aims = {
  sum_p50_ms: { atMost: 100 },
  sum_p99_ms: { atMost: 500 },
}

const rounds = 50
const rowsOfRound = 20
const hour = 3_600_000
const patience = 120_000
/** Yesterday's history: one observation a second. */
const begin = Math.floor(Date.now() / hour) * hour - 24 * hour

const view = (name: string, fields: string) => `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: ${name}}
spec: {source: {topic: bench-${name}, partitions: 1}, entity: [id], eventTime: {field: at}, fields: {id: string, at: timestamp, ${fields}}}
---`

/** Every wait that is a person's choice is off: debounce, cooldown, shadow, steps, bake. */
const yaml = `${view('visits', 'basket: double')}${view('orders', 'bought: bool')}
apiVersion: cascata/v1
kind: Model
metadata: {name: buys}
spec:
  task: binary
  observations: {view: visits}
  label: {field: "orders:bought", within: 1s}
  features: ["visits:basket"]
  train: {trainer: linear, rows: {history: all, min: 200}}
  retrain:
    when: {newLabels: ${rowsOfRound}, drift: false, performance: false, maxAge: none}
    limits: {debounce: 0s, cooldown: 0s, perDay: 10000, minNewLabels: 0}
  gates: {champion: none, latencyP99: 10s}
  rollout: {shadow: 0s, steps: [], bake: none}
`

type Heard = Map<string, { event: CloudEvent; at: number }>

/** Keeps the newest fact of each type, and when it was heard. */
function hear(kafka: ReturnType<typeof connectKafka>) {
  const stopped = new AbortController()
  const heard: Heard = new Map()
  const waiting = new Set<() => void>()
  const reading = readLog({
    kafka,
    topic: facts.name,
    from: 'beginning',
    follow: true,
    signal: stopped.signal,
    onRecord: (record) => {
      const event = decode(record)
      heard.set(event.type, { event, at: preciseNow() })
      for (const look of waiting) look()
    },
  })
  return {
    /** Waits for a fact of a type that was heard after `since`, and fails when the run ends in another way. */
    next: (type: string, since: number): Promise<{ event: CloudEvent; at: number }> =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`No ${type} within ${patience / 1_000} s.`)), patience)
        const look = () => {
          const found = heard.get(type)
          const bad = ['cascata.training.failed.v1', 'cascata.version.rejected.v1', 'cascata.rollout.rolledback.v1']
            .map((each) => heard.get(each))
            .find((each) => each && each.at > since)
          if (!bad && !(found && found.at > since)) return
          waiting.delete(look)
          clearTimeout(late)
          if (bad) reject(new Error(`${bad.event.type}: ${JSON.stringify(bad.event.data)}`))
          else resolve(found!)
        }
        waiting.add(look)
        look()
      }),
    last: (type: string) => heard.get(type)!,
    stop: () => (stopped.abort(), reading),
  }
}

/** Publishes observations with their labels, and that nothing older will come: all of them are ripe. */
async function publish(apps: Apps, from: number, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, nth) => from + nth)
  const record = (n: number, fields: object, later = 0) => {
    const at = begin + n * 1_000 + later
    return {
      key: `v${n}`,
      value: JSON.stringify({ id: `v${n}`, at: new Date(at).toISOString(), ...fields }),
      timestamp: String(at),
    }
  }
  const end = String(begin + (from + count + 5) * 1_000)
  const watermark = { key: null, value: null, timestamp: end, headers: { 'cascata-watermark': end } }
  const basket = (n: number) => ((n * 7919) % 100) / 100
  await apps.producer.send([
    { topic: 'bench-visits', messages: [...rows.map((n) => record(n, { basket: basket(n) })), watermark] },
    {
      topic: 'bench-orders',
      messages: [...rows.map((n) => record(n, { bought: basket(n) + ((n * 31) % 10) / 20 > 0.7 }, 500)), watermark],
    },
  ])
}

/** Asks one after the other until a version has answered. */
async function firstAnswerBy(apps: Apps, version: string): Promise<number> {
  const inference = apps.client('inference')
  const deadline = preciseNow() + 30_000
  while (preciseNow() < deadline) {
    const answer = await inference
      .post<{ predictions: { version: string }[] }>('/v1/models/buys/predict', { entities: { id: ['v1'] } })
      .catch(() => undefined)
    if (answer?.predictions[0]?.version === version) return preciseNow()
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  throw new Error(`Version ${version} did not answer within 30 s of its approval.`)
}

/** What lasted how long, ms: the two parts that are aimed at, what they are made of, and the whole cascade. */
type Round = Record<(typeof spans)[number], number>
const spans = [
  'publish_to_requested',
  'publish_to_ingested',
  'ingested_to_ripened',
  'ripened_to_requested',
  'approved_to_answer',
  'approved_to_loaded',
  'sum',
  'whole',
] as const

/** One cascade, from the rows to the answer. */
async function cascade(apps: Apps, listening: ReturnType<typeof hear>, from: number, count: number): Promise<Round> {
  const published = preciseNow()
  await publish(apps, from, count)
  const requested = await listening.next(trainingRequested.type, published)
  const approved = await listening.next(versionApproved.type, requested.at)
  const answered = await firstAnswerBy(apps, (approved.event.data as { version: string }).version)
  await listening.next('cascata.rollout.completed.v1', requested.at)
  const said = (type: string) => Date.parse(listening.last(type).event.time)
  const [ingested, ripened, approval] = [said(rowsIngested.type), said(labelsRipened.type), said(versionApproved.type)]
  const [toRequest, toAnswer] = [requested.at - published, answered - approval]
  return {
    publish_to_requested: toRequest,
    publish_to_ingested: ingested - published,
    ingested_to_ripened: ripened - ingested,
    ripened_to_requested: requested.at - ripened,
    approved_to_answer: toAnswer,
    approved_to_loaded: said(versionLoaded.type) - approval,
    sum: toRequest + toAnswer,
    whole: answered - published,
  }
}

export async function run(context: BenchContext): Promise<{ metrics: Metrics }> {
  const kafka = connectKafka({ brokers: [context.urls.kafka], clientId: 'bench' }, silent)
  const topics = openTopics(kafka)
  await topics.ensure(
    ['bench-visits', 'bench-orders'].map((topic) => ({ topic, partitions: 1, config: { 'retention.ms': '-1' } })),
  )
  await topics.close()
  const apps = await startApps(context, ['registry', 'feature-store', 'dispatcher', 'deployer', 'inference'])
  const listening = hear(kafka)
  try {
    await applyResources(apps, yaml)
    const done: Round[] = []
    let from = 0
    for (let round = 0; round <= rounds; round++) {
      const count = round === 0 ? 300 : rowsOfRound
      const measured = await cascade(apps, listening, from, count)
      from += count
      // The first one waits for views that are being set up.
      if (round > 0) done.push(measured)
      if (round % 10 === 0) context.say(`${round} of ${rounds} cascades are through`)
    }
    const metrics = spans.flatMap((name) => {
      const samples = done.map((each) => each[name])
      return [0.5, 0.99].map((q) => [`${name}_p${q * 100}_ms`, quantile(samples, q)] as const)
    })
    return { metrics: Object.fromEntries(metrics) }
  } finally {
    await listening.stop()
    await apps.stop()
  }
}
