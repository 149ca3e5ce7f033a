/** What decides between two rows of a key. Times in Unix ms. */
export interface OnlinePosition {
  readonly eventTime: number
  readonly availableAt: number
  readonly epoch: number
  readonly partition: number
  readonly offset: number
}

/**
 * The online rule: the greater (event time, available at, epoch, partition, offset) wins. Positive when `a` does.
 * The same order stands in the Lua script of the online store and in the SQL of datasets.
 */
export const compareOnline = (a: OnlinePosition, b: OnlinePosition): number =>
  a.eventTime - b.eventTime ||
  a.availableAt - b.availableAt ||
  a.epoch - b.epoch ||
  a.partition - b.partition ||
  a.offset - b.offset

/** The columns of a segment in the order of the online rule. */
export const onlineOrderColumns = ['__event_time', '__available_at', '__epoch', '__partition', '__offset'] as const
