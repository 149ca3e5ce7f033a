import { refuse } from '../wire.ts'
import { type Clause, type Ordering, parseOrder } from './parse-filter.ts'
import { bound, numberCondition, textCondition } from './sql.ts'

const attributes: Readonly<Record<string, { column: string; number: boolean }>> = {
  run_id: { column: 'r.run_id', number: false },
  run_name: { column: 'r.name', number: false },
  user_id: { column: 'r.user_id', number: false },
  status: { column: 'r.status', number: false },
  start_time: { column: 'r.start_time', number: true },
  end_time: { column: 'r.end_time', number: true },
  artifact_uri: { column: `('mlflow-artifacts:/' || r.experiment_id || '/' || r.run_id || '/artifacts')`, number: false },
}

const aliases: Readonly<Record<string, string>> = {
  created: 'start_time',
  'run name': 'run_name',
  'run id': 'run_id',
  user: 'user_id',
  duration: 'end_time',
}

const attributeOf = (key: string): { column: string; number: boolean } => {
  const name = Object.hasOwn(aliases, key.toLowerCase()) ? aliases[key.toLowerCase()]! : key
  if (Object.hasOwn(attributes, name)) return attributes[name]!
  return refuse(`Invalid attribute key '${key}' specified. Valid keys are '${Object.keys(attributes).join(', ')}'`)
}

const datasetCondition = (clause: Clause, params: unknown[]): string => {
  const inner = (column: string): string =>
    `exists (select 1 from run_input i where i.run_id = r.run_id and ${textCondition(column, clause, params)})`
  if (clause.key === 'name' || clause.key === 'digest') return inner(`i.${clause.key}`)
  if (clause.key === 'context') return inner(`(i.tags->>'mlflow.data.context')`)
  return refuse(`Invalid dataset key '${clause.key}' specified. Valid keys are 'name, digest, context'`)
}

/** A comparison as a condition on `run r`. A run without the param, tag or metric does not match, not even `!=`. */
export const runCondition = (clause: Clause, params: unknown[]): string => {
  switch (clause.subject) {
    case 'metric': {
      const key = bound(params, clause.key)
      return `exists (select 1 from latest_metric m where m.run_id = r.run_id and m.key = ${key} and not m.is_nan and ${numberCondition('m.value', clause, params)})`
    }
    case 'param':
    case 'tag': {
      const key = bound(params, clause.key)
      return `exists (select 1 from run_${clause.subject} t where t.run_id = r.run_id and t.key = ${key} and ${textCondition('t.value', clause, params)})`
    }
    case 'dataset':
      return datasetCondition(clause, params)
    case 'attribute': {
      const { column, number } = attributeOf(clause.key)
      return number ? numberCondition(column, clause, params) : textCondition(column, clause, params)
    }
  }
}

const orderOf = ({ subject, key, descending }: Ordering, params: unknown[]): string[] => {
  const direction = descending ? ' desc' : ''
  if (subject === 'metric') {
    const named = bound(params, key)
    const of = (column: string): string =>
      `(select ${column} from latest_metric m where m.run_id = r.run_id and m.key = ${named})`
    // Numbers first, then NaN, then runs without the metric, whatever the direction.
    return [`coalesce(${of('case when m.is_nan then 1 else 0 end')}, 2)`, `${of('m.value')}${direction} nulls last`]
  }
  if (subject === 'param' || subject === 'tag') {
    return [
      `(select t.value from run_${subject} t where t.run_id = r.run_id and t.key = ${bound(params, key)})${direction} nulls last`,
    ]
  }
  if (subject === 'dataset')
    return refuse(`Invalid order_by key 'dataset.${key}': runs are ordered by metrics, params, tags and attributes`)
  return [`${attributeOf(key).column}${direction} nulls last`]
}

/** The order of a search of runs: as asked, then newest first. */
export const runOrder = (orders: readonly string[], params: unknown[]): string =>
  [...orders.flatMap((order) => orderOf(parseOrder(order), params)), 'r.start_time desc', 'r.run_id'].join(', ')
