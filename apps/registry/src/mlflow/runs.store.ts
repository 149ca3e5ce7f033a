import { type Database, type Tx } from '@cascata/messaging'
import { requireAccess } from '@cascata/service'
import { resourceDoesNotExist } from '../errors.ts'
import { type KeyValue, refuse, said } from './wire.ts'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

export interface RunInfo {
  readonly run_id: string
  readonly experiment_id: string
  readonly namespace: string
  readonly name: string
  readonly user_id: string
  readonly status: string
  readonly start_time: string
  readonly end_time: string | null
  readonly lifecycle_stage: 'active' | 'deleted'
}

interface RunData {
  metrics: { key: string; value: number; is_nan: boolean; timestamp: number; step: number }[]
  params: KeyValue[]
  tags: KeyValue[]
  inputs: { dataset: object; tags: KeyValue[] }[]
  outputs: { model_id: string; step: number }[]
}

export const runColumns = `r.run_id, r.experiment_id, e.namespace, r.name, r.user_id, r.status, r.start_time, r.end_time, r.lifecycle_stage`

/** Where a run's artifacts lie: chosen here, never by a client. */
export const runRoot = ({ run_id, experiment_id }: Pick<RunInfo, 'run_id' | 'experiment_id'>): string =>
  `${experiment_id}/${run_id}/artifacts`

export const artifactUri = (root: string): string => `mlflow-artifacts:/${root}`

export const sayInfo = (run: RunInfo): object => ({
  run_id: run.run_id,
  run_uuid: run.run_id,
  run_name: run.name,
  experiment_id: run.experiment_id,
  user_id: run.user_id,
  status: run.status,
  start_time: Number(run.start_time),
  end_time: run.end_time === null ? undefined : Number(run.end_time),
  artifact_uri: artifactUri(runRoot(run)),
  lifecycle_stage: run.lifecycle_stage,
})

const some = <Item>(items: readonly Item[]): readonly Item[] | undefined => (items.length > 0 ? items : undefined)

const emptyData = (): RunData => ({ metrics: [], params: [], tags: [], inputs: [], outputs: [] })

/** What several runs have logged, with one query a kind: the number of runs does not matter. */
const dataOf = async (db: Database, ids: readonly string[]): Promise<Map<string, RunData>> => {
  const of = <Row extends { run_id: string }>(sql: string): Promise<Row[]> => db.query<Row>(sql, [ids])
  const [metrics, params, tags, inputs, outputs] = await Promise.all([
    of<RunData['metrics'][number] & { run_id: string }>(
      `select run_id, key, value, is_nan, timestamp::float8 as timestamp, step::float8 as step from latest_metric
        where run_id = any($1) order by key`,
    ),
    of<KeyValue & { run_id: string }>('select run_id, key, value from run_param where run_id = any($1) order by key'),
    of<KeyValue & { run_id: string }>('select run_id, key, value from run_tag where run_id = any($1) order by key'),
    of<{ run_id: string; dataset: object; tags: Record<string, string> }>(
      'select run_id, dataset, tags from run_input where run_id = any($1) order by name, digest',
    ),
    of<RunData['outputs'][number] & { run_id: string }>(
      'select run_id, model_id, step::float8 as step from run_output where run_id = any($1) order by model_id',
    ),
  ])
  const data = new Map(ids.map((id) => [id, emptyData()]))
  for (const { run_id, ...metric } of metrics) data.get(run_id)!.metrics.push(metric)
  for (const { run_id, ...param } of params) data.get(run_id)!.params.push(param)
  for (const { run_id, ...tag } of tags) data.get(run_id)!.tags.push(tag)
  for (const { run_id, dataset, tags: named } of inputs) {
    data.get(run_id)!.inputs.push({ dataset, tags: Object.entries(named).map(([key, value]) => ({ key, value })) })
  }
  for (const { run_id, ...output } of outputs) data.get(run_id)!.outputs.push(output)
  return data
}

/** Runs with everything they have logged, as MLflow's JSON says them, in the order given. */
export const sayRuns = async (db: Database, runs: readonly RunInfo[]): Promise<object[]> => {
  const data = await dataOf(
    db,
    runs.map(({ run_id }) => run_id),
  )
  return runs.map((run) => {
    const { metrics, params, tags, inputs, outputs } = data.get(run.run_id)!
    return {
      info: sayInfo(run),
      data: {
        metrics: some(metrics.map(({ is_nan, value, ...metric }) => ({ ...metric, value: said({ value, is_nan }) }))),
        params: some(params),
        tags: some(tags),
      },
      inputs: { dataset_inputs: some(inputs) },
      outputs: { model_outputs: some(outputs) },
    }
  })
}

/** Throws `RESOURCE_DOES_NOT_EXIST`, `AUTH_SCOPE`. */
export const getRun = async (db: Executor, id: string, { lock = false } = {}): Promise<RunInfo> => {
  const [found] = await db.query<RunInfo>(
    `select ${runColumns} from run r join experiment e on e.id = r.experiment_id where r.run_id = $1 ${lock ? 'for update of r' : ''}`,
    [id],
  )
  if (!found) throw resourceDoesNotExist({ message: `Run with id=${id} not found` })
  requireAccess(found.namespace)
  return found
}

/** A run that can be written to, held to the end of the transaction: writers of one run take turns, so that none of them deadlock. */
export const getActiveRun = async (tx: Tx, id: string): Promise<RunInfo> => {
  const run = await getRun(tx, id, { lock: true })
  if (run.lifecycle_stage === 'active') return run
  return refuse(`The run ${id} must be in the 'active' state. Current state is ${run.lifecycle_stage}.`)
}

export const addRun = async (tx: Tx, run: Omit<RunInfo, 'namespace' | 'end_time' | 'lifecycle_stage'>): Promise<void> => {
  await tx.query('insert into run (run_id, experiment_id, name, user_id, status, start_time) values ($1, $2, $3, $4, $5, $6)', [
    run.run_id,
    run.experiment_id,
    run.name,
    run.user_id,
    run.status,
    run.start_time,
  ])
}

export interface RunSearch {
  readonly experiments: readonly string[]
  readonly stages: readonly string[]
  /** Conditions and order, made by the filter language; their parameters come after the first two. */
  readonly where: readonly string[]
  readonly order: string
  readonly params: unknown[]
  readonly limit: number
  readonly offset: number
}

export const searchRuns = (db: Executor, { where, order, params, limit, offset }: RunSearch): Promise<RunInfo[]> =>
  db.query<RunInfo>(
    `select ${runColumns} from run r join experiment e on e.id = r.experiment_id
      where ${['r.experiment_id = any($1::bigint[])', 'r.lifecycle_stage = any($2)', ...where].join(' and ')}
      order by ${order} limit ${limit} offset ${offset}`,
    params,
  )
