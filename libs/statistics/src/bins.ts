/** The finite values of a column: NaN, ±∞ and nulls are left out, as Evidently does before every measure. */
export const finite = (values: ArrayLike<number | null | undefined>): Float64Array => {
  const kept = new Float64Array(values.length)
  let n = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (typeof value === 'number' && Number.isFinite(value)) kept[n++] = value
  }
  return kept.subarray(0, n)
}

/** k of a histogram over N values: ceil(log2 N + 1) (Sturges). */
export const sturges = (n: number): number => Math.ceil(Math.log2(n) + 1)

/** `count` + 1 equally spaced edges from min to max; all values the same: half a unit to each side, as numpy does. */
export const equalWidthEdges = (min: number, max: number, count: number): Float64Array => {
  const [low, high] = min === max ? [min - 0.5, max + 0.5] : [min, max]
  const edges = new Float64Array(count + 1)
  for (let i = 0; i <= count; i++) edges[i] = low + ((high - low) * i) / count
  edges[count] = high
  return edges
}

/** The bin of a value in ascending edges, [e0, e1) … [ek-1, ek], the last closed: −1 below, k above. */
export const binOf = (edges: ArrayLike<number>, value: number): number => {
  const last = edges.length - 1
  if (value < edges[0]!) return -1
  if (value > edges[last]!) return last
  let low = 0
  let high = last
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (value >= edges[middle]!) low = middle
    else high = middle
  }
  return low
}

/** How many values fall in each bin; what lies outside of the edges is not counted. */
export const countInBins = (values: ArrayLike<number>, edges: ArrayLike<number>): Float64Array => {
  const counts = new Float64Array(edges.length - 1)
  for (let i = 0; i < values.length; i++) {
    const bin = binOf(edges, values[i]!)
    if (bin >= 0 && bin < counts.length) counts[bin]!++
  }
  return counts
}

/** Counts by distinct value, on the same list of values for both sides (sorted; numbers by size, texts by code unit). */
export const countDistinct = <T extends number | string>(reference: ArrayLike<T>, current: ArrayLike<T>) => {
  const sides = [new Map<T, number>(), new Map<T, number>()] as const
  for (const [side, values] of [reference, current].entries())
    for (let i = 0; i < values.length; i++) sides[side]!.set(values[i]!, (sides[side]!.get(values[i]!) ?? 0) + 1)
  const values = [...new Set([...sides[0].keys(), ...sides[1].keys()])].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const counted = (side: Map<T, number>) => Float64Array.from(values, (value) => side.get(value) ?? 0)
  return { values, reference: counted(sides[0]), current: counted(sides[1]) }
}

const extremes = (...columns: ArrayLike<number>[]): [number, number] => {
  let min = Infinity
  let max = -Infinity
  for (const column of columns)
    for (let i = 0; i < column.length; i++) {
      if (column[i]! < min) min = column[i]!
      if (column[i]! > max) max = column[i]!
    }
  return [min, max]
}

/**
 * Counts of two numeric columns on common bins, as Evidently 0.7 chooses them: more than 20 distinct reference values → k equal-width bins
 * over both columns, k = ceil(log2 N + 1) with N values in both together; otherwise every distinct value is a bin.
 */
export const commonBins = (
  reference: Float64Array,
  current: Float64Array,
): { reference: Float64Array; current: Float64Array } => {
  if (new Set(reference).size <= 20) return countDistinct(reference, current)
  const edges = equalWidthEdges(...extremes(reference, current), sturges(reference.length + current.length))
  return { reference: countInBins(reference, edges), current: countInBins(current, edges) }
}

/** Counts as shares of their sum; all zeros stay zeros. */
export const shares = (counts: ArrayLike<number>): Float64Array => {
  let sum = 0
  for (let i = 0; i < counts.length; i++) sum += counts[i]!
  return Float64Array.from(counts, (count) => (sum === 0 ? 0 : count / sum))
}

/** Zeros replaced as Evidently does for PSI and KL: by m/1e6 when m, the smallest share above zero, is at most 1e-4, else by 1e-4. */
export const fillZeros = (of: Float64Array): Float64Array => {
  let smallest = Infinity
  for (const share of of) if (share > 0 && share < smallest) smallest = share
  const fill = smallest <= 1e-4 ? smallest / 1e6 : 1e-4
  return of.map((share) => (share === 0 ? fill : share))
}
