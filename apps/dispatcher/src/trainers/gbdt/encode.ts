import { columnOf, isText, type Column, type ColumnSpec, type Frame, type TextColumn } from '../../frames/frame.ts'

/** Bin of a missing number; every other bin is below. */
export const missingBin = 255
const mostBins = 254

/**
 * How a column becomes a number and the number a bin: bin b holds cuts[b−1] < x ≤ cuts[b].
 * A text's number is the rank of its category among all, ordered by the mean target; unknown ones are `other`, `''` is missing.
 */
export type Encoder = { kind: 'number'; name: string; cuts: Float32Array } | TextEncoder
export interface TextEncoder {
  kind: 'text'
  name: string
  cuts: Float32Array
  ranks: Map<string, number>
  other: number
}

/** Encoders of the features, learnt from the rows of `frame`. `order` is what categories are ordered by, one number a row. */
export function fitEncoders(
  frame: Frame,
  features: readonly ColumnSpec[],
  order: Float64Array,
  minCategoryRows: number,
): Encoder[] {
  return features.map(({ name, type }) => {
    const column = columnOf(frame, name)
    if (isText(type) && column.kind === 'text') return fitText(name, column, order, minCategoryRows)
    if (column.kind === 'text') throw new Error(`Column ${name} is text, and its type is ${type}.`)
    return { kind: 'number', name, cuts: cutsOf(column.values) }
  })
}

/** Cut points between distinct values: all of them up to 254 values, else at equal shares of the rows. */
export function cutsOf(values: Float32Array): Float32Array {
  const stride = Math.max(1, Math.floor(values.length / 200_000))
  const sorted = values.filter((value, at) => at % stride === 0 && !Number.isNaN(value)).sort()
  const cuts: number[] = []
  const distinct = countDistinct(sorted)
  const step = distinct <= mostBins ? 0 : sorted.length / mostBins
  let due = step
  for (let at = 1; at < sorted.length; at++) {
    const low = sorted[at - 1] as number
    const high = sorted[at] as number
    if (low === high || at < due) continue
    cuts.push(between(low, high))
    while (step > 0 && due <= at) due += step
  }
  return Float32Array.from(cuts.slice(0, mostBins - 1))
}

/** A float32 t with low ≤ t < high, so that `x ≤ t` in float32 parts them as the bins do. */
function between(low: number, high: number): number {
  const middle = Math.fround(low + (high - low) / 2)
  return middle >= low && middle < high ? middle : low
}

function countDistinct(sorted: Float32Array): number {
  let count = sorted.length > 0 ? 1 : 0
  for (let at = 1; at < sorted.length; at++) if (sorted[at] !== sorted[at - 1]) count++
  return count
}

/** Rows that a category's mean target is drawn towards the whole mean by: keeps rare ones in the middle. */
const smoothing = 20

function fitText(name: string, column: TextColumn, order: Float64Array, minRows: number): TextEncoder {
  const { counts, sums } = sumsByWord(column, order)
  const all = mean(sums, counts)
  const smoothed = (count: number, sum: number): number => (sum + smoothing * all) / (count + smoothing)
  const frequent = column.words
    .map((word, code) => ({ word, count: counts[code + 1] as number, sum: sums[code + 1] as number }))
    .filter(({ count }) => count >= minRows)
    .sort((a, b) => b.count - a.count || compare(a.word, b.word))
    .slice(0, mostBins - 2)
  const kept = frequent.reduce((total, { count, sum }) => ({ count: total.count + count, sum: total.sum + sum }), {
    count: 0,
    sum: 0,
  })
  const missing = { count: counts[0] as number, sum: sums[0] as number }
  const rest = { count: total(counts) - kept.count - missing.count, sum: total(sums) - kept.sum - missing.sum }
  const groups = [
    ...frequent.map(({ word, count, sum }) => ({ is: 'word' as const, word, value: smoothed(count, sum) })),
    { is: 'missing' as const, word: '', value: smoothed(missing.count, missing.sum) },
    { is: 'other' as const, word: '', value: smoothed(rest.count, rest.sum) },
  ].sort((a, b) => a.value - b.value || compare(a.is, b.is) || compare(a.word, b.word))
  const ranks = new Map(groups.flatMap(({ is, word }, rank) => (is === 'other' ? [] : [[word, rank] as const])))
  const cuts = Float32Array.from({ length: groups.length - 1 }, (_, rank) => rank + 0.5)
  return { kind: 'text', name, cuts, ranks, other: groups.findIndex(({ is }) => is === 'other') }
}

/** Index 0 is missing, code + 1 the word. */
function sumsByWord({ codes, words }: TextColumn, order: Float64Array): { counts: Float64Array; sums: Float64Array } {
  const counts = new Float64Array(words.length + 1)
  const sums = new Float64Array(words.length + 1)
  codes.forEach((code, row) => {
    counts[code + 1] = (counts[code + 1] as number) + 1
    sums[code + 1] = (sums[code + 1] as number) + (order[row] as number)
  })
  return { counts, sums }
}

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0)
const mean = (sums: Float64Array, counts: Float64Array): number => total(sums) / Math.max(total(counts), 1)
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The number that a row's value is for the trees (float32; missing numbers NaN). */
export function numbersOf(encoder: Encoder, column: Column): Float32Array {
  if (encoder.kind === 'number') {
    if (column.kind !== 'number') throw new Error(`Column ${encoder.name} is text where a number belongs.`)
    return column.values
  }
  if (column.kind !== 'text') throw new Error(`Column ${encoder.name} is a number where text belongs.`)
  const byCode = Float32Array.from(column.words, (word) => encoder.ranks.get(word) ?? encoder.other)
  const missing = encoder.ranks.get('') as number
  return Float32Array.from(column.codes, (code) => (code < 0 ? missing : (byCode[code] as number)))
}

/** Bins of all rows, one array a feature. */
export const binsOf = (frame: Frame, encoders: readonly Encoder[]): Uint8Array[] =>
  encoders.map((encoder) => {
    const { cuts } = encoder
    return Uint8Array.from(numbersOf(encoder, columnOf(frame, encoder.name)), (value) =>
      Number.isNaN(value) ? missingBin : binOf(cuts, value),
    )
  })

function binOf(cuts: Float32Array, value: number): number {
  let low = 0
  let high = cuts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (value <= (cuts[middle] as number)) high = middle
    else low = middle + 1
  }
  return low
}
