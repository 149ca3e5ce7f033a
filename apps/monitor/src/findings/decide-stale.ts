import { type Judgement, unknown } from './judgement.ts'

/** Cutoffs are in data time, Unix ms; null when nobody knows. */
export interface Ages {
  /** Up to where the serving version has seen observations. */
  readonly learned: number | null
  /** Up to where labels are ripe now. */
  readonly ripe: number | null
}

/** Whether what serves has learned from data that is older, in data time, than `maxAge` (ms; null: never stale). */
export const decideStale = ({ learned, ripe }: Ages, maxAge: number | null): Judgement => {
  if (maxAge === null || learned === null || ripe === null) return unknown
  const age = (ripe - learned) / 1000
  const told = { measure: 'age-seconds', size: age, threshold: maxAge / 1000 }
  if (age <= maxAge / 1000) return { is: 'good', ...told }
  return { is: 'bad', ...told, windows: [], features: [], evidence: { learnedUpTo: iso(learned), ripeUpTo: iso(ripe) } }
}

const iso = (at: number) => new Date(at).toISOString()
