import { refuse } from '../wire.ts'
import { type Clause, type Comparator } from './parse-filter.ts'

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

const textual: readonly Comparator[] = ['=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN']

/** A comparison of a column of text. */
export const textCondition = (column: string, { comparator, value, key }: Clause, params: unknown[]): string => {
  if (!textual.includes(comparator))
    return refuse(`Invalid comparator '${comparator}' for '${key}': it takes ${textual.join(', ')}`)
  if (comparator === 'IN' || comparator === 'NOT IN') {
    return `${comparator === 'IN' ? '' : 'not '}${column} = any(${bound(params, value)}::text[])`
  }
  if (typeof value !== 'string')
    return refuse(`Expected a quoted string value for '${key}' (e.g. 'my-value'). Got value ${String(value)}`)
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
export const numberCondition = (column: string, { comparator, value, key }: Clause, params: unknown[]): string => {
  if (!['=', '!=', '>', '>=', '<', '<='].includes(comparator)) {
    return refuse(`Invalid comparator '${comparator}' for '${key}': it takes =, !=, >, >=, <, <=`)
  }
  if (typeof value !== 'number') return refuse(`Expected numeric value type for '${key}'. Found ${String(value)}`)
  return `${column} ${operators[comparator as '=']} ${bound(params, value)}::float8`
}
