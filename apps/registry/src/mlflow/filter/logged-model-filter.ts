import { refuse } from '../wire.ts'
import { type Clause } from './parse-filter.ts'
import { bound, numberCondition, textCondition } from './sql.ts'

const attributes: Readonly<Record<string, { column: string; number: boolean }>> = {
  name: { column: 'm.name', number: false },
  model_id: { column: 'm.model_id', number: false },
  model_type: { column: 'm.model_type', number: false },
  status: { column: `replace(m.status, 'LOGGED_MODEL_', '')`, number: false },
  source_run_id: { column: 'm.source_run_id', number: false },
  creation_timestamp: { column: 'm.creation_time', number: true },
  creation_time: { column: 'm.creation_time', number: true },
  creation_timestamp_ms: { column: 'm.creation_time', number: true },
  last_updated_timestamp: { column: 'm.last_updated_time', number: true },
  last_updated_timestamp_ms: { column: 'm.last_updated_time', number: true },
}

/** A dataset that a metric was measured on, as far as it is named. */
export interface MeasuredOn {
  readonly dataset_name?: string | undefined
  readonly dataset_digest?: string | undefined
}

const onDataset = ({ dataset_name, dataset_digest }: MeasuredOn, params: unknown[]): string =>
  [
    'true',
    ...(dataset_name ? [`t.dataset_name = ${bound(params, dataset_name)}`] : []),
    ...(dataset_digest ? [`t.dataset_digest = ${bound(params, dataset_digest)}`] : []),
  ].join(' and ')

/** A comparison as a condition on `logged_model m`; metrics count that were measured on one of the datasets, if any are named. */
export const loggedModelCondition = (clause: Clause, datasets: readonly MeasuredOn[], params: unknown[]): string => {
  if (clause.subject === 'param' || clause.subject === 'tag') {
    return textCondition(`(m.${clause.subject}s->>${bound(params, clause.key)}::text)`, clause, params)
  }
  if (clause.subject === 'metric') {
    const key = bound(params, clause.key)
    const measured = datasets.length === 0 ? 'true' : `(${datasets.map((each) => onDataset(each, params)).join(' or ')})`
    return `exists (select 1 from logged_model_metric t where t.model_id = m.model_id and t.key = ${key} and ${measured} and not t.is_nan and ${numberCondition('t.value', clause, params)})`
  }
  const found = clause.subject === 'attribute' && Object.hasOwn(attributes, clause.key) ? attributes[clause.key] : undefined
  if (!found)
    return refuse(`Invalid attribute key '${clause.key}' specified. Valid keys are '${Object.keys(attributes).join(', ')}'`)
  return found.number ? numberCondition(found.column, clause, params) : textCondition(found.column, clause, params)
}

/** One entry of `order_by`: an attribute, or `metrics.<key>`, of which the newest value counts. */
export const loggedModelOrder = (
  { field_name, ascending, ...measured }: MeasuredOn & { field_name: string; ascending: boolean },
  params: unknown[],
): string => {
  const direction = `${ascending ? '' : ' desc'} nulls last`
  if (!field_name.includes('.')) {
    if (!Object.hasOwn(attributes, field_name)) return refuse(`Invalid order by field name: ${field_name}`)
    return `${attributes[field_name]!.column}${direction}`
  }
  const [entity, ...rest] = field_name.split('.')
  if (entity !== 'metrics') return refuse(`Invalid order by field name: ${field_name}. Only metrics are supported.`)
  const key = bound(params, rest.join('.'))
  const value = `(select case when not t.is_nan then t.value end from logged_model_metric t
    where t.model_id = m.model_id and t.key = ${key} and ${onDataset(measured, params)} order by t.timestamp desc, t.step desc, t.run_id limit 1)`
  return `${value}${direction}`
}
