import { type Database, type Tx } from '@cascata/messaging'
import { requireAccess } from '@cascata/service'
import { resourceDoesNotExist } from '../errors.ts'
import { type KeyValue, refuse } from './wire.ts'

type Executor = Pick<Database, 'query'>

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

/** A run with everything it has logged: arrays as JSON text, in MLflow's form; `null` where it has logged nothing of a kind. */
export interface WholeRun extends RunInfo {
  readonly metrics: string | null
  readonly params: string | null
  readonly tags: string | null
  readonly inputs: string | null
  readonly outputs: string | null
}

const runColumns = `r.run_id, r.experiment_id, e.namespace, r.name, r.user_id, r.status, r.start_time, r.end_time, r.lifecycle_stage`

/**
 * What is logged of a kind, gathered per run by the database as text that goes out as it is: a page of runs is large, and to parse and
 * write it again would cost more than to find it.
 */
const gathered = (alias: string, table: string, item: string, order = ''): string =>
  `left join (select run_id, '[' || string_agg(${item}, ',' ${order}) || ']' as data from ${table} where run_id = any($1) group by run_id) ${alias} on ${alias}.run_id = r.run_id`

const pair = `'{"key":' || to_json(key) || ',"value":' || to_json(value) || '}'`

/** float8 as text is the shortest number that reads back as the same, and JSON; infinities are not kept. */
const point = `'{"key":' || to_json(key) || ',"value":' || case when is_nan then '"NaN"' else value::text end || ',"timestamp":' || timestamp || ',"step":' || step || '}'`

const input = `'{"dataset":' || dataset::text || ',"tags":[' || coalesce((select string_agg(${pair}, ',') from jsonb_each_text(tags)), '') || ']}'`

const whole = `
  select ${runColumns}, m.data as metrics, p.data as params, t.data as tags, i.data as inputs, o.data as outputs
    from unnest($1::text[]) with ordinality asked(run_id, place) join run r on r.run_id = asked.run_id
    join experiment e on e.id = r.experiment_id
    ${gathered('m', 'latest_metric', point)}
    ${gathered('p', 'run_param', pair)}
    ${gathered('t', 'run_tag', pair)}
    ${gathered('i', 'run_input', input, 'order by name, digest')}
    ${gathered('o', 'run_output', `'{"model_id":' || to_json(model_id) || ',"step":' || step || '}'`, 'order by model_id')}
   order by asked.place`

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

/** An object of JSON texts; what is null is left out. */
const objectOf = (fields: Readonly<Record<string, string | null>>): string =>
  `{${Object.entries(fields)
    .flatMap(([name, text]) => (text === null ? [] : [`"${name}":${text}`]))
    .join(',')}}`

/** A run as MLflow's JSON says it, as text. */
export const sayRun = (run: WholeRun): string =>
  objectOf({
    info: JSON.stringify(sayInfo(run)),
    data: objectOf({ metrics: run.metrics, params: run.params, tags: run.tags }),
    inputs: objectOf({ dataset_inputs: run.inputs }),
    outputs: objectOf({ model_outputs: run.outputs }),
  })

/** The runs of these ids with all their data, in the order of the ids; unknown ids are left out. */
export const wholeRuns = (db: Database, ids: readonly string[]): Promise<WholeRun[]> => db.query<WholeRun>(whole, [ids])

const checked = <Run extends RunInfo>(found: Run | undefined, id: string): Run => {
  if (!found) throw resourceDoesNotExist({ message: `Run with id=${id} not found` })
  requireAccess(found.namespace)
  return found
}

/** Throws `RESOURCE_DOES_NOT_EXIST`, `AUTH_SCOPE`. */
export const getRun = async (db: Executor, id: string, { lock = false } = {}): Promise<RunInfo> => {
  const [found] = await db.query<RunInfo>(
    `select ${runColumns} from run r join experiment e on e.id = r.experiment_id where r.run_id = $1 ${lock ? 'for no key update of r' : ''}`,
    [id],
  )
  return checked(found, id)
}

/** A run with all its data. Throws as `getRun`. */
export const getWholeRun = async (db: Database, id: string): Promise<WholeRun> => checked((await wholeRuns(db, [id]))[0], id)

const refuseInactive = (run: RunInfo): RunInfo =>
  run.lifecycle_stage === 'active'
    ? run
    : refuse(`The run ${run.run_id} must be in the 'active' state. Current state is ${run.lifecycle_stage}.`)

/** A run that can be written to. */
export const findActiveRun = async (db: Executor, id: string): Promise<RunInfo> => refuseInactive(await getRun(db, id))

/** A run that can be written to, held to the end of the transaction: writers of one run take turns, so that none of them deadlock. */
export const getActiveRun = async (tx: Tx, id: string): Promise<RunInfo> => refuseInactive(await getRun(tx, id, { lock: true }))

/** Writes a run and its tags, whose keys differ, with one statement; false when its experiment is no longer active, or the id is taken. */
export const addRun = async (
  db: Executor,
  run: Omit<RunInfo, 'namespace' | 'end_time' | 'lifecycle_stage'>,
  tags: readonly KeyValue[],
): Promise<boolean> => {
  const rows = await db.query(
    `with added as (
       insert into run (run_id, experiment_id, name, user_id, status, start_time)
       select $1, id, $3, $4, $5, $6 from experiment where id = $2 and lifecycle_stage = 'active'
       on conflict do nothing returning run_id
     ), tagged as (
       insert into run_tag (run_id, key, value) select added.run_id, tag.* from added, unnest($7::text[], $8::text[]) tag
     )
     select run_id from added`,
    [
      run.run_id,
      run.experiment_id,
      run.name,
      run.user_id,
      run.status,
      run.start_time,
      tags.map(({ key }) => key),
      tags.map(({ value }) => value),
    ],
  )
  return rows.length > 0
}
