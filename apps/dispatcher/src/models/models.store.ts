import { type Database, type Tx } from '@cascata/messaging'
import { type DatasetProfile } from '@cascata/statistics'
import { type TrainingState } from '../triggers/training-state.ts'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

export interface ModelName {
  namespace: string
  model: string
}

/** Takes hold of a model until the end of the transaction: the aggregate that every decision locks before it says anything. */
export async function lockModel(tx: Tx, { namespace, model }: ModelName): Promise<TrainingState | undefined> {
  const rows = await tx.query<{ state: TrainingState }>(
    'select state from training_model where namespace = $1 and model = $2 for update',
    [namespace, model],
  )
  return rows[0]?.state
}

export async function findModel(db: Executor, { namespace, model }: ModelName): Promise<TrainingState | undefined> {
  const rows = await db.query<{ state: TrainingState }>('select state from training_model where namespace = $1 and model = $2', [
    namespace,
    model,
  ])
  return rows[0]?.state
}

export async function allModels(db: Executor): Promise<TrainingState[]> {
  const rows = await db.query<{ state: TrainingState }>('select state from training_model order by namespace, model')
  return rows.map(({ state }) => state)
}

export async function saveModel(tx: Tx, state: TrainingState, wakeAt: number | null, priority?: number): Promise<void> {
  await tx.query(
    `insert into training_model (namespace, model, state, wake_at, priority) values ($1, $2, $3, $4, coalesce($5, 0))
     on conflict (namespace, model) do update set state = excluded.state, wake_at = excluded.wake_at,
       priority = coalesce($5, training_model.priority)`,
    [state.namespace, state.model, JSON.stringify(state), wakeAt === null ? null : new Date(wakeAt), priority ?? null],
  )
}

export async function deleteModel(tx: Tx, { namespace, model }: ModelName): Promise<void> {
  await tx.query('delete from training_model where namespace = $1 and model = $2', [namespace, model])
}

/** Models whose time has come. */
export async function dueModels(db: Executor, now: Date): Promise<ModelName[]> {
  return db.query<ModelName & Record<string, unknown>>(
    'select namespace, model from training_model where wake_at <= $1 order by wake_at limit 500',
    [now],
  )
}

export async function nextWake(db: Executor): Promise<number | null> {
  const rows = await db.query<{ at: Date | null }>('select min(wake_at) as at from training_model')
  return rows[0]?.at?.getTime() ?? null
}

/** What later datasets are compared with: the profile of the last model that passed, and the labels there were at the last dataset. */
export interface Reference {
  profile: DatasetProfile | null
  labels: { ripe: number; labelled: number } | null
}

export async function referenceOf(db: Executor, { namespace, model }: ModelName): Promise<Reference> {
  const rows = await db.query<Reference & Record<string, unknown>>(
    'select good_profile as profile, labels_then as labels from training_model where namespace = $1 and model = $2',
    [namespace, model],
  )
  return { profile: rows[0]?.profile ?? null, labels: rows[0]?.labels ?? null }
}

export async function saveReference(
  db: Executor,
  { namespace, model }: ModelName,
  { profile, labels }: Partial<Reference>,
): Promise<void> {
  await db.query(
    `update training_model set good_profile = coalesce($3, good_profile), labels_then = coalesce($4, labels_then)
     where namespace = $1 and model = $2`,
    [namespace, model, profile ? JSON.stringify(profile) : null, labels ? JSON.stringify(labels) : null],
  )
}
