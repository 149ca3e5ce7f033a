import { type FieldType } from '@cascata/resources'
import { type Value } from '../feature-views/view.ts'
import { compareOnline, type OnlinePosition } from '../online/online-order.ts'
import { type Slot, type WindowFeature } from './window-plan.ts'

/** What is known of a slot's values in a tile, or in several: mergeable in any order. */
export interface Partial {
  count: number
  /** The sum is the unevaluated sum of two doubles: cancellation and integers beyond 2^53 cost nothing. */
  sum: number
  rest: number
  /** By Welford's and Chan's formulas, which do not cancel. */
  mean: number
  squares: number
  min: number | bigint
  max: number | bigint
  last: { readonly position: OnlinePosition; readonly value: Value } | null
}

/** Values this great have no standard deviation: their squares would leave the range of a double, which SQL refuses to compute. */
export const tooGreat = 1e140

export const noPartial = (): Partial => ({
  count: 0,
  sum: 0,
  rest: 0,
  mean: 0,
  squares: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
  last: null,
})

/** Adds `high + low` to the sum: Knuth's TwoSum, then normalised. What overflows stays infinite. */
export function addToSum(partial: Pick<Partial, 'sum' | 'rest'>, high: number, low: number): void {
  const sum = partial.sum + high
  const part = sum - partial.sum
  const rest = partial.sum - (sum - part) + (high - part) + partial.rest + low
  const exact = Number.isFinite(sum)
  partial.sum = exact ? sum + rest : sum
  partial.rest = exact ? rest - (partial.sum - sum) : 0
}

/** Adds a value, or a row for a slot of rows. Nulls are skipped. */
export function addValue(slot: Slot, partial: Partial, value: Value, position: OnlinePosition): void {
  if (slot.field === null) {
    partial.count += 1
    return
  }
  if (value === null) return
  partial.count += 1
  if (slot.sum || slot.spread) addNumber(slot, partial, value as number | bigint)
  if (slot.min && (value as number) < partial.min) partial.min = value as number
  if (slot.max && (value as number) > partial.max) partial.max = value as number
  if (slot.last && (!partial.last || compareOnline(position, partial.last.position) > 0)) partial.last = { position, value }
}

function addNumber(slot: Slot, partial: Partial, value: number | bigint): void {
  const number = Number(value)
  if (slot.sum) addToSum(partial, number, typeof value === 'bigint' ? Number(value - BigInt(number)) : 0)
  if (!slot.spread) return
  const away = number - partial.mean
  partial.mean += away / partial.count
  partial.squares = Math.abs(number) < tooGreat ? partial.squares + away * (number - partial.mean) : Number.POSITIVE_INFINITY
}

/** Merges `other` into `partial`. */
export function mergePartial(slot: Slot, partial: Partial, other: Partial): void {
  if (other.count === 0) return
  const count = partial.count + other.count
  if (slot.sum) addToSum(partial, other.sum, other.rest)
  if (slot.spread) {
    const away = other.mean - partial.mean
    partial.squares += other.squares + ((away * away * partial.count) / count) * other.count
    partial.mean += (away * other.count) / count
  }
  if (slot.min && other.min < partial.min) partial.min = other.min
  if (slot.max && other.max > partial.max) partial.max = other.max
  if (slot.last && other.last && (!partial.last || compareOnline(other.last.position, partial.last.position) > 0))
    partial.last = other.last
  partial.count = count
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)

/** The value of an aggregate. None, or one beyond the range of a double, is null; a count is never. */
export function aggregateOf(fn: WindowFeature['fn'], partial: Partial): Value {
  if (fn === 'count') return partial.count
  if (partial.count === 0) return null
  switch (fn) {
    case 'sum':
      return finite(partial.sum)
    case 'mean':
      return finite(partial.sum / partial.count + partial.rest / partial.count)
    case 'stddev':
      return finite(Math.sqrt(Math.max(0, partial.squares) / partial.count))
    case 'min':
      return partial.min
    case 'max':
      return partial.max
    case 'last':
      return partial.last?.value ?? null
  }
}

/** How the value of a `last` is kept: as text, whatever its type. */
export const lastText = (value: Value): string => String(value)

/** The inverse of `lastText`. */
export function lastValue(text: string, type: FieldType): Value {
  if (type === 'string') return text
  if (type === 'bool') return text === 'true'
  const number = Number(text)
  return type === 'int' && !Number.isSafeInteger(number) ? BigInt(text) : number
}
