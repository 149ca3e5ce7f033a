import { type DuckDBConnection } from '@duckdb/node-api'
import { lateRows } from '../erasure/late-rows.ts'
import { type View } from '../feature-views/view.ts'
import { type RowBatch, withoutRows } from '../ingest/row-batch.ts'
import { type RejectCode } from '../ingest/validate-fields.ts'
import { type RawRecord, type RowValidator } from '../ingest/validate-rows.ts'
import { type SegmentWriter, type WrittenSegment } from '../offline/segment-writer.ts'
import { type ConvertJob } from './convert.ts'

/** A row of a file that was refused; rows count from 1. */
export interface RejectedRow {
  readonly row: number
  readonly code: RejectCode
  readonly field?: string
  readonly message?: string
}

/** What came of some rows of a file. */
export interface Converted {
  /** The row after the last one. */
  readonly toRow: number
  readonly segments: readonly WrittenSegment[]
  readonly rejected: number
  readonly reasons: Readonly<Record<string, number>>
  /** The first of them. */
  readonly sample: readonly RejectedRow[]
  /** Rows of erased entities. */
  readonly ignored: number
}

/** Rows that pass through JavaScript at once. */
export const batchRows = 50_000
export const batchBytes = 32 * 1024 ** 2
const sampled = 1_000

/** A file that is being converted. */
export interface Converting {
  readonly job: ConvertJob
  readonly view: View
  readonly connection: DuckDBConnection
  readonly validator: RowValidator
  readonly writer: SegmentWriter
}

/** Rows that the live rules have seen, before those that they accept are written. */
export interface Taken {
  readonly batch: RowBatch
  readonly outcome: Omit<Converted, 'segments'>
}

/** Gives records to the live rules. @param toRow The row after the last of them. */
export function take({ job, validator }: Converting, records: readonly RawRecord[], toRow: number): Taken {
  const { batch, rejects } = validator.take(records, job.now)
  const late = lateRows(batch, job.erasures)
  const reasons: Record<string, number> = {}
  for (const { code } of rejects) reasons[code] = (reasons[code] ?? 0) + 1
  const sample = rejects.slice(0, sampled).map(({ offset, code, field, message }) => ({
    row: offset - job.firstOffset + 1,
    code,
    ...(field === undefined ? {} : { field }),
    ...(message === undefined ? {} : { message }),
  }))
  return { batch: withoutRows(batch, late), outcome: { toRow, rejected: rejects.length, reasons, sample, ignored: late.size } }
}

/** Writes the rows that were accepted, as a segment. Not for concurrent use. */
export const write = async ({ job, writer }: Converting, { batch, outcome }: Taken): Promise<Converted> => ({
  ...outcome,
  segments: batch.count > 0 ? [await writer.write(batch, job.now)] : [],
})

/** Both. */
export const takeIn = (converting: Converting, records: readonly RawRecord[], toRow: number): Promise<Converted> =>
  write(converting, take(converting, records, toRow))

/** What came of rows, and of those after them. */
export const merged = (one: Converted, other: Converted): Converted => {
  const reasons = { ...one.reasons }
  for (const [code, count] of Object.entries(other.reasons)) reasons[code] = (reasons[code] ?? 0) + count
  return {
    toRow: other.toRow,
    segments: [...one.segments, ...other.segments],
    rejected: one.rejected + other.rejected,
    reasons,
    sample: [...one.sample, ...other.sample].slice(0, sampled),
    ignored: one.ignored + other.ignored,
  }
}
