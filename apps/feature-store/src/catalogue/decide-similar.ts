import { isInputType } from '@cascata/resources'
import { type Value } from '../feature-views/view.ts'
import { type Feature } from './features.ts'

/** How near the values of two features are, over the keys that both have. */
export interface Nearness {
  /** Common keys for which at least one of the two has a value. */
  readonly keys: number
  /** Share of them with the same value. */
  readonly equal: number
  /** The same beyond chance, Cohen's κ: 1 always, 0 as often as if they had nothing in common; null where all values are one. */
  readonly agreement: number | null
  /** Pearson's, of numbers that vary; null for others. A unit of its own, km for miles, does not change it. */
  readonly correlation: number | null
}

/** Why a feature is taken for another one. */
export type Similarity =
  { readonly feature: string; readonly by: 'definition' } | ({ readonly feature: string; readonly by: 'values' } & Nearness)

const fewestKeys = 30
const nearAgreement = 0.98
const nearCorrelation = 0.999

/** What makes two features the same under two names: topic, key, field, function and window. */
const definitionKey = ({ definition: { topic, entity, field, fn, window } }: Feature): string =>
  JSON.stringify([topic, entity.toSorted(), field, fn, window])

/** Finds features of an equal definition: for each one the ids of the others. */
export function sameDefinitions(features: readonly Feature[]): (feature: Feature) => Similarity[] {
  const groups = Map.groupBy(features, definitionKey)
  return (feature) =>
    (groups.get(definitionKey(feature)) ?? [])
      .filter(({ id }) => id !== feature.id)
      .map(({ id }) => ({ feature: id, by: 'definition' }))
}

/** Whether the values of two features can be compared: numbers with numbers, others with their own type; bytes and lists not at all. */
export const isComparable = (one: Feature['type'], other: Feature['type']): boolean =>
  (one === other && isInputType(one)) || (isNumber(one) && isNumber(other))

const isNumber = (type: Feature['type']) => type === 'int' || type === 'int32' || type === 'float' || type === 'double'

/** Measures how near two columns of values are, row by row of the same key. */
export function nearness(one: readonly Value[], other: readonly Value[]): Nearness {
  const [left, right] = [new Map<Value, number>(), new Map<Value, number>()]
  let [keys, same] = [0, 0]
  const pairs: [number, number][] = []
  one.forEach((a, row) => {
    const b = other[row]!
    if (a === null && b === null) return
    keys += 1
    if (a === b) same += 1
    left.set(a, (left.get(a) ?? 0) + 1)
    right.set(b, (right.get(b) ?? 0) + 1)
    if (typeof a === 'number' && typeof b === 'number' && Number.isFinite(a) && Number.isFinite(b)) pairs.push([a, b])
  })
  const equal = keys === 0 ? 0 : same / keys
  const chance = [...left].reduce((sum, [value, count]) => sum + (count / keys) * ((right.get(value) ?? 0) / keys), 0)
  const varies = left.size > 1 || right.size > 1
  return {
    keys,
    equal,
    agreement: keys > 0 && varies && chance < 1 ? (equal - chance) / (1 - chance) : null,
    correlation: pairs.length >= 2 && 2 * pairs.length >= keys ? pearson(pairs) : null,
  }
}

/** Pearson's correlation in two passes; null when one of the two does not vary. */
function pearson(pairs: readonly (readonly [number, number])[]): number | null {
  const meanOf = (at: 0 | 1) => pairs.reduce((sum, pair) => sum + pair[at], 0) / pairs.length
  const [meanA, meanB] = [meanOf(0), meanOf(1)]
  let [ab, aa, bb] = [0, 0, 0]
  for (const [a, b] of pairs) {
    ab += (a - meanA) * (b - meanB)
    aa += (a - meanA) ** 2
    bb += (b - meanB) ** 2
  }
  const spread = Math.sqrt(aa) * Math.sqrt(bb)
  return spread > 0 && Number.isFinite(spread) ? Math.max(-1, Math.min(1, ab / spread)) : null
}

/**
 * Whether values are so near that one feature is likely the other under another name: enough common keys, and agreement far
 * beyond chance or one straight line through all pairs. A column of one value is near to nothing.
 */
export const isNear = ({ keys, agreement, correlation }: Nearness): boolean =>
  keys >= fewestKeys &&
  ((agreement !== null && agreement >= nearAgreement) || (correlation !== null && Math.abs(correlation) >= nearCorrelation))

/** The nearest first. */
export const byNearness = (one: Nearness, other: Nearness): number => strength(other) - strength(one)

const strength = ({ agreement, correlation }: Nearness) => Math.max(agreement ?? 0, Math.abs(correlation ?? 0))
