import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Database } from '@cascata/messaging'
import { type Views } from '@cascata/resources'
import { type Client, isCodedError, type Logger, urlPath } from '@cascata/service'
import { type MonitorMetrics } from '../metrics.ts'
import { keepJoinedUpTo, lockModel, takeLate, type WatchedModel } from '../models/models.store.ts'
import { type AppliedModel } from '../models/spec-of.ts'
import { endOfSpan, keepLabels, lastSeq } from '../predictions/predictions.store.ts'
import { keepJoined, lockWindows } from '../windows/windows.store.ts'
import { decideJoin, type JoinState } from './decide-join.ts'
import { withDuck } from './duckdb.ts'
import { type JoinPlan, planJoin } from './join-plan.ts'
import { beginJoin, dropJoin, endJoin, findJoin, keepDataset, type LabelJoin, startAgain, waitFor } from './label-joins.store.ts'
import { type Answered, mergeJoined, readAnswer } from './read-answer.ts'
import { spineSql, writeServed } from './served-rows.ts'

export interface JoinLabels {
  readonly db: Database
  readonly featureStore: Client
  readonly log: Logger
  readonly metrics: MonitorMetrics
  readonly folder: string
  readonly memory: number
  /** Predictions of one join, at most. */
  readonly rows: number
  readonly pollMs: number
  readonly timeoutMs: number
}

/** Labels written in one statement. */
const LABELS = 10_000
/** Between two tries, in ms: doubled each time. */
const backoffOf = (attempts: number) => Math.min(60_000, 500 * 2 ** attempts)

/** Runs `work` with a folder of its own, gone afterwards. */
const inFolder = async <T>({ folder }: JoinLabels, work: (path: string) => Promise<T>): Promise<T> => {
  const path = join(folder, randomUUID())
  await mkdir(path, { recursive: true })
  try {
    return await work(path)
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

const stateOf = ({ cutoff, joinedUpTo, wantedUpTo, late }: WatchedModel, window: number): JoinState => {
  const time = (at: Date | null) => at?.getTime() ?? null
  return { cutoff: time(cutoff), joinedUpTo: time(joinedUpTo), wantedUpTo: time(wantedUpTo), late, window }
}

/** Begins a join when one is due: decided again under the model's lock, and with nobody half way through keeping predictions. */
const begin = ({ db, rows }: JoinLabels, { namespace, name }: WatchedModel, window: number): Promise<void> =>
  db.transaction(async (tx) => {
    const upToSeq = await lastSeq(tx)
    const watched = await lockModel(tx, { namespace, name })
    const { model, joinedUpTo, joinedSeq, late } = watched
    const to = decideJoin(stateOf(watched, window))
    if (to === undefined) return
    const span = { model, from: joinedUpTo, lateFromSeq: late ? joinedSeq : null, to: new Date(to), upToSeq }
    await beginJoin(tx, { ...span, to: await endOfSpan(tx, span, rows) })
    await takeLate(tx, model)
  })

/** Nothing of the span can be joined: it counts as joined. */
const skip = ({ db }: JoinLabels, { namespace, name }: WatchedModel, step: LabelJoin): Promise<void> =>
  db.transaction(async (tx) => {
    await lockModel(tx, { namespace, name })
    await keepJoinedUpTo(tx, step.model, step)
    await dropJoin(tx, step.model)
  })

/** Sends the spine and asks for its dataset. Sent twice it is the same spine; a second dataset of it is only wasted. */
const ask = (parts: JoinLabels, watched: WatchedModel, step: LabelJoin, plan: JoinPlan): Promise<void> =>
  inFolder(parts, async (path) => {
    const { db, featureStore, memory } = parts
    const [served, spine] = [join(path, 'served.json'), join(path, 'spine.parquet')]
    if ((await writeServed(db, step, plan, served)) === 0) return skip(parts, watched, step)
    await withDuck({ folder: path, memory }, (connection) => connection.run(spineSql(plan, served, spine)))
    const { sha256 } = await featureStore.upload<{ sha256: string }>('/v1/spines', await readFile(spine), { timeoutMs: 60_000 })
    const { field, within, missing } = plan.label
    const question = {
      namespace: watched.namespace,
      features: plan.features,
      label: { field, within, missing },
      spine: sha256,
    }
    const { id } = await featureStore.post<{ id: string }>('/v1/datasets', question, { idempotent: true })
    await keepDataset(db, watched.model, id)
  })

const keep = (
  { db }: JoinLabels,
  { namespace, name }: WatchedModel,
  step: LabelJoin,
  { labels, windows }: Answered,
): Promise<boolean> =>
  db.transaction(async (tx) => {
    const times = windows.map(({ from }) => from)
    const [first, last] = [new Date(Math.min(...times)), new Date(Math.max(...times))]
    const stored = windows.length > 0 ? await lockWindows(tx, step.model, first, last) : []
    if (!(await endJoin(tx, step))) return false
    for (const window of stored) {
      const more = windows.find(({ version, from }) => version === window.version && from === window.from.getTime())
      if (more) await keepJoined(tx, window, mergeJoined(window.joined, more))
    }
    for (let i = 0; i < labels.length; i += LABELS) await keepLabels(tx, labels.slice(i, i + LABELS))
    await lockModel(tx, { namespace, name })
    await keepJoinedUpTo(tx, step.model, step)
    return true
  })

const finish = (parts: JoinLabels, watched: WatchedModel, step: LabelJoin, plan: JoinPlan, window: number): Promise<void> =>
  inFolder(parts, async (path) => {
    const files = { served: join(path, 'served.json'), data: join(path, 'data.parquet') }
    await writeServed(parts.db, step, plan, files.served)
    const body = await parts.featureStore.download(urlPath`/v1/datasets/${step.dataset!}/data`, { timeoutMs: 60_000 })
    await pipeline(body, createWriteStream(files.data))
    const answered = await withDuck({ folder: path, memory: parts.memory }, (connection) =>
      readAnswer(connection, plan, files, window),
    )
    if (await keep(parts, watched, step, answered))
      parts.metrics.joins.inc({ namespace: watched.namespace, model: watched.name, result: 'joined' })
  })

const failed = async (
  { db, log, metrics }: JoinLabels,
  { namespace, name }: WatchedModel,
  { model, attempts }: LabelJoin,
  reason: unknown,
) => {
  metrics.joins.inc({ namespace, model: name, result: 'failed' })
  log.warn({ model, attempts, reason }, 'labels could not be joined; the dataset is asked for again')
  await startAgain(db, model, backoffOf(attempts))
}

const proceed = async (
  parts: JoinLabels,
  watched: WatchedModel,
  step: LabelJoin,
  plan: JoinPlan,
  window: number,
): Promise<void> => {
  if (step.dataset === null) return ask(parts, watched, step, plan)
  const { state, error } = await parts.featureStore.get<{ state: string; error?: unknown }>(urlPath`/v1/datasets/${step.dataset}`)
  if (state === 'built') return finish(parts, watched, step, plan, window)
  if (state === 'failed') return failed(parts, watched, step, error)
  if (Date.now() - step.startedAt.getTime() > parts.timeoutMs) return failed(parts, watched, step, 'it took too long')
  await waitFor(parts.db, watched.model, parts.pollMs)
}

/**
 * One step of joining a model's predictions with their labels: begin, ask, wait, or take in. What was reached is in the database, so that any
 * replica goes on from there; every step may be done twice.
 */
export const joinLabels =
  (parts: JoinLabels) =>
  async (watched: WatchedModel, applied: AppliedModel, views: Views): Promise<void> => {
    const { window } = applied.model.spec.monitor
    const step = await findJoin(parts.db, watched.model)
    if (!step) {
      if (decideJoin(stateOf(watched, window)) !== undefined) await begin(parts, watched, window)
      return
    }
    if (!step.due) return
    const plan = planJoin(applied.model, views)
    if (!plan) return
    try {
      await proceed(parts, watched, step, plan, window)
    } catch (error) {
      if (isCodedError(error) && error.status >= 400 && error.status < 500) return failed(parts, watched, step, error.code)
      parts.log.warn({ model: watched.model, err: error }, 'labels wait: a step of their join failed and is tried again')
      await waitFor(parts.db, watched.model, backoffOf(2))
    }
  }
