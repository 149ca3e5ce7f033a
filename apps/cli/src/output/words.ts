/** `2001-01-14T09:30:05.123Z` → `2001-01-14 09:30:05` */
export const showTime = (iso: string | number | null | undefined): string => {
  if (iso === null || iso === undefined) return '–'
  const date = new Date(iso)
  return Number.isNaN(date.getTime()) ? String(iso) : date.toISOString().slice(0, 19).replace('T', ' ')
}

/** How long, in two units at most: 93500 → `1m 33s`, 420 → `420ms`. */
export function showSpan(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}m`
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3600)}h`
}

/** 1234567 → `1,234,567` */
export const showCount = (count: number | null | undefined): string =>
  count === null || count === undefined ? '–' : count.toLocaleString('en-US')

/** A number as far as it tells something: 0.71234 → `0.7123`. */
export const showNumber = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : Number.isInteger(value) ? showCount(value) : String(Number(value.toPrecision(4)))

/** 0.25 → `25%` */
export const showShare = (share: number | null | undefined): string =>
  share === null || share === undefined ? '–' : `${Number((share * 100).toPrecision(4))}%`
