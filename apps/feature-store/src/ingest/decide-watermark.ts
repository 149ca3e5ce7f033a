/** What is known of one partition of a view. Times in Unix ms. */
export interface PartitionProgress {
  /** Greatest event time (or pushed watermark) seen; null before the first. */
  readonly high: number | null
  /** Whether everything in the partition was read, as a look at its end showed that is not older than what counts as seen. */
  readonly caughtUp: boolean
  /** Wall time of the last record that came; null before the first. */
  readonly lastRecordAt: number | null
}

/**
 * The watermark of a view: the least of what its partitions have seen, and never back.
 *
 * A partition that was always empty does not count, nor one that is caught up and quiet for `idleAfter` while others go on;
 * one that holds records nobody has read yet always does.
 * When all are quiet it holds: an outage is no progress. What was imported is there as a whole: it never holds the watermark back,
 * and raises it when no partition does.
 *
 * @param imported Greatest event time of what was imported; null: nothing was.
 */
export function decideWatermark(
  before: number | null,
  partitions: readonly PartitionProgress[],
  idleAfter: number,
  now: number,
  imported: number | null = null,
): number | null {
  const active = partitions.filter((partition) => !isLeft(partition, idleAfter, now))
  if (active.length === 0) return imported !== null && (before === null || imported > before) ? imported : before
  let least = Number.POSITIVE_INFINITY
  for (const { high } of active) {
    if (high === null) return before
    least = Math.min(least, high)
  }
  return before === null || least > before ? least : before
}

/** Whether a partition could be left behind, were it known that nothing in it is unread: only then its end has to be looked at. */
export const mayBeLeft = (
  { high, lastRecordAt }: Pick<PartitionProgress, 'high' | 'lastRecordAt'>,
  idleAfter: number,
  now: number,
): boolean => (lastRecordAt === null ? high === null : now - lastRecordAt >= idleAfter)

const isLeft = (partition: PartitionProgress, idleAfter: number, now: number): boolean =>
  partition.caughtUp && mayBeLeft(partition, idleAfter, now)
