import { refuse } from '../wire.ts'
import { type Clause, parseOrder } from './parse-filter.ts'
import { bound, numberCondition, textCondition } from './sql.ts'

const columns: Readonly<Record<string, { column: string; number: boolean }>> = {
  experiment_id: { column: 'id', number: true },
  name: { column: 'name', number: false },
  creation_time: { column: 'creation_time', number: true },
  last_update_time: { column: 'last_update_time', number: true },
}

const columnOf = (key: string): { column: string; number: boolean } =>
  Object.hasOwn(columns, key)
    ? columns[key]!
    : refuse(`Invalid attribute key '${key}' specified. Valid keys are '${Object.keys(columns).join(', ')}'`)

/** A comparison as a condition on `experiment`. */
export const experimentCondition = (clause: Clause, params: unknown[]): string => {
  if (clause.subject === 'tag') {
    const key = bound(params, clause.key)
    return `exists (select 1 from experiment_tag t where t.experiment_id = id and t.key = ${key} and ${textCondition('t.value', clause, params)})`
  }
  if (clause.subject !== 'attribute') return refuse(`Invalid entity type '${clause.subject}'. Valid values are attribute, tag`)
  const { column, number } = columnOf(clause.key)
  return number ? numberCondition(column, clause, params) : textCondition(column, clause, params)
}

/** The order of a search: as asked, then newest first. */
export const experimentOrder = (orders: readonly string[]): string =>
  [
    ...orders.map(parseOrder).map(({ key, descending }) => `${columnOf(key).column}${descending ? ' desc' : ''}`),
    'creation_time desc',
    'id desc',
  ].join(', ')
