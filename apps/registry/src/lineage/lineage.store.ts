import { type CloudEvent, type datasetBuilt, type DataOf, type routeChanged, type trainingRequested } from '@cascata/events'
import { type Database, type Tx } from '@cascata/messaging'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

/** A run as the log tells it: what asked for it, and how it ended. */
export interface TrainingRecord {
  readonly run: string
  readonly namespace: string
  readonly model: string
  readonly revision: number
  readonly trigger: string
  readonly causes: readonly { id: string; type: string; trigger: string; at: string; summary?: string }[]
  readonly correlationId: string
  readonly requestedAt: Date
  readonly outcome: { type: string; at: string; why: string | null } | null
}

export interface DatasetRecord {
  readonly dataset: string
  readonly run: string
  readonly namespace: string
  readonly model: string
  readonly hash: string
  readonly rows: number
  readonly snapshot: readonly { view: string; topic: string; partition: number; epoch: number; to: number }[]
  readonly cutoff: Date
  readonly split: Record<string, { rows: number; from: string | null; to: string | null }>
  readonly builtAt: Date
  /** What the columns look like, by column; null for a dataset of an older platform. */
  readonly profile: Record<string, unknown> | null
}

/** Something that happened to a version: a verdict, a step of its rollout. */
export interface VersionStep {
  readonly eventId: string
  readonly type: string
  readonly at: Date
  readonly summary: Record<string, unknown>
}

export const saveTraining = async (tx: Tx, event: CloudEvent<DataOf<typeof trainingRequested>>): Promise<void> => {
  const { run, namespace, model, revision, trigger, causes } = event.data
  await tx.query(
    `insert into training (run, namespace, model, revision, trigger, causes, correlation_id, requested_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
    [run, namespace, model, revision, trigger, JSON.stringify(causes), event.correlationid, event.time],
  )
}

/** Notes how a run ended; false when the run is not known. */
export const saveOutcome = async (tx: Tx, run: string, outcome: NonNullable<TrainingRecord['outcome']>): Promise<boolean> => {
  const rows = await tx.query('update training set outcome = $2 where run = $1 returning 1 as one', [
    run,
    JSON.stringify(outcome),
  ])
  return rows.length > 0
}

/** Notes that a run's candidate was refused, with the evidence; false when the run is not known. */
export const saveRefusal = async (
  tx: Tx,
  run: string,
  outcome: NonNullable<TrainingRecord['outcome']>,
  evidence: string | null,
): Promise<boolean> => {
  const rows = await tx.query(
    `update training set outcome = $2, evidence_sha256 = (select sha256 from blob where sha256 = $3) where run = $1 returning 1 as one`,
    [run, JSON.stringify(outcome), evidence],
  )
  return rows.length > 0
}

/** What serves, as the newest route says. */
export interface RouteRecord {
  readonly generation: number
  readonly at: Date
  readonly said: DataOf<typeof routeChanged>
}

/** Keeps what serves; what is not newer changes nothing. */
export const saveRoute = async (
  tx: Tx,
  { data, time }: CloudEvent<DataOf<typeof routeChanged>>,
): Promise<RouteRecord | undefined> => {
  const before = await findRoute(tx, data.namespace, data.model)
  if (before && before.generation >= data.generation) return undefined
  await tx.query(
    `insert into route (namespace, model, generation, at, said) values ($1, $2, $3, $4, $5)
     on conflict (namespace, model) do update set generation = excluded.generation, at = excluded.at, said = excluded.said`,
    [data.namespace, data.model, data.generation, time, JSON.stringify(data)],
  )
  return before ?? { generation: 0, at: new Date(time), said: { ...data, champion: null, split: [], warm: [] } }
}

export const findRoute = async (db: Executor, namespace: string, model: string): Promise<RouteRecord | undefined> =>
  (
    await db.query<RouteRecord>(
      'select generation::float8 as generation, at, said from route where namespace = $1 and model = $2',
      [namespace, model],
    )
  )[0]

export const saveDataset = async (tx: Tx, event: CloudEvent<DataOf<typeof datasetBuilt>>): Promise<void> => {
  const { dataset, run, namespace, model, hash, rows, snapshot, cutoff, split, profile } = event.data
  await tx.query(
    `insert into dataset (dataset, run, namespace, model, hash, rows, snapshot, cutoff, split, built_at, profile)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing`,
    [
      dataset,
      run,
      namespace,
      model,
      hash,
      rows,
      JSON.stringify(snapshot),
      cutoff,
      JSON.stringify(split),
      event.time,
      JSON.stringify(profile),
    ],
  )
}

export const saveStep = async (
  tx: Tx,
  event: CloudEvent<{ namespace: string; model: string }>,
  version: string,
  summary: object,
): Promise<void> => {
  const { namespace, model } = event.data
  await tx.query(
    `insert into version_step (event_id, namespace, model, version, type, at, summary) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict do nothing`,
    [event.id, namespace, model, version, event.type, event.time, JSON.stringify(summary)],
  )
}

/** The cascade that a run belongs to. */
export const correlationOf = async (db: Executor, run: string): Promise<string | undefined> => {
  const rows = await db.query<{ correlation_id: string }>('select correlation_id from training where run = $1', [run])
  return rows[0]?.correlation_id
}

export const findTraining = async (db: Executor, run: string): Promise<TrainingRecord | undefined> => {
  const rows = await db.query<TrainingRecord>(
    `select run, namespace, model, revision::float8 as revision, trigger, causes, correlation_id as "correlationId",
            requested_at as "requestedAt", outcome from training where run = $1`,
    [run],
  )
  return rows[0]
}

const datasetColumns = `dataset, run, namespace, model, hash, rows::float8 as rows, snapshot, cutoff, split, built_at as "builtAt", profile`

export const findDataset = async (db: Executor, dataset: string): Promise<DatasetRecord | undefined> =>
  (await db.query<DatasetRecord>(`select ${datasetColumns} from dataset where dataset = $1`, [dataset]))[0]

/** The datasets of a run: one, unless it was asked for again. */
export const datasetsOfRun = (db: Executor, run: string): Promise<DatasetRecord[]> =>
  db.query<DatasetRecord>(`select ${datasetColumns} from dataset where run = $1 order by built_at`, [run])

/** Datasets of the same rows, wherever they were built. */
export const datasetsOfHash = (db: Executor, hash: string): Promise<DatasetRecord[]> =>
  db.query<DatasetRecord>(`select ${datasetColumns} from dataset where hash = $1 order by built_at limit 1000`, [hash])

/** Datasets that hold a row of this place: their snapshot reaches past it. Oldest first. */
export const datasetsWithOffset = (db: Executor, topic: string, partition: number, offset: number): Promise<DatasetRecord[]> =>
  db.query<DatasetRecord>(
    `select ${datasetColumns} from dataset
      where exists (select 1 from jsonb_array_elements(snapshot) part
                     where part->>'topic' = $1 and (part->>'partition')::bigint = $2 and (part->>'to')::bigint > $3)
      order by built_at limit 1000`,
    [topic, partition, offset],
  )

/** What happened to a version, in order. */
export const stepsOf = (db: Executor, namespace: string, model: string, version: string): Promise<VersionStep[]> =>
  db.query<VersionStep>(
    `select event_id as "eventId", type, at, summary from version_step
      where namespace = $1 and model = $2 and version = $3 order by at, event_id`,
    [namespace, model, version],
  )
