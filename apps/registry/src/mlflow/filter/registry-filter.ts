import { refuse } from '../wire.ts'
import { type Clause } from './parse-filter.ts'
import { bound, numberCondition, textCondition } from './sql.ts'

/** A comparison of a tag in which a missing tag is unequal to everything: so clients leave prompts out. */
const tagCondition = (tags: string, clause: Clause, params: unknown[]): string => {
  const key = bound(params, clause.key)
  const asked = clause.comparator === '!=' ? { ...clause, comparator: '=' as const } : clause
  const matching = `exists (select 1 from ${tags} and t.key = ${key} and ${textCondition('t.value', asked, params)})`
  return clause.comparator === '!=' ? `not ${matching}` : matching
}

/** A comparison as a condition on `registered_model m`. */
export const modelCondition = (clause: Clause, params: unknown[]): string => {
  if (clause.subject === 'tag') return tagCondition('registered_model_tag t where t.name = m.name', clause, params)
  if (clause.subject === 'attribute' && clause.key === 'name') return textCondition('m.name', clause, params)
  return refuse(`Invalid attribute name: ${clause.key}`)
}

const versionColumns: Readonly<Record<string, string>> = { name: 'm.name', run_id: 'v.run', source_path: 'v.source' }

/** A comparison as a condition on `model_version v` and its `registered_model m`. */
export const versionCondition = (clause: Clause, params: unknown[]): string => {
  if (clause.subject === 'tag') {
    return tagCondition(
      'model_version_tag t where t.namespace = v.namespace and t.model = v.model and t.version = v.version',
      clause,
      params,
    )
  }
  if (clause.subject !== 'attribute') return refuse(`Invalid entity type '${clause.subject}'. Valid values are attribute, tag`)
  if (clause.key === 'version_number') return numberCondition('v.version', clause, params)
  const column = Object.hasOwn(versionColumns, clause.key) ? versionColumns[clause.key]! : undefined
  return column
    ? textCondition(column, clause, params, { lists: clause.key === 'run_id' })
    : refuse(`Invalid attribute name: ${clause.key}`)
}
