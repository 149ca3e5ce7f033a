import { setTimeout as pause } from 'node:timers/promises'
import { isCodedError, type Client } from '@cascata/service'
import { featuresUnavailable } from '../errors.ts'
import { type Metrics } from '../metrics.ts'
import { type Scalar } from './columns.ts'

export interface LookupRequest {
  namespace: string
  /** `view:field` */
  features: readonly string[]
  /** Names of the key fields, in the order of each row. */
  keys: readonly string[]
  rows: readonly (readonly Scalar[])[]
  /** Header `Cascata-At`. */
  at: string | undefined
}

/** Values and statuses of one row, in the order of the features. */
export interface FoundRow {
  values: readonly Scalar[]
  statuses: readonly string[]
}

/** Looks features up. Concurrent look-ups of the same features share one call: the next leaves with whatever came while the last was under way. */
export interface FeatureLookup {
  /** @throws CodedError INF_FEATURES_UNAVAILABLE after the time limit, or what the feature store refuses */
  find(request: LookupRequest): Promise<FoundRow[]>
  close(): void
}

interface Answer {
  names: string[]
  values: Scalar[][]
  statuses: string[][]
}

interface Waiting {
  rows: LookupRequest['rows']
  resolve(rows: FoundRow[]): void
  reject(error: unknown): void
}

interface Lane {
  request: Omit<LookupRequest, 'rows'>
  waiting: Waiting[]
  under: number
}

interface Settings {
  store: Client
  maxRows: number
  timeoutMs: number
  metrics: Metrics
}

/** As many calls at once of one set of features: one is answered while the next one travels. */
const lanesWide = 2

export function featureLookup({ store, maxRows, timeoutMs, metrics }: Settings): FeatureLookup {
  const lanes = new Map<string, Lane>()

  const call = async (request: Omit<LookupRequest, 'rows'>, rows: LookupRequest['rows']): Promise<FoundRow[]> => {
    const { namespace, features, keys, at } = request
    const entities = Object.fromEntries(keys.map((key, index) => [key, rows.map((row) => row[index])]))
    const headers: Record<string, string> = at === undefined ? {} : { 'cascata-at': at }
    const options = { headers, retries: 0, idempotent: true, timeoutMs }
    const until = performance.now() + timeoutMs
    for (let attempt = 0; ; attempt++) {
      const began = performance.now()
      try {
        const answer = await store.post<Answer>('/v1/features', { namespace, features, entities }, options)
        metrics.lookups.observe((performance.now() - began) / 1000)
        return inOrder(answer, features, rows.length)
      } catch (error) {
        const again = isCodedError(error) && (error.retry || error.status >= 500)
        if (!again) throw error
        const wait = Math.min(500, 25 * 2 ** attempt)
        if (performance.now() + wait > until)
          throw featuresUnavailable({ reason: `${error.code}: ${error.message}` }, { cause: error })
        await pause(wait)
      }
    }
  }

  const send = async (lane: Lane, batch: Waiting[]): Promise<void> => {
    lane.under++
    try {
      const found = await call(lane.request, batch.length === 1 ? batch[0]!.rows : batch.flatMap(({ rows }) => rows))
      let from = 0
      for (const { rows, resolve } of batch) resolve(found.slice(from, (from += rows.length)))
    } catch (error) {
      // A refusal may be about one row of one caller: each is asked for alone, so that it harms nobody else.
      if (batch.length > 1 && isCodedError(error) && error.status < 500)
        await Promise.all(batch.map((each) => send(lane, [each])))
      else for (const { reject } of batch) reject(error)
    } finally {
      lane.under--
      next(lane)
    }
  }
  const next = (lane: Lane) => {
    if (lane.waiting.length === 0 || lane.under >= lanesWide) return
    let rows = 0
    const upTo = lane.waiting.findIndex((each) => (rows += each.rows.length) > maxRows)
    const batch = lane.waiting.splice(0, upTo === -1 ? lane.waiting.length : Math.max(1, upTo))
    void send(lane, batch)
  }

  return {
    find: ({ rows, ...request }) =>
      new Promise((resolve, reject) => {
        const name = JSON.stringify([request.namespace, request.at, request.keys, request.features])
        const lane = lanes.get(name) ?? { request, waiting: [], under: 0 }
        if (lanes.size > 1_000) lanes.clear()
        lanes.set(name, lane)
        lane.waiting.push({ rows, resolve, reject })
        if (lane.waiting.length === 1) queueMicrotask(() => next(lane))
      }),
    close: () => store.close(),
  }
}

/** The answer's columns in the order that was asked for. */
function inOrder({ names, values, statuses }: Answer, features: readonly string[], rows: number): FoundRow[] {
  if (!Array.isArray(values) || values.length !== rows || statuses.length !== rows)
    throw featuresUnavailable({ reason: `the answer has ${values?.length ?? 'no'} rows, not ${rows}` })
  const same = names.length === features.length && names.every((name, at) => name === features[at])
  if (same) return values.map((row, at) => ({ values: row, statuses: statuses[at]! }))
  const order = features.map((feature) => names.indexOf(feature))
  if (order.includes(-1)) throw featuresUnavailable({ reason: 'the answer lacks a feature' })
  return values.map((row, at) => ({
    values: order.map((index) => row[index]!),
    statuses: order.map((index) => statuses[at]![index]!),
  }))
}
