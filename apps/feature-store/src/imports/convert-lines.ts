import { type RawRecord } from '../ingest/validate-rows.ts'
import { type ConvertJob } from './convert.ts'
import { ImportRefused } from './file-columns.ts'
import { recordOfLine } from './file-rows.ts'
import { linesOf } from './lines.ts'
import { batchBytes, batchRows, type Converted, type Converting, take, write } from './take-rows.ts'

/** Rows are written, and recorded by who takes what came of them, while the next ones are read. */
export async function* convertLines(converting: Converting): AsyncGenerator<Converted> {
  let ahead: Promise<Converted> | null = null
  try {
    for await (const { records, toRow } of recordsAtOnce(converting.job)) {
      const taken = take(converting, records, toRow)
      const before: Converted | null = await ahead
      ahead = write(converting, taken)
      // It may fail while nobody waits for it yet.
      ahead.catch(() => {})
      if (before) yield before
    }
    const last = await ahead
    if (last) yield last
  } finally {
    await ahead?.catch(() => {})
  }
}

async function* recordsAtOnce({
  path,
  fromRow,
  firstOffset,
  maxRows,
}: ConvertJob): AsyncGenerator<{ records: RawRecord[]; toRow: number }> {
  let records: RawRecord[] = []
  let [row, bytes] = [0, 0]
  for await (const line of linesOf(path)) {
    row += 1
    if (row > maxRows) throw new ImportRefused(`it has more than ${maxRows} rows (FEATURE_STORE_MAX_IMPORT_ROWS)`)
    if (row <= fromRow || line.length === 0) continue
    records.push(recordOfLine(line, firstOffset + row - 1))
    bytes += line.length
    if (records.length < batchRows && bytes < batchBytes) continue
    yield { records, toRow: row }
    records = []
    bytes = 0
  }
  if (records.length > 0 || row > fromRow) yield { records, toRow: row }
}
