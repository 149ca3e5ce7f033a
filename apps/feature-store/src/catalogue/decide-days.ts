import { type Segment } from '../offline/segments.store.ts'

export const dayMs = 86_400_000

/** Days of event time (UTC), one after the other, of which rows are sampled. */
export interface Days<Part> {
  /** Begin of the first one, Unix ms. */
  readonly from: number
  /** One a day: of its rows every how many-th, by their hash. */
  readonly parts: readonly number[]
  /** Where the rows lie, each segment once. */
  readonly segments: readonly Part[]
}

type Spread = Pick<Segment, 'position' | 'rows' | 'eventTime'>

/** How many rows of a segment may lie in a day, when they are spread evenly over its time. */
function rowsIn({ rows, eventTime }: Spread, day: number): number {
  if (!eventTime || eventTime.min >= day + dayMs || eventTime.max < day) return 0
  const overlap = Math.min(eventTime.max + 1, day + dayMs) - Math.max(eventTime.min, day)
  return (rows * overlap) / (eventTime.max + 1 - eventTime.min)
}

/**
 * The last days of a view, up to its newest event time, and where about `rows` rows of each are found: in the newest segments
 * that have as many. Null where no row is.
 */
export function lastDays<Part extends Spread>(
  segments: readonly Part[],
  { days, rows }: { days: number; rows: number },
): Days<Part> | null {
  const times = segments.flatMap(({ eventTime }) => (eventTime ? [eventTime] : []))
  if (times.length === 0) return null
  const newest = times.reduce((max, time) => Math.max(max, time.max), -Infinity)
  const from = (Math.floor(newest / dayMs) - days + 1) * dayMs
  const ordered = segments.toSorted((a, b) => b.position - a.position)
  const taken = new Set<Part>()
  const parts = Array.from({ length: days }, (_, index) => {
    let found = 0
    for (const segment of ordered) {
      if (found >= rows) break
      const own = rowsIn(segment, from + index * dayMs)
      if (own > 0) taken.add(segment)
      found += own
    }
    return found
  })
  // A segment that one day takes has rows of others too, which are not to be more than those that they have taken themselves.
  const among = [...taken]
  return {
    from,
    segments: among,
    parts: parts.map((_, index) => {
      const found = among.reduce((sum, segment) => sum + rowsIn(segment, from + index * dayMs), 0)
      return Math.max(1, Math.ceil(found / rows))
    }),
  }
}
