import { type Clause, type Ordering } from './parse-filter.ts'
import { runAttribute, runCondition } from './run-filter.ts'
import { bound, numberCondition } from './sql.ts'
import { refuse } from '../wire.ts'

/** A column of the order. Nulls come last, whatever the direction. */
interface SortKey {
  readonly column: string
  readonly type: 'float8' | 'bigint' | 'text'
  readonly descending: boolean
  readonly nullable: boolean
}

/**
 * A search walks through its phases, one after the other. Ordered by a metric first: the runs with a number, then those with NaN, then those
 * without the metric. So the database can read the first phase off the index, and most pages need no other one.
 */
export type Phase = 'all' | 'number' | 'nan' | 'missing'

/** The place after which a page begins: the phase and the sort keys of the last run before it. */
export interface Place {
  readonly phase: Phase
  readonly keys: readonly (string | number | null)[]
}

export interface RunSearch {
  readonly experiments: readonly string[]
  readonly stages: readonly string[]
  readonly clauses: readonly Clause[]
  readonly orders: readonly Ordering[]
}

/** A statement that answers `run_id` and the sort keys `k0`, `k1`, … */
export interface PageQuery {
  readonly sql: string
  readonly params: unknown[]
}

const metricFirst = ({ orders }: RunSearch): string | undefined => (orders[0]?.subject === 'metric' ? orders[0].key : undefined)

/** The phases of a search. A filter on the metric that orders lets only numbers through. */
export const phasesOf = (search: RunSearch): readonly Phase[] => {
  const key = metricFirst(search)
  if (key === undefined) return ['all']
  const filtered = search.clauses.some((clause) => clause.subject === 'metric' && clause.key === key)
  return filtered ? ['number'] : ['number', 'nan', 'missing']
}

/** Joins and sort keys of one ordering that is not the metric of the phase. */
const sortBy = ({ subject, key, descending }: Ordering, index: number, params: unknown[]): { join: string; keys: SortKey[] } => {
  if (subject === 'attribute') {
    const { column, type, nullable } = runAttribute(key)
    return { join: '', keys: [{ column, type, descending, nullable }] }
  }
  if (subject === 'dataset') return refuse(`Invalid identifier type 'dataset'`)
  const alias = `o${index}`
  const table = subject === 'metric' ? 'latest_metric' : `run_${subject}`
  const join = `left join ${table} ${alias} on ${alias}.run_id = r.run_id and ${alias}.key = ${bound(params, key)}`
  if (subject !== 'metric') return { join, keys: [{ column: `${alias}.value`, type: 'text', descending, nullable: true }] }
  const rank = `case when ${alias}.run_id is null then 2 when ${alias}.is_nan then 1 else 0 end`
  const value = `case when not ${alias}.is_nan then ${alias}.value end`
  return {
    join,
    keys: [
      { column: `(${rank})::bigint`, type: 'bigint', descending: false, nullable: false },
      { column: `(${value})`, type: 'float8', descending, nullable: true },
    ],
  }
}

const always: readonly SortKey[] = [
  { column: 'r.start_time', type: 'bigint', descending: true, nullable: false },
  { column: 'r.run_id', type: 'text', descending: false, nullable: false },
]

const direction = ({ descending }: SortKey): string => (descending ? 'desc nulls last' : 'asc nulls last')

/** Ascending order has its nulls last by itself, and a key without nulls needs no word: said only where it counts, as an index is read by its own order. */
const ordered = (key: SortKey, as: string): string =>
  key.nullable ? `${as} ${direction(key)}` : `${as}${key.descending ? ' desc' : ''}`

/** That a run comes after a place, in an order of mixed directions; the first key alone again, as a range that an index can start at. */
const after = (keys: readonly SortKey[], place: Place['keys'], params: unknown[]): string => {
  const values = keys.map(({ type }, index) => `${bound(params, place[index])}::${type}`)
  const beyond = (key: SortKey, index: number): string => {
    if (place[index] === null) return 'false'
    const strictly = `${key.column} ${key.descending ? '<' : '>'} ${values[index]}`
    return key.nullable ? `(${strictly} or ${key.column} is null)` : strictly
  }
  const same = (key: SortKey, index: number): string =>
    key.nullable ? `${key.column} is not distinct from ${values[index]}` : `${key.column} = ${values[index]}`
  const cases = keys.map((key, index) => [...keys.slice(0, index).map(same), beyond(key, index)].join(' and '))
  const first = keys[0]!
  const range = first.nullable ? [] : [`${first.column} ${first.descending ? '<=' : '>='} ${values[0]}`]
  return [...range, `(${cases.map((each) => `(${each})`).join(' or ')})`].join(' and ')
}

/** How a phase reaches the metric that orders it. */
const phaseParts = (search: RunSearch, phase: Phase, params: unknown[]): { join: string; where: string[]; keys: SortKey[] } => {
  const key = metricFirst(search)
  if (phase === 'all' || key === undefined) return { join: '', where: [], keys: [] }
  const on = `f.run_id = r.run_id and f.experiment_id = e.id and f.key = ${bound(params, key)}`
  if (phase === 'missing') return { join: '', where: [`not exists (select 1 from latest_metric f where ${on})`], keys: [] }
  const join = `join latest_metric f on ${on} and ${phase === 'nan' ? 'f.is_nan' : 'not f.is_nan'}`
  if (phase === 'nan') return { join, where: [], keys: [] }
  return {
    join,
    where: [],
    keys: [{ column: 'f.value', type: 'float8', descending: search.orders[0]!.descending, nullable: false }],
  }
}

const conditionsOf = (search: RunSearch, phase: Phase, params: unknown[]): string[] =>
  search.clauses.map((clause) =>
    phase === 'number' && clause.subject === 'metric' && clause.key === metricFirst(search)
      ? numberCondition('f.value', clause, params)
      : runCondition(clause, params),
  )

const isOfType = (value: string | number | null | undefined, { type, nullable }: SortKey): boolean => {
  if (value === null) return nullable
  if (type === 'float8') return typeof value === 'number'
  if (typeof value !== 'string') return false
  return type === 'text' ? !value.includes('\0') : /^-?\d{1,18}$/.test(value)
}

/** A statement for the next runs of a phase, at most `limit`, after a place if there is one. Pure. Throws `INVALID_PARAMETER_VALUE`. */
export const pageQuery = (search: RunSearch, phase: Phase, place: Place | undefined, limit: number): PageQuery => {
  const params: unknown[] = [search.experiments, search.stages]
  const { join, where, keys: leading } = phaseParts(search, phase, params)
  const rest = (metricFirst(search) === undefined ? search.orders : search.orders.slice(1)).map((order, index) =>
    sortBy(order, index, params),
  )
  const keys = [...leading, ...rest.flatMap((each) => each.keys), ...always]
  const conditions = ['r.experiment_id = e.id', 'r.lifecycle_stage = any($2)', ...where, ...conditionsOf(search, phase, params)]
  if (place) {
    if (place.keys.length !== keys.length || !keys.every((key, index) => isOfType(place.keys[index], key)))
      return refuse('Invalid page token, could not base64-decode')
    conditions.push(after(keys, place.keys, params))
  }
  const names = keys.map((_, index) => `k${index}`)
  // `found.*` keeps the statement from being prepared: a plan for any filter is a bad one for a filter that few runs pass.
  const sql = `select found.* from unnest($1::bigint[]) e(id) cross join lateral (
      select r.run_id, ${keys.map(({ column }, index) => `${column} as ${names[index]}`).join(', ')}
        from run r ${[join, ...rest.map((each) => each.join)].join(' ')}
       where ${conditions.join(' and ')}
       order by ${keys.map((key) => ordered(key, key.column)).join(', ')} limit ${limit}) found
    order by ${keys.map((key, index) => ordered(key, names[index]!)).join(', ')} limit ${limit}`
  return { sql, params }
}
