import { refuse } from '../wire.ts'
import { type Clause, type Comparator, type FilterSubject } from './parse-filter.ts'

/** Adds a parameter, and gives its place in the statement: no text of a client ever becomes SQL. */
export const bound = (params: unknown[], value: unknown): string => `$${params.push(value)}`

const operators: Readonly<Record<Exclude<Comparator, 'IN' | 'NOT IN'>, string>> = {
  '=': '=',
  '!=': '<>',
  '>': '>',
  '>=': '>=',
  '<': '<',
  '<=': '<=',
  LIKE: 'like',
  ILIKE: 'ilike',
}

const textual: readonly Comparator[] = ['=', '!=', 'LIKE', 'ILIKE']
const numeric: readonly Comparator[] = ['=', '!=', '>', '>=', '<', '<=']
const called: Readonly<Record<FilterSubject, string>> = {
  metric: 'metric',
  param: 'parameter',
  tag: 'tag',
  attribute: 'attributes',
  dataset: 'dataset attributes',
}

const refuseComparator = (comparator: Comparator, known: readonly Comparator[]): never =>
  refuse(`Invalid comparator '${comparator}' not one of '{${known.map((each) => `'${each}'`).join(', ')}}'`)

const shown = (value: Clause['value']): string =>
  typeof value === 'number' ? String(value) : typeof value === 'string' ? `'${value}'` : `(${value.map(shown).join(', ')})`

/** A comparison of a column of text; `lists` where IN and NOT IN are taken, too. */
export const textCondition = (
  column: string,
  { subject, comparator, value, key }: Clause,
  params: unknown[],
  { lists = false } = {},
): string => {
  if (comparator === 'IN' || comparator === 'NOT IN') {
    if (!lists)
      return refuse(`Expected a quoted string value for ${called[subject]} (e.g. 'my-value'). Got value ${shown(value)}`)
    return `${comparator === 'IN' ? '' : 'not '}${column} = any(${bound(params, value)}::text[])`
  }
  if (!textual.includes(comparator)) return refuseComparator(comparator, textual)
  if (typeof value !== 'string')
    return refuse(`Expected a quoted string value for ${called[subject]} (e.g. 'my-value'). Got value ${shown(value)}`)
  if (comparator.endsWith('LIKE') && /(?<!\\)(?:\\\\)*\\$/.test(value))
    refuse(`The pattern for '${key}' ends with a lone backslash.`)
  return `${column} ${operators[comparator]} ${bound(params, value)}`
}

/** Equality of a column of text that has an index over its first 200 characters. */
export const equalText = (column: string, clause: Clause, params: unknown[]): string => {
  const equal = textCondition(column, clause, params)
  return `left(${column}, 200) = left(${bound(params, clause.value)}::text, 200) and ${equal}`
}

/** A comparison of a column of numbers. */
export const numberCondition = (column: string, { subject, comparator, value, key }: Clause, params: unknown[]): string => {
  if (typeof value !== 'number') {
    const what = subject === 'metric' ? 'metric' : `numeric attribute: ${key}`
    return refuse(`Expected numeric value type for ${what}. Found ${shown(value)}`)
  }
  if (!numeric.includes(comparator)) return refuseComparator(comparator, numeric)
  return `${column} ${operators[comparator as '=']} ${bound(params, value)}::float8`
}
