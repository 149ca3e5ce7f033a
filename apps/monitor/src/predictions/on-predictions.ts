import { fromKafka, type KafkaRecord, predictionMade } from '@cascata/events'
import { type Database, type RawRow, type RowSink, toDeadLetter } from '@cascata/messaging'
import { type Clock } from '@cascata/service'
import { type MonitorMetrics } from '../metrics.ts'
import { sawPredictions } from '../models/models.store.ts'
import { type FindModel } from '../models/spec-of.ts'
import { type FindReference } from '../versions/references.ts'
import { summarise, type WindowSummary, windowOf } from '../windows/window.ts'
import { addToWindow } from '../windows/windows.store.ts'
import { isServed, type Prediction } from './prediction.ts'
import { ensurePartition, keepPredictions, lockKeeping } from './predictions.store.ts'

/** A record that is no prediction. */
interface Refused {
  readonly row: RawRow
  readonly reason: string
}

/** What one batch adds to one window. */
interface Addition {
  readonly model: string
  readonly version: string
  readonly from: Date
  readonly to: Date
  readonly summary: WindowSummary
}

interface Batch {
  readonly predictions: readonly Prediction[]
  readonly refused: readonly Refused[]
  readonly additions: readonly Addition[]
  readonly keptAt: number
}

export interface OnPredictions {
  readonly db: Database
  readonly consumer: string
  readonly findModel: FindModel
  readonly references: FindReference
  readonly metrics: MonitorMetrics
  readonly clock: Clock
  /** Called when a batch is kept: there may be something to judge. */
  readonly onKept: () => void
}

/** Postgres knows no year 0. */
const FIRST_TIME = Date.parse('0001-01-01T00:00:00Z')

const decode = (rows: readonly RawRow[]) => {
  const predictions: Prediction[] = []
  const refused: Refused[] = []
  for (const row of rows) {
    try {
      const event = fromKafka(row as KafkaRecord)
      if (event.type !== predictionMade.type) throw new TypeError(`${event.type} is no prediction`)
      const prediction = event.data as Prediction
      if (Date.parse(prediction.at) < FIRST_TIME) throw new RangeError(`${prediction.at} is before the first time that is kept`)
      predictions.push(prediction)
    } catch (error) {
      refused.push({ row, reason: (error as Error).message })
    }
  }
  return { predictions, refused }
}

/** One order for all replicas, so that two never wait for each other's locks. */
const inOrder = (a: Addition, b: Addition) =>
  a.model.localeCompare(b.model) || a.version.localeCompare(b.version) || a.from.getTime() - b.from.getTime()

/** Counts the answers of a batch into windows, version by version; a version that is warming, or of a model nobody applied, has none. */
const additionsOf = async ({ findModel, references }: OnPredictions, predictions: readonly Prediction[]): Promise<Addition[]> => {
  const additions: Addition[] = []
  const groups = Map.groupBy(predictions.filter(isServed), ({ namespace, model, version }) =>
    JSON.stringify([namespace, model, version]),
  )
  for (const [key, own] of groups) {
    const [namespace, name, version] = JSON.parse(key) as [string, string, string]
    const model = await findModel(namespace, name)
    const reference = model && (await references(namespace, name, version))
    if (!reference) continue
    const { task, monitor } = model.spec
    const windows = Map.groupBy(own, ({ at }) => windowOf(Date.parse(at), monitor.window).from)
    for (const [from, rows] of windows) {
      const span = { from: new Date(from), to: new Date(from + monitor.window) }
      additions.push({ model: `${namespace}/${name}`, version, ...span, summary: summarise(rows, task, reference) })
    }
  }
  return additions.sort(inOrder)
}

/** From and up to which data time each model was predicted for in a batch; in one order for all replicas. */
const spansOf = (predictions: readonly Prediction[]) =>
  [...Map.groupBy(predictions, ({ namespace, model }) => JSON.stringify([namespace, model]))]
    .map(([key, own]) => {
      const [namespace, name] = JSON.parse(key) as [string, string]
      const times = own.filter(isServed).map(({ at }) => Date.parse(at))
      const [from, upTo] = times.reduce(([low, high], at) => [Math.min(low, at), Math.max(high, at)], [Infinity, -Infinity])
      return { namespace, name, from, upTo }
    })
    .filter(({ from }) => from !== Infinity)
    .sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1))

/** Keeps predictions and counts them into the windows of their versions, in the transaction that moves the cursor: each once. */
export const onPredictions = (parts: OnPredictions): RowSink<Batch> => {
  let day = ''
  return {
    async write(rows) {
      const { predictions, refused } = decode(rows)
      const keptAt = parts.clock.now()
      const today = new Date(keptAt).toISOString().slice(0, 10)
      if (today !== day) await ensurePartition(parts.db, today)
      day = today
      return { predictions, refused, additions: await additionsOf(parts, predictions), keptAt }
    },
    async commit(tx, { predictions, refused, additions, keptAt }) {
      await lockKeeping(tx)
      tx.enqueue(refused.map(({ row, reason }) => toDeadLetter(row, parts.consumer, reason, new Date(keptAt))))
      parts.metrics.refused.inc(refused.length)
      await keepPredictions(tx, predictions, keptAt)
      for (const { summary, ...key } of additions) await addToWindow(tx, key, summary)
      for (const { from, upTo, ...name } of spansOf(predictions)) await sawPredictions(tx, name, new Date(from), new Date(upTo))
      for (const { namespace, model, role } of predictions) parts.metrics.predictions.inc({ namespace, model, role })
      parts.onKept()
    },
    async discard() {},
  }
}
