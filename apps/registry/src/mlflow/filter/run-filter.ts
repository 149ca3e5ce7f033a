import { refuse } from '../wire.ts'
import { type Clause } from './parse-filter.ts'
import { bound, equalText, numberCondition, textCondition } from './sql.ts'

const attributes: Readonly<Record<string, { column: string; type: 'text' | 'bigint'; nullable: boolean }>> = {
  run_id: { column: 'r.run_id', type: 'text', nullable: false },
  run_name: { column: 'r.name', type: 'text', nullable: false },
  user_id: { column: 'r.user_id', type: 'text', nullable: false },
  status: { column: 'r.status', type: 'text', nullable: false },
  start_time: { column: 'r.start_time', type: 'bigint', nullable: false },
  end_time: { column: 'r.end_time', type: 'bigint', nullable: true },
  artifact_uri: {
    column: `('mlflow-artifacts:/' || r.experiment_id || '/' || r.run_id || '/artifacts')`,
    type: 'text',
    nullable: false,
  },
}

const aliases: Readonly<Record<string, string>> = {
  created: 'start_time',
  'run name': 'run_name',
  'run id': 'run_id',
  user: 'user_id',
}

/** An attribute of a run by any of its names, as a column of `run r`. */
export const runAttribute = (key: string): (typeof attributes)[string] => {
  const name = Object.hasOwn(aliases, key.toLowerCase()) ? aliases[key.toLowerCase()]! : key
  if (Object.hasOwn(attributes, name)) return attributes[name]!
  return refuse(
    `Invalid attribute key '${key}' specified. Valid keys are '{${Object.keys(attributes)
      .map((each) => `'${each}'`)
      .join(', ')}}'`,
  )
}

const datasetCondition = (clause: Clause, params: unknown[]): string => {
  const inner = (column: string): string =>
    `exists (select 1 from run_input i where i.run_id = r.run_id and ${textCondition(column, clause, params, { lists: true })})`
  if (clause.key === 'name' || clause.key === 'digest') return inner(`i.${clause.key}`)
  if (clause.key === 'context') return inner(`(i.tags->>'mlflow.data.context')`)
  return refuse(`Invalid dataset key '${clause.key}' specified. Valid keys are '{'name', 'digest', 'context'}'`)
}

/** A comparison as a condition on `run r`. A run without the param, tag or metric does not match, not even `!=`. */
export const runCondition = (clause: Clause, params: unknown[]): string => {
  switch (clause.subject) {
    case 'metric': {
      const key = bound(params, clause.key)
      return `exists (select 1 from latest_metric m where m.run_id = r.run_id and m.experiment_id = r.experiment_id and m.key = ${key} and not m.is_nan and ${numberCondition('m.value', clause, params)})`
    }
    case 'param':
    case 'tag': {
      const key = bound(params, clause.key)
      const holds = clause.comparator === '=' ? equalText('t.value', clause, params) : textCondition('t.value', clause, params)
      return `exists (select 1 from run_${clause.subject} t where t.run_id = r.run_id and t.key = ${key} and ${holds})`
    }
    case 'dataset':
      return datasetCondition(clause, params)
    case 'attribute': {
      const { column, type } = runAttribute(clause.key)
      if (type === 'bigint') return numberCondition(column, clause, params)
      const lists = column === 'r.run_id'
      if (!lists && (clause.comparator === 'IN' || clause.comparator === 'NOT IN'))
        return refuse(`Only ['run_id'] attributes support comparison with a list of quoted string values.`)
      return textCondition(column, clause, params, { lists })
    }
  }
}
