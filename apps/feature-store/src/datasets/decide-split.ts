/** Shares of the rows. */
export interface SplitShares {
  readonly validation: number
  readonly holdout: number
}

/** Where the parts begin and end: `at` in [from, to), Unix ms. What lies between two parts is the embargo. */
export interface SplitBounds {
  readonly train: { readonly to: number }
  readonly validation: { readonly from: number; readonly to: number } | null
  readonly holdout: { readonly from: number } | null
}

/**
 * Splits by time: train | embargo | validation | embargo | holdout. The newest rows are the holdout; the validation's are the newest
 * of what lies before it by at least the embargo. Rows of one instant stay together.
 *
 * @param times `at` of every row, ascending, in ms.
 * @param embargo max(`within`, longest window), in ms: no label of a part reaches into the next.
 * @returns null when nothing would be left to train on.
 */
export function decideSplit(times: Float64Array, { validation, holdout }: SplitShares, embargo: number): SplitBounds | null {
  const rows = times.length
  const before = (limit: number) => lowerBound(times, limit)
  let end = rows
  let trainTo = Number.POSITIVE_INFINITY
  let holdoutFrom: number | null = null
  if (holdout > 0 && rows > 0) {
    holdoutFrom = times[Math.min(rows - 1, Math.ceil(rows * (1 - holdout)))]!
    trainTo = holdoutFrom - embargo
    end = before(trainTo)
  }
  let middle: { from: number; to: number } | null = null
  if (validation > 0) {
    if (end === 0) return null
    const from = times[Math.max(0, end - Math.max(1, Math.round(rows * validation)))]!
    middle = { from, to: trainTo }
    trainTo = from - embargo
    end = before(trainTo)
  }
  if (end === 0) return null
  return { train: { to: trainTo }, validation: middle, holdout: holdoutFrom === null ? null : { from: holdoutFrom } }
}

/** How many of the ascending values are less than `limit`. */
function lowerBound(values: Float64Array, limit: number): number {
  let low = 0
  let high = values.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (values[middle]! < limit) low = middle + 1
    else high = middle
  }
  return low
}
