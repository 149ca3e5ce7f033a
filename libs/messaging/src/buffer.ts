import type { IHeaders } from 'kafkajs'
import type { OffsetRange } from './cursors.ts'
import { bell } from './waiting.ts'

/** A record of a topic as it came, not decoded. */
export interface RawRow {
  topic: string
  partition: number
  /** Counts how often the cursor of this partition was reset. */
  epoch: number
  offset: number
  /** The record's timestamp in Unix ms; NaN when it has none. */
  timestamp: number
  key: Buffer | null
  value: Buffer | null
  headers: IHeaders
}

/** Consecutive records of one partition. `to` may lie behind the last record: control records and compacted ones have no row. */
export interface Chunk extends OffsetRange {
  rows: RawRow[]
  bytes: number
}

/** What one flush handles: rows in the order of each partition, and the offsets they cover. */
export interface RowBatch {
  rows: RawRow[]
  ranges: OffsetRange[]
}

/** Bytes a row takes in memory, roughly: its payload and the objects around it. */
export const weightOf = ({ key, value }: Pick<RawRow, 'key' | 'value'>) => (key?.length ?? 0) + (value?.length ?? 0) + 200

/**
 * Rows between the fetches and the flushes, bounded by bytes: the next flush takes whatever arrived while the last one ran.
 */
export function rowBuffer({ maxRows, maxBytes }: { maxRows: number; maxBytes: number }) {
  let chunks: Chunk[] = []
  let bytes = 0
  const filled = bell()
  const drained = bell()

  return {
    get full() {
      return bytes >= maxBytes
    },
    get empty() {
      return chunks.length === 0
    },
    filled,
    drained,
    push(chunk: Chunk) {
      chunks.push(chunk)
      bytes += chunk.bytes
      filled.ring()
    },
    clear() {
      chunks = []
      bytes = 0
      drained.ring()
    },
    /** Forgets the rows of one partition. */
    forget(topic: string, partition: number) {
      chunks = chunks.filter((chunk) => chunk.topic !== topic || chunk.partition !== partition)
      bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0)
      drained.ring()
    },
    /** Takes what is there, up to the limits (but at least one row). */
    take(): RowBatch {
      const batch: RowBatch = { rows: [], ranges: [] }
      let room = maxRows
      let weight = 0
      while (chunks.length > 0 && room > 0 && weight < maxBytes) {
        const chunk = chunks[0]!.rows.length > room ? splitFirst(chunks, room) : chunks.shift()!
        bytes -= chunk.bytes
        weight += chunk.bytes
        room -= chunk.rows.length
        for (const row of chunk.rows) batch.rows.push(row)
        cover(batch.ranges, chunk)
      }
      drained.ring()
      return batch
    },
  }
}
export type RowBuffer = ReturnType<typeof rowBuffer>

function splitFirst(chunks: Chunk[], count: number): Chunk {
  const whole = chunks[0]!
  const to = whole.rows[count]!.offset
  const rows = whole.rows.slice(0, count)
  const bytes = rows.reduce((sum, row) => sum + weightOf(row), 0)
  chunks[0] = { ...whole, from: to, rows: whole.rows.slice(count), bytes: whole.bytes - bytes }
  return { ...whole, to, rows, bytes }
}

function cover(ranges: OffsetRange[], { topic, partition, epoch, from, to }: Chunk): void {
  const same = ranges.find((range) => range.partition === partition && range.topic === topic)
  if (same) same.to = to
  else ranges.push({ topic, partition, epoch, from, to })
}
