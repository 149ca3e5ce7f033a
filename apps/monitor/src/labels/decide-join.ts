/** Data times in Unix ms. */
export interface JoinState {
  /** Up to where labels are ripe. */
  readonly cutoff: number | null
  /** Up to where predictions have their labels. */
  readonly joinedUpTo: number | null
  /** Up to where somebody waits for labels. */
  readonly wantedUpTo: number | null
  /** Whether predictions came for a time whose labels were joined before. */
  readonly late: boolean
  /** Size of a window. */
  readonly window: number
}

/**
 * Up to where labels are joined next; undefined when it is too early.
 *
 * A join takes all that has ripened since the last one, so that a busy stream is joined in larger pieces; it is worth one when a window has
 * ended, when an eighth of a window has ripened, when predictions came late, or when somebody waits.
 */
export const decideJoin = ({ cutoff, joinedUpTo, wantedUpTo, late, window }: JoinState): number | undefined => {
  if (cutoff === null) return undefined
  if (joinedUpTo === null) return cutoff
  if (late) return Math.max(cutoff, joinedUpTo)
  if (cutoff <= joinedUpTo) return undefined
  const endsWindow = Math.floor(cutoff / window) > Math.floor(joinedUpTo / window)
  const isWanted = wantedUpTo !== null && wantedUpTo > joinedUpTo
  return endsWindow || isWanted || cutoff - joinedUpTo >= window / 8 ? cutoff : undefined
}
