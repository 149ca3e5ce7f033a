/** A stretch of history to train on, ending with the newest training row; `null` is all of it. */
export interface Window {
  ms: number | null
  /** First observation time, ms since 1970. */
  from: number
  rows: number
}

/** Fewer rows than this are not worth a try. */
const fewestRows = 1_000
const shortest = 24 * 3_600_000

/**
 * Windows worth trying: all of the history, and its newest half, quarter and eighth, as long as they hold enough rows.
 *
 * @param at Observation times of the training rows, ms.
 */
export function candidateWindows(at: Float64Array): Window[] {
  const { first, last } = spanOf(at)
  const all: Window = { ms: null, from: first, rows: at.length }
  return [1 / 2, 1 / 4, 1 / 8].reduce(
    (windows, share) => {
      const ms = Math.round((last - first) * share)
      const window = { ms, from: last - ms, rows: at.reduce((count, each) => count + (each >= last - ms ? 1 : 0), 0) }
      return ms >= shortest && window.rows >= fewestRows ? [...windows, window] : windows
    },
    [all],
  )
}

/** The window of the same length, ending with the newest of these rows. */
export function sameWindow(at: Float64Array, ms: number | null): Window {
  const { first, last } = spanOf(at)
  const from = ms === null ? first : last - ms
  return { ms, from, rows: at.reduce((count, each) => count + (each >= from ? 1 : 0), 0) }
}

export function rowsWithin(at: Float64Array, { from }: Window): Int32Array {
  const rows = new Int32Array(at.length)
  let count = 0
  for (let row = 0; row < at.length; row++) if ((at[row] as number) >= from) rows[count++] = row
  return rows.slice(0, count)
}

function spanOf(at: Float64Array): { first: number; last: number } {
  let first = Infinity
  let last = -Infinity
  for (const each of at) {
    if (each < first) first = each
    if (each > last) last = each
  }
  return { first, last }
}

/**
 * Which window to keep, by the losses of the same validation rows. More history wins unless a shorter window is better
 * by more than one standard error of the paired differences; so noise does not throw rows away.
 *
 * @param losses Loss of each validation row, one array a window, the longest window first.
 * @returns Index of the window.
 */
export function chooseWindow(losses: readonly Float64Array[]): number {
  let kept = 0
  losses.forEach((tried, index) => {
    if (index > 0 && betterBy(losses[kept] as Float64Array, tried) > 1) kept = index
  })
  return kept
}

/** Mean gain of `tried` over `kept` in standard errors. */
function betterBy(kept: Float64Array, tried: Float64Array): number {
  const n = kept.length
  if (n < 2) return 0
  let sum = 0
  let squares = 0
  for (let row = 0; row < n; row++) {
    const gain = (kept[row] as number) - (tried[row] as number)
    sum += gain
    squares += gain * gain
  }
  const average = sum / n
  const deviation = Math.sqrt(Math.max(squares / n - average * average, 0) / n)
  return deviation > 0 ? average / deviation : average > 0 ? Infinity : 0
}
