import { type Value, type View } from '../feature-views/view.ts'
import { type RejectCode } from './validate-fields.ts'

/** Where a record stands in its topic. */
export interface Place {
  readonly partition: number
  readonly epoch: number
  readonly offset: number
}

/** A row that was refused. `message` is for people and never holds the value. */
export interface Rejected extends Place {
  readonly code: RejectCode
  readonly field?: string
  readonly message?: string
  /** Index of the record in the batch that was validated. */
  readonly record: number
}

/** Accepted rows and tombstones of a view, column by column; all lists have the same length. */
export interface RowBatch {
  readonly view: View
  count: number
  readonly keys: string[]
  /** A list a field, in the order of `view.fields`. */
  readonly values: Value[][]
  readonly eventTimes: number[]
  readonly availableAts: number[]
  readonly partitions: number[]
  readonly epochs: number[]
  readonly offsets: number[]
  /** Whether it is a tombstone: only its entity fields have values. */
  readonly deleted: boolean[]
  deletes: number
}

export const emptyBatch = (view: View): RowBatch => ({
  view,
  count: 0,
  keys: [],
  values: view.fields.map(() => []),
  eventTimes: [],
  availableAts: [],
  partitions: [],
  epochs: [],
  offsets: [],
  deleted: [],
  deletes: 0,
})

/** The batch without some of its rows; itself when there are none to leave out. */
export const withoutRows = (batch: RowBatch, gone: ReadonlySet<number>): RowBatch => {
  if (gone.size === 0) return batch
  const keep = <T>(column: readonly T[]): T[] => column.filter((_, index) => !gone.has(index))
  return {
    view: batch.view,
    count: batch.count - gone.size,
    keys: keep(batch.keys),
    values: batch.values.map(keep),
    eventTimes: keep(batch.eventTimes),
    availableAts: keep(batch.availableAts),
    partitions: keep(batch.partitions),
    epochs: keep(batch.epochs),
    offsets: keep(batch.offsets),
    deleted: keep(batch.deleted),
    deletes: batch.deletes - [...gone].filter((index) => batch.deleted[index]).length,
  }
}

/** What came of the records of a flush. */
export interface Intake {
  readonly batch: RowBatch
  readonly rejects: Rejected[]
  /** Tombstones for other entities than this view's. */
  ignored: number
  /** Rows that hold fields that the view does not know. */
  withUnknownFields: number
  /** Greatest (clamped) event time by partition, watermark records included. */
  readonly highs: Map<number, number>
}
