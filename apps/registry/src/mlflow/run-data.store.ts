import { type Database, type Tx } from '@cascata/messaging'
import { type KeyValue, refuse, stored } from './wire.ts'
import { type Batch, type MetricPoint } from './validate-batch.ts'

/** The last value of each key, in the order of keys: a statement must not meet a row twice, and lock rows in one order. */
export const lastByKey = <Item extends { key: string }>(items: readonly Item[]): Item[] =>
  [...new Map(items.map((item) => [item.key, item])).values()].toSorted((one, other) => (one.key < other.key ? -1 : 1))

export const logTags = async (tx: Tx, run: string, tags: readonly KeyValue[]): Promise<void> => {
  const last = lastByKey(tags)
  await tx.query(
    `insert into run_tag (run_id, key, value) select $1, * from unnest($2::text[], $3::text[])
     on conflict (run_id, key) do update set value = excluded.value`,
    [run, last.map(({ key }) => key), last.map(({ value }) => value)],
  )
}

const quoted = (value: string): string => `'${value}'`

interface Conflict {
  readonly key: string
  readonly old_value: string
  readonly new_value: string
}

const refuseConflicts = (run: string, conflicts: readonly Conflict[], alone: boolean): void => {
  const [first] = conflicts
  if (!first) return
  if (alone) {
    refuse(
      `Changing param values is not allowed. Param with key='${first.key}' was already logged with value='${first.old_value}' for run ID='${run}'. Attempted logging new value '${first.new_value}'.`,
    )
  }
  const listed = conflicts.map(
    ({ key, old_value, new_value }) =>
      `{'key': ${quoted(key)}, 'old_value': ${quoted(old_value)}, 'new_value': ${quoted(new_value)}}`,
  )
  refuse(`Changing param values is not allowed. Params were already logged='[${listed.join(', ')}]' for run ID='${run}'.`)
}

const conflictsOf = (db: Pick<Database, 'query'>, run: string, params: readonly KeyValue[]): Promise<Conflict[]> =>
  db.query<Conflict>(
    `select p.key, p.value as old_value, n.value as new_value
       from unnest($2::text[], $3::text[]) as n(key, value) join run_param p on p.run_id = $1 and p.key = n.key
      where p.value <> n.value order by p.key`,
    [run, params.map(({ key }) => key), params.map(({ value }) => value)],
  )

const inOrder = (one: MetricPoint, other: MetricPoint): number =>
  one.step - other.step || one.timestamp - other.timestamp || stored(one.value).value - stored(other.value).value

/** The greatest by (step, timestamp, value), of each key. */
const latestByKey = (metrics: readonly MetricPoint[]): MetricPoint[] => lastByKey(metrics.toSorted(inOrder))

/** Adds columns of metric points to the parameters of a statement; what `unnest` takes. */
const unnested = (metrics: readonly MetricPoint[], values: unknown[]): string => {
  const add = (column: unknown[], type: string): string => `$${values.push(column)}::${type}[]`
  return [
    add(
      metrics.map(({ key }) => key),
      'text',
    ),
    add(
      metrics.map(({ step }) => step),
      'bigint',
    ),
    add(
      metrics.map(({ timestamp }) => timestamp),
      'bigint',
    ),
    add(
      metrics.map(({ value }) => stored(value).value),
      'float8',
    ),
    add(
      metrics.map(({ value }) => stored(value).is_nan),
      'boolean',
    ),
  ].join(', ')
}

const newer = (table: string): string =>
  `do update set step = excluded.step, timestamp = excluded.timestamp, value = excluded.value, is_nan = excluded.is_nan
    where (excluded.step, excluded.timestamp, excluded.value) > (${table}.step, ${table}.timestamp, ${table}.value)`

/** Points: exact repetitions count once, and the latest of a key is kept beside the history. */
const metricParts = (metrics: readonly MetricPoint[], values: unknown[]): string[] => [
  `points as (insert into metric (run_id, key, step, timestamp, value, is_nan)
     select written.run_id, p.* from written, unnest(${unnested(metrics, values)}) p on conflict do nothing)`,
  `latest as (insert into latest_metric as known (run_id, experiment_id, key, step, timestamp, value, is_nan)
     select written.run_id, written.experiment_id, p.* from written, unnest(${unnested(latestByKey(metrics), values)}) p
     on conflict (run_id, key) ${newer('known')})`,
]

/** Points that are about a logged model, kept beside it too: the latest of a key on a dataset. */
const modelParts = (metrics: readonly MetricPoint[], values: unknown[]): string[] => {
  const about = Map.groupBy(
    metrics.filter(({ model_id }) => model_id !== undefined),
    ({ model_id, dataset_name, dataset_digest }) => JSON.stringify([model_id, dataset_name ?? '', dataset_digest ?? '']),
  )
  return [...about].map(([of, points], index) => {
    const [model, name, digest] = (JSON.parse(of) as string[]).map((each) => `$${values.push(each)}::text`)
    return `model${index} as (
      insert into logged_model_metric as known (model_id, dataset_name, dataset_digest, run_id, key, step, timestamp, value, is_nan)
      select ${model}, ${name}, ${digest}, written.run_id, p.* from written, unnest(${unnested(latestByKey(points), values)}) p
      on conflict (model_id, run_id, key, dataset_name, dataset_digest) ${newer('known')})`
  })
}

const pairParts = (table: 'run_param' | 'run_tag', pairs: readonly KeyValue[], values: unknown[]): string => {
  const last = lastByKey(pairs)
  const keys = `$${values.push(last.map(({ key }) => key))}::text[]`
  const texts = `$${values.push(last.map(({ value }) => value))}::text[]`
  return `${table}s as (insert into ${table} as known (run_id, key, value)
    select written.run_id, p.* from written, unnest(${keys}, ${texts}) p
    on conflict (run_id, key) do update set value = excluded.value where known.value <> excluded.value)`
}

const paramsChanged = 'CP001'

/**
 * Writes a batch with one statement, so whole or not at all, under the lock of its run: writers of one run take turns and never deadlock.
 * A param that changes is refused by its table; `alone` words that as MLflow does for a request about one param. False when there is no such run, or it is deleted.
 */
export const writeBatch = async (
  db: Pick<Database, 'query'>,
  run: string,
  { metrics, params, tags }: Batch,
  { alone = false } = {},
): Promise<boolean> => {
  const values: unknown[] = [run]
  const parts = [
    ...(metrics.length > 0 ? metricParts(metrics, values) : []),
    ...modelParts(metrics, values),
    ...(params.length > 0 ? [pairParts('run_param', params, values)] : []),
    ...(tags.length > 0 ? [pairParts('run_tag', tags, values)] : []),
  ]
  const written = `written as materialized (
    select run_id, experiment_id from run where run_id = $1 and lifecycle_stage = 'active' for no key update)`
  try {
    const sql = `with ${[written, ...parts].join(', ')} select run_id from written`
    const rows = await db.query(sql, values)
    return rows.length > 0
  } catch (error) {
    if ((error as { code?: string }).code === paramsChanged) refuseConflicts(run, await conflictsOf(db, run, params), alone)
    throw error
  }
}
