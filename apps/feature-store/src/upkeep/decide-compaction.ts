import { type Segment } from '../offline/segments.store.ts'

/** What is looked at of a segment. */
export type Candidate = Pick<Segment, 'position' | 'bytes' | 'compacted' | 'erasures' | 'eventTime' | 'ingestedAt'>

export interface CompactionRules {
  /** A segment younger than this is left alone, in ms: what follows flushes has read it by then. */
  readonly settleAfter: number
  /** So many small segments are merged … */
  readonly minFiles: number
  /** … or any that are so old, in ms. */
  readonly maxAge: number
  /** A file as large as this is large enough. */
  readonly targetBytes: number
  /** Bytes that are read for one merge, at most. */
  readonly maxBytes: number
}

export const compactionRules: CompactionRules = {
  settleAfter: 60_000,
  minFiles: 32,
  maxAge: 60 * 60_000,
  targetBytes: 64 * 1024 ** 2,
  maxBytes: 256 * 1024 ** 2,
}

export interface Compaction<S> {
  readonly why: 'erased' | 'small'
  readonly inputs: readonly S[]
}

const dayMs = 86_400_000

/**
 * What to merge next of a view's segments; null: nothing.
 *
 * Those that may hold erased entities come first. Small ones are merged once they are many or old, together with the merged ones of the
 * same days that are still small: so the files of a day become few, and a row is written again a few times only.
 *
 * @param erasures How many entities of the view were erased.
 */
export function decideCompaction<S extends Candidate>(
  segments: readonly S[],
  erasures: number,
  now: number,
  rules: CompactionRules,
): Compaction<S> | null {
  const stale = segments.filter((segment) => segment.erasures < erasures)
  if (stale.length > 0) return { why: 'erased', inputs: upTo(rules.maxBytes, stale) }

  const small = segments.filter(
    ({ compacted, bytes, ingestedAt }) => !compacted && bytes < rules.targetBytes && now - ingestedAt >= rules.settleAfter,
  )
  const oldest = Math.min(...small.map(({ ingestedAt }) => ingestedAt))
  if (small.length < 2 || (small.length < rules.minFiles && now - oldest < rules.maxAge)) return null
  const taken = upTo(rules.maxBytes, small)
  const days = new Set(taken.flatMap(daysOf))
  const partners = segments.filter(
    (segment) => segment.compacted && segment.bytes < rules.targetBytes && daysOf(segment).some((day) => days.has(day)),
  )
  return { why: 'small', inputs: upTo(rules.maxBytes, [...taken, ...partners]) }
}

/** The first segments whose bytes come to no more than the limit; one at least. */
function upTo<S extends Candidate>(limit: number, segments: readonly S[]): S[] {
  let bytes = 0
  return segments.filter((segment, index) => {
    bytes += segment.bytes
    return index === 0 || bytes <= limit
  })
}

/** Days of UTC that a segment begins or ends in; a long one is no match for what lies between. */
const daysOf = ({ eventTime }: Pick<Candidate, 'eventTime'>): number[] =>
  eventTime === null ? [] : [Math.floor(eventTime.min / dayMs), Math.floor(eventTime.max / dayMs)]

/** Event times of one file: `from` inclusive, `to` exclusive, in Unix ms. */
export interface FileSpan {
  readonly from: number
  readonly to: number
}

/** Rows of a file below which the next day goes into it too. */
const rowsOfAFile = 50_000

/** Which whole days go into a file each: one, or several that hold few rows. `days` ascends. */
export function packDays(days: readonly { readonly day: number; readonly rows: number }[]): FileSpan[] {
  const spans: { from: number; to: number; rows: number }[] = []
  for (const { day, rows } of days) {
    const open = spans.at(-1)
    if (open && open.rows < rowsOfAFile) {
      open.to = (day + 1) * dayMs
      open.rows += rows
    } else spans.push({ from: day * dayMs, to: (day + 1) * dayMs, rows })
  }
  return spans.map(({ from, to }) => ({ from, to }))
}

/**
 * Whether a segment is to be dropped with age. Retention counts from when its newest row came; a row is kept at least as long as it may
 * answer (`ttl`), so for ever where rows always answer. In ms; null: kept for ever.
 */
export const isExpired = (
  { ingestedAt }: Pick<Candidate, 'ingestedAt'>,
  { retention, ttl }: { retention: number | null; ttl: number | null },
  now: number,
): boolean => retention !== null && ttl !== null && now - ingestedAt > Math.max(retention, ttl)
