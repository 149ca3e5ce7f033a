import { type Database, type Tx } from '@cascata/messaging'
import { requireAccess } from '@cascata/service'
import { resourceDoesNotExist } from '../errors.ts'
import { type KeyValue, refuse } from './wire.ts'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

export interface Experiment {
  readonly id: string
  readonly namespace: string
  readonly name: string
  readonly lifecycle_stage: 'active' | 'deleted'
  readonly creation_time: string
  readonly last_update_time: string
  readonly tags: readonly KeyValue[]
}

const columns = `id, namespace, name, lifecycle_stage, creation_time, last_update_time,
  coalesce((select jsonb_agg(jsonb_build_object('key', key, 'value', value) order by key) from experiment_tag where experiment_id = id), '[]') as tags`

/** Where the artifacts of an experiment's runs lie: chosen here, never by a client. */
export const experimentRoot = (id: string): string => `mlflow-artifacts:/${id}`

/** An experiment as MLflow's JSON says it. */
export const sayExperiment = ({ id, name, lifecycle_stage, creation_time, last_update_time, tags }: Experiment): object => ({
  experiment_id: id,
  name,
  artifact_location: experimentRoot(id),
  lifecycle_stage,
  creation_time: Number(creation_time),
  last_update_time: Number(last_update_time),
  tags: tags.length > 0 ? tags : undefined,
})

/** Throws `RESOURCE_DOES_NOT_EXIST`, `INVALID_PARAMETER_VALUE` for what is no number, `AUTH_SCOPE`. */
export const getExperiment = async (db: Executor, id: string): Promise<Experiment> => {
  if (!/^\d{1,18}$/.test(id)) return refuse(`Invalid experiment ID '${id.slice(0, 100)}'. Experiment ID must be a valid integer.`)
  const [found] = await db.query<Experiment>(`select ${columns} from experiment where id = $1`, [id])
  if (!found) throw resourceDoesNotExist({ message: `No Experiment with id=${id} exists` })
  requireAccess(found.namespace)
  return found
}

/** An experiment that can be written to. */
export const getActiveExperiment = async (db: Executor, id: string): Promise<Experiment> => {
  const experiment = await getExperiment(db, id)
  if (experiment.lifecycle_stage === 'active') return experiment
  return refuse(`The experiment ${id} must be in the 'active' state. Current state is ${experiment.lifecycle_stage}.`)
}

export const findExperimentByName = async (db: Executor, name: string): Promise<Experiment | undefined> =>
  (await db.query<Experiment>(`select ${columns} from experiment where name = $1`, [name]))[0]

/** Undefined when the name is taken. */
export const addExperiment = async (tx: Tx, name: string, namespace: string, now: number): Promise<string | undefined> => {
  const rows = await tx.query<{ id: string }>(
    `insert into experiment (name, namespace, creation_time, last_update_time) values ($1, $2, $3, $3) on conflict (name) do nothing returning id`,
    [name, namespace, now],
  )
  return rows[0]?.id
}

export const setExperimentTags = async (db: Executor, id: string, tags: readonly KeyValue[]): Promise<void> => {
  await db.query(
    `insert into experiment_tag (experiment_id, key, value) select $1, * from unnest($2::text[], $3::text[])
     on conflict (experiment_id, key) do update set value = excluded.value`,
    [id, tags.map(({ key }) => key), tags.map(({ value }) => value)],
  )
}

/** Experiments that a condition lets through; the caller has checked `where` and `order`, which hold no text of a client. */
export const searchExperiments = (db: Executor, where: string, order: string, params: unknown[]): Promise<Experiment[]> =>
  db.query<Experiment>(`select ${columns} from experiment where ${where} order by ${order}`, params)
