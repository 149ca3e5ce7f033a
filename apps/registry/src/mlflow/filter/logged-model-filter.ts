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
  last_updated_timestamp: { column: 'm.last_updated_time', number: true },
}

/** A comparison as a condition on `logged_model m`. */
export const loggedModelCondition = (clause: Clause, params: unknown[]): string => {
  if (clause.subject === 'param' || clause.subject === 'tag') {
    return textCondition(`(m.${clause.subject}s->>${bound(params, clause.key)}::text)`, clause, params)
  }
  if (clause.subject === 'metric') {
    const key = bound(params, clause.key)
    return `exists (select 1 from logged_model_metric t where t.model_id = m.model_id and t.key = ${key} and not t.is_nan and ${numberCondition('t.value', clause, params)})`
  }
  const found = clause.subject === 'attribute' && Object.hasOwn(attributes, clause.key) ? attributes[clause.key] : undefined
  if (!found)
    return refuse(`Invalid attribute key '${clause.key}' specified. Valid keys are '${Object.keys(attributes).join(', ')}'`)
  return found.number ? numberCondition(found.column, clause, params) : textCondition(found.column, clause, params)
}
