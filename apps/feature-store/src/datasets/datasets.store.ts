import { type Snapshot } from '@cascata/events'
import { type Database, ringAfter, type Tx } from '@cascata/messaging'
import { type BuiltDataset } from './build-dataset.ts'
import { type Engine } from './decide-engine.ts'

/** Rung when a dataset is asked for. */
export const datasetsChannel = 'datasets'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

/** What a dataset was asked for. Durations in ms. */
export type DatasetAsked =
  | { readonly is: 'model'; readonly engine?: Engine | undefined }
  | {
      readonly is: 'spine'
      readonly engine?: Engine | undefined
      readonly spine: string
      readonly features: readonly string[]
      readonly label: { readonly field: string; readonly within: number; readonly missing: 'drop' | 'negative' } | null
    }

/** Where a view was read to, and the watermark that held then: taken when the run starts. */
export interface Pinned {
  readonly view: string
  readonly viewId: number
  readonly topic: string
  /** End offsets by partition; the epoch is that of the cursor when it got there. */
  readonly ends: readonly { readonly partition: number; readonly to: number }[]
}

/** What a built dataset has to tell. */
export interface DatasetResult extends Omit<BuiltDataset, 'counts'> {
  readonly counts: BuiltDataset['counts']
  readonly snapshot: Snapshot
  /** ISO 8601; null for a dataset without a label. */
  readonly cutoff: string | null
}

export interface DatasetJob {
  readonly id: string
  readonly namespace: string
  readonly model: string | null
  readonly revision: number | null
  readonly run: string | null
  /** The event that asked. */
  readonly cause: { id: string; correlationid: string; traceparent?: string } | null
  readonly request: DatasetAsked
  readonly state: 'building' | 'built' | 'failed'
  readonly step: string
  readonly pinned: readonly Pinned[] | null
  readonly waitUntil: Date | null
  readonly result: DatasetResult | null
  readonly error: { code: string; message: string } | null
  readonly attempts: number
  readonly createdAt: Date
  readonly endedAt: Date | null
}

const columns = `id, namespace, model, revision, run, cause, request, state, step, snapshot as pinned, wait_until as "waitUntil",
  result, error, attempts, created_at as "createdAt", ended_at as "endedAt"`

/** Asks for a dataset; a second time for the same run changes nothing. */
export const addDataset = async (
  db: Executor,
  {
    id,
    namespace,
    model,
    revision,
    run,
    cause,
    request,
  }: Pick<DatasetJob, 'id' | 'namespace' | 'model' | 'revision' | 'run' | 'cause' | 'request'>,
): Promise<void> => {
  await db.query(
    `insert into dataset (id, namespace, model, revision, run, cause, request, state) values ($1, $2, $3, $4, $5, $6, $7, 'building') on conflict do nothing`,
    [id, namespace, model, revision, run, JSON.stringify(cause), JSON.stringify(request)],
  )
  await ringAfter(db, datasetsChannel)
}

export const findDataset = async (db: Executor, id: string): Promise<DatasetJob | null> =>
  (await db.query<DatasetJob>(`select ${columns} from dataset where id = $1`, [id]))[0] ?? null

/** Takes the next dataset that is due, for as long as the lease (ms); null when there is none. */
export const takeDataset = async (db: Executor, lease: number): Promise<DatasetJob | null> => {
  const [taken] = await db.query<DatasetJob>(
    `update dataset set not_before = now() + make_interval(secs => $1 / 1000.0)
      where id = (select id from dataset where state = 'building' and not_before <= now() order by created_at limit 1 for update skip locked)
      returning ${columns}`,
    [lease],
  )
  return taken ?? null
}

/** Keeps a dataset for the one who builds it; says what is being done. */
export const holdDataset = async (db: Executor, id: string, lease: number, step?: string): Promise<void> => {
  await db.query(
    `update dataset set not_before = now() + make_interval(secs => $2 / 1000.0), step = coalesce($3, step) where id = $1 and state = 'building'`,
    [id, lease, step ?? null],
  )
}

export const pinDataset = async (db: Executor, id: string, pinned: readonly Pinned[], waitMs: number): Promise<void> => {
  await db.query(
    `update dataset set snapshot = $2, wait_until = now() + make_interval(secs => $3 / 1000.0) where id = $1 and snapshot is null`,
    [id, JSON.stringify(pinned), waitMs],
  )
}

/** Lays a dataset aside for a while; with `failed`, the attempt counts. */
export const postponeDataset = async (db: Executor, id: string, ms: number, failed = false): Promise<void> => {
  await db.query(
    `update dataset set not_before = now() + make_interval(secs => $2 / 1000.0), attempts = attempts + $3 where id = $1 and state = 'building'`,
    [id, ms, failed ? 1 : 0],
  )
}

/** Ends a dataset; false when another replica has. */
export const endDataset = async (
  tx: Tx,
  id: string,
  end: { state: 'built'; result: DatasetResult } | { state: 'failed'; error: { code: string; message: string } },
): Promise<boolean> => {
  const ended = await tx.query(
    `update dataset set state = $2, step = $2, result = $3, error = $4, ended_at = now() where id = $1 and state = 'building' returning 1 as one`,
    [
      id,
      end.state,
      JSON.stringify(end.state === 'built' ? end.result : null),
      JSON.stringify(end.state === 'failed' ? end.error : null),
    ],
  )
  return ended.length > 0
}
