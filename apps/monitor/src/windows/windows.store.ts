import { type Database, type Tx } from '@cascata/messaging'
import { type Confusion, type Estimate } from '@cascata/statistics'
import { mergeSummaries, type WindowSummary } from './window.ts'
import { type SkewCount } from '../findings/decide-skew.ts'

/** What labels and as-of features say about a window. */
export interface Joined {
  /** By input. */
  readonly skew: Readonly<Record<string, SkewCount>>
  /** By the column of a fairness rule, then by group. */
  readonly groups: Readonly<Record<string, Readonly<Record<string, Confusion>>>>
  readonly predictions: number
  readonly labelled: number
}

/** The gate's metric of a window whose labels are ripe. */
export interface Performance {
  readonly metric: string
  readonly value: number
  readonly interval: readonly [number, number]
  readonly labelled: number
  readonly predictions: number
  readonly metrics: Readonly<Record<string, number>>
}

export interface WindowKey {
  readonly model: string
  readonly version: string
  readonly from: Date
  readonly to: Date
}

export interface StoredWindow extends WindowKey {
  readonly rows: number
  readonly errors: number
  readonly summary: WindowSummary
  readonly joined: Joined | null
  readonly performance: Performance | null
  readonly estimate: Omit<Estimate, 'confusion'> | null
  readonly performanceDue: boolean
}

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

const columns = `model, version, from_at as "from", to_at as "to", rows::float8 as rows, errors::float8 as errors, summary, joined,
  performance, estimate, performance_due as "performanceDue"`

const keyOf = ({ model, version, from, to }: WindowKey) => [model, version, from, to]

/** Adds what came in a batch to its window. The row is locked: two replicas add one after the other. */
export const addToWindow = async (tx: Tx, key: WindowKey, more: WindowSummary): Promise<void> => {
  const empty = JSON.stringify({ rows: 0, errors: 0, features: {}, score: null })
  await tx.query(
    `insert into version_window (model, version, from_at, to_at, rows, errors, summary) values ($1, $2, $3, $4, 0, 0, $5)
     on conflict do nothing`,
    [...keyOf(key), empty],
  )
  const where = 'model = $1 and version = $2 and from_at = $3 and to_at = $4'
  const [old] = await tx.query<{ summary: WindowSummary }>(
    `select summary from version_window where ${where} for update`,
    keyOf(key),
  )
  const merged = mergeSummaries(old!.summary, more)
  await tx.query(
    `update version_window set rows = $5, errors = $6, summary = $7, performance_due = true, updated_at = now() where ${where}`,
    [...keyOf(key), merged.rows, merged.errors, JSON.stringify(merged)],
  )
}

/** The last windows of a version, oldest first. */
export const lastWindows = async (db: Executor, model: string, version: string, limit: number): Promise<StoredWindow[]> =>
  (
    await db.query<StoredWindow>(
      `select ${columns} from version_window where model = $1 and version = $2 order by from_at desc limit $3`,
      [model, version, limit],
    )
  ).reverse()

/** A window without what was counted in it. */
export type LabelledWindow = Omit<StoredWindow, 'summary'>

/** The last windows of a version about which labels say something, oldest first; they may be far behind the newest ones. */
export const labelledWindows = async (db: Executor, model: string, version: string, limit: number): Promise<LabelledWindow[]> =>
  (
    await db.query<LabelledWindow>(
      `select ${columns.replace(' summary,', '')} from version_window
        where model = $1 and version = $2 and joined is not null order by from_at desc limit $3`,
      [model, version, limit],
    )
  ).reverse()

/** A metric of the first window of a version that had enough labels. */
export const firstPerformance = async (
  db: Executor,
  model: string,
  version: string,
  metric: string,
  labels: number,
): Promise<number | null> =>
  (
    await db.query<{ value: number }>(
      `select (performance->>'value')::float8 as value from version_window
        where model = $1 and version = $2 and performance->>'metric' = $3 and (performance->>'labelled')::int >= $4 order by from_at limit 1`,
      [model, version, metric, labels],
    )
  )[0]?.value ?? null

/** The last windows of a model, whichever version, newest first. */
export const windowsOfModel = (db: Executor, model: string, limit: number): Promise<StoredWindow[]> =>
  db.query<StoredWindow>(`select ${columns} from version_window where model = $1 order by from_at desc, version limit $2`, [
    model,
    limit,
  ])

/** Windows that have ended by `ripe`, and whose performance has to be computed. */
export const ripeWindows = (db: Executor, model: string, ripe: Date): Promise<StoredWindow[]> =>
  db.query<StoredWindow>(
    `select ${columns} from version_window where model = $1 and to_at <= $2 and performance_due order by from_at, version limit 100`,
    [model, ripe],
  )

export const keepPerformance = (
  db: Executor,
  key: WindowKey,
  { performance, estimate }: Pick<StoredWindow, 'performance' | 'estimate'>,
) =>
  db.query(
    `update version_window set performance = $5, estimate = $6, performance_due = false
      where model = $1 and version = $2 and from_at = $3 and to_at = $4`,
    [...keyOf(key), performance && JSON.stringify(performance), estimate && JSON.stringify(estimate)],
  )

export const keepJoined = (tx: Tx, key: WindowKey, joined: Joined) =>
  tx.query(
    `update version_window set joined = $5, performance_due = true where model = $1 and version = $2 and from_at = $3 and to_at = $4`,
    [...keyOf(key), JSON.stringify(joined)],
  )

/** The windows of a model that begin in a span of time, both ends inclusive, locked. */
export const lockWindows = (tx: Tx, model: string, first: Date, last: Date): Promise<StoredWindow[]> =>
  tx.query<StoredWindow>(
    `select ${columns} from version_window where model = $1 and from_at between $2 and $3 order by version, from_at for update`,
    [model, first, last],
  )
