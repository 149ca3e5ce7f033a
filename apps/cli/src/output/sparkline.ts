const bars = [...'▁▂▃▄▅▆▇█']

/**
 * Numbers as a row of bars, from 0 to the greatest of them, which is taken for `least` at the least, so that noise stays low.
 * What is not known is a dot.
 */
export function sparkline(values: readonly (number | null | undefined)[], least: number): string {
  const top = values.reduce<number>((max, value) => Math.max(max, value ?? 0), least)
  return values
    .map((value) =>
      value === null || value === undefined ? '·' : bars[Math.min(bars.length - 1, Math.floor((value / top) * bars.length))],
    )
    .join('')
}
