/** What is known of one partition of a view. Times in Unix ms. */
export interface PartitionProgress {
  /** Greatest event time (or pushed watermark) seen; null before the first. */
  readonly high: number | null
  /** Whether everything in the partition was read. */
  readonly caughtUp: boolean
  /** Wall time of the last record that came; null before the first. */
  readonly lastRecordAt: number | null
}

/**
 * The watermark of a view: the least of what its partitions have seen, and never back.
 *
 * A partition that was always empty does not count, nor one that is caught up and quiet for `idleAfter` while others go on.
 * When all are quiet it holds: an outage is no progress.
 */
export function decideWatermark(
  before: number | null,
  partitions: readonly PartitionProgress[],
  idleAfter: number,
  now: number,
): number | null {
  const active = partitions.filter((partition) => !isEmpty(partition) && !isIdle(partition, idleAfter, now))
  if (active.length === 0) return before
  let least = Number.POSITIVE_INFINITY
  for (const { high } of active) {
    if (high === null) return before
    least = Math.min(least, high)
  }
  return before === null || least > before ? least : before
}

const isEmpty = ({ caughtUp, high, lastRecordAt }: PartitionProgress): boolean =>
  caughtUp && high === null && lastRecordAt === null

const isIdle = ({ caughtUp, lastRecordAt }: PartitionProgress, idleAfter: number, now: number): boolean =>
  caughtUp && lastRecordAt !== null && now - lastRecordAt >= idleAfter
