import { type Tx } from '@cascata/messaging'
import { type KeyValue, refuse, stored } from './wire.ts'
import { type MetricPoint } from './validate-batch.ts'

/** The last value of each key, in the order of keys: a statement must not meet a row twice, and lock rows in one order. */
const lastByKey = <Item extends { key: string }>(items: readonly Item[]): Item[] =>
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

const refuseConflicts = (run: string, conflicts: readonly { key: string; old_value: string; new_value: string }[]): void => {
  const [first] = conflicts
  if (!first) return
  if (conflicts.length === 1) {
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

/** Writes params, which never change: the same value again is fine, another one throws and so undoes the batch. */
export const logParams = async (tx: Tx, run: string, params: readonly KeyValue[]): Promise<void> => {
  if (params.length === 0) return
  const [keys, values] = [params.map(({ key }) => key), params.map(({ value }) => value)]
  const conflicts = await tx.query<{ key: string; old_value: string; new_value: string }>(
    `select p.key, p.value as old_value, n.value as new_value
       from unnest($2::text[], $3::text[]) as n(key, value) join run_param p on p.run_id = $1 and p.key = n.key
      where p.value <> n.value order by p.key`,
    [run, keys, values],
  )
  refuseConflicts(run, conflicts)
  await tx.query(
    'insert into run_param (run_id, key, value) select $1, * from unnest($2::text[], $3::text[]) on conflict do nothing',
    [run, keys, values],
  )
}

/** The greatest by (step, timestamp, value), of each key. */
const latestByKey = (metrics: readonly MetricPoint[]): MetricPoint[] =>
  lastByKey(
    metrics.toSorted(
      (one, other) =>
        one.step - other.step || one.timestamp - other.timestamp || stored(one.value).value - stored(other.value).value,
    ),
  )

const columnsOf = (metrics: readonly MetricPoint[]): unknown[] => [
  metrics.map(({ key }) => key),
  metrics.map(({ step }) => step),
  metrics.map(({ timestamp }) => timestamp),
  metrics.map(({ value }) => stored(value).value),
  metrics.map(({ value }) => stored(value).is_nan),
]

/** Writes metric points: exact repetitions count once, and the latest of a key is kept beside the history. */
export const logMetrics = async (tx: Tx, run: string, metrics: readonly MetricPoint[]): Promise<void> => {
  if (metrics.length === 0) return
  await tx.query(
    `insert into metric (run_id, key, step, timestamp, value, is_nan)
     select $1, * from unnest($2::text[], $3::bigint[], $4::bigint[], $5::float8[], $6::boolean[]) on conflict do nothing`,
    [run, ...columnsOf(metrics)],
  )
  await tx.query(
    `insert into latest_metric as latest (run_id, key, step, timestamp, value, is_nan)
     select $1, * from unnest($2::text[], $3::bigint[], $4::bigint[], $5::float8[], $6::boolean[])
     on conflict (run_id, key) do update
       set step = excluded.step, timestamp = excluded.timestamp, value = excluded.value, is_nan = excluded.is_nan
       where (excluded.step, excluded.timestamp, excluded.value) > (latest.step, latest.timestamp, latest.value)`,
    [run, ...columnsOf(latestByKey(metrics))],
  )
  const ofModels = Map.groupBy(metrics, ({ model_id }) => model_id)
  for (const [model, points] of ofModels) if (model !== undefined) await logModelMetrics(tx, model, run, points)
}

const logModelMetrics = async (tx: Tx, model: string, run: string, points: readonly MetricPoint[]): Promise<void> => {
  await tx.query(
    `insert into logged_model_metric as latest (model_id, run_id, key, step, timestamp, value, is_nan)
     select $1, $2, * from unnest($3::text[], $4::bigint[], $5::bigint[], $6::float8[], $7::boolean[])
     on conflict (model_id, run_id, key) do update
       set step = excluded.step, timestamp = excluded.timestamp, value = excluded.value, is_nan = excluded.is_nan
       where (excluded.step, excluded.timestamp, excluded.value) > (latest.step, latest.timestamp, latest.value)`,
    [model, run, ...columnsOf(latestByKey(points))],
  )
}
