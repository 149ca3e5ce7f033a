import { quoted } from '../offline/duckdb.ts'
import { tooGreat } from './partials.ts'
import { type Level, type Slot } from './window-plan.ts'

/** SQL of the tile that the event time `et` (ms) falls into. */
export const tileSql = (et: string, hop: number): string => `fdiv(${et}, ${hop})::BIGINT`

/** A row's place in the online order; compares as it does. */
export const orderSql = `{'et': et, 'av': av, 'ep': ep, 'pa': pa, 'ofs': ofs}`

const isWhole = ({ type }: Slot): boolean => type === 'int' || type === 'int32'
const column = ({ field }: Slot): string => quoted(field!)
const moderate = (slot: Slot): string => `case when abs(${column(slot)}::DOUBLE) < ${tooGreat} then ${column(slot)}::DOUBLE end`

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
export const groupedSql = ({ slots }: Level): string[] =>
  slots.flatMap((slot, index) => {
    if (slot.field === null) return [`count(*) as n${index}`]
    const of = column(slot)
    const part = moderate(slot)
    return [
      `count(${of}) as n${index}`,
      ...(slot.sum ? [`${isWhole(slot) ? `sum(${of})::DOUBLE` : `fsum(${of}::DOUBLE)`} as s${index}`] : []),
      ...(slot.spread
        ? [
            `avg(${part}) as a${index}`,
            `case when count(${part}) < count(${of}) then 'infinity'::DOUBLE else var_pop(${part}) * count(${of}) end as q${index}`,
          ]
        : []),
      ...(slot.min ? [`min(${of}) as x${index}`] : []),
      ...(slot.max ? [`max(${of}) as y${index}`] : []),
      ...(slot.last ? [`arg_max(${of}, o) as l${index}`, `max(o) filter (where ${of} is not null) as p${index}`] : []),
    ]
  })

/** SQL of the partials of a single row, in the order of `groupedSql`. `of` prefixes its columns. */
export const singleSql = ({ slots }: Level, of: string): string[] =>
  slots.flatMap((slot) => {
    if (slot.field === null) return ['1']
    const value = `${of}${column(slot)}`
    return [
      `(${value} is not null)::BIGINT`,
      ...(slot.sum ? [`${value}::DOUBLE`] : []),
      ...(slot.spread
        ? [`${value}::DOUBLE`, `case when abs(${value}::DOUBLE) < ${tooGreat} then 0 else 'infinity'::DOUBLE end`]
        : []),
      ...(slot.min ? [value] : []),
      ...(slot.max ? [value] : []),
      ...(slot.last ? [value, `case when ${value} is not null then ${of}o end`] : []),
    ]
  })
