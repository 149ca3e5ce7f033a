import { type Dialect, duckdb } from '../offline/dialects.ts'
import { tooGreat } from './partials.ts'
import { type Level, type Slot } from './window-plan.ts'

const isWhole = ({ type }: Slot): boolean => type === 'int' || type === 'int32'
const double = (value: string): string => `cast(${value} as double)`
const beyond = double(`'infinity'`)
const moderate = (column: string): string => `case when abs(${double(column)}) < ${tooGreat} then ${double(column)} end`

/** Names of the columns of a slot's partials, by its place in the level. */
export const partialNames = (slot: Slot, index: number): string[] => [
  `n${index}`,
  ...(slot.sum ? [`s${index}`] : []),
  ...(slot.spread ? [`a${index}`, `q${index}`] : []),
  ...(slot.min ? [`x${index}`] : []),
  ...(slot.max ? [`y${index}`] : []),
  ...(slot.last ? [`l${index}`, `p${index}`] : []),
]

/** SQL of the partials of a group of rows: count, sum, mean and sum of squared deviations, least, greatest, last and its place `o`. */
export const groupedSql = ({ slots }: Level, { quoted, sum, wholeSum, valueAtGreatest }: Dialect = duckdb): string[] =>
  slots.flatMap((slot, index) => {
    if (slot.field === null) return [`count(*) as n${index}`]
    const of = quoted(slot.field)
    const part = moderate(of)
    return [
      `count(${of}) as n${index}`,
      ...(slot.sum ? [`${isWhole(slot) ? wholeSum(of) : sum(double(of))} as s${index}`] : []),
      ...(slot.spread
        ? [
            `avg(${part}) as a${index}`,
            `case when count(${part}) < count(${of}) then ${beyond} else var_pop(${part}) * count(${of}) end as q${index}`,
          ]
        : []),
      ...(slot.min ? [`min(${of}) as x${index}`] : []),
      ...(slot.max ? [`max(${of}) as y${index}`] : []),
      ...(slot.last ? [`${valueAtGreatest(of, 'o')} as l${index}`, `max(o) filter (where ${of} is not null) as p${index}`] : []),
    ]
  })

/** SQL of the partials of a single row, in the order of `groupedSql`. `of` prefixes its columns. */
export const singleSql = ({ slots }: Level, of: string, { quoted }: Dialect = duckdb): string[] =>
  slots.flatMap((slot) => {
    if (slot.field === null) return ['1']
    const value = `${of}${quoted(slot.field)}`
    return [
      `cast(${value} is not null as bigint)`,
      ...(slot.sum ? [double(value)] : []),
      ...(slot.spread
        ? [double(value), `case when abs(${double(value)}) < ${tooGreat} then ${double('0')} else ${beyond} end`]
        : []),
      ...(slot.min ? [value] : []),
      ...(slot.max ? [value] : []),
      ...(slot.last ? [value, `case when ${value} is not null then ${of}o end`] : []),
    ]
  })
