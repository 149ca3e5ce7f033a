import fc from 'fast-check'
import { type Value, type View } from '../feature-views/view.ts'
import { compareOnline, type OnlinePosition } from '../online/online-order.ts'
import { type RowBatch } from '../ingest/row-batch.ts'
import { type RawRecord } from '../ingest/validate-rows.ts'

/** A row as the slow oracle keeps it. */
export interface OracleRow extends OnlinePosition {
  readonly key: string
  readonly deleted: boolean
  readonly values: Readonly<Record<string, Value>>
}

/** Everything published to a view, and the slow answers to questions about it. */
export interface ViewOracle {
  readonly rows: OracleRow[]
  add(batch: RowBatch): void
  /** The winner of a key among what was available at `at`, tombstones included, ttl aside. */
  shown(key: string, at: number): OracleRow | undefined
  /** What the online store answers at `at`: undefined for none, deleted or expired. */
  answer(key: string, at: number): OracleRow | undefined
  /** The winner among rows with event time in (at, at + within]. */
  label(key: string, at: number, within: number): OracleRow | undefined
}

export function viewOracle(view: View): ViewOracle {
  const rows: OracleRow[] = []
  const winner = (candidates: readonly OracleRow[]) => candidates.toSorted(compareOnline).at(-1)
  const shown = (key: string, at: number) => winner(rows.filter((row) => row.key === key && row.availableAt <= at))
  return {
    rows,
    add(batch) {
      for (let index = 0; index < batch.count; index += 1) {
        rows.push({
          key: batch.keys[index]!,
          deleted: batch.deleted[index]!,
          eventTime: batch.eventTimes[index]!,
          availableAt: batch.availableAts[index]!,
          epoch: batch.epochs[index]!,
          partition: batch.partitions[index]!,
          offset: batch.offsets[index]!,
          values: Object.fromEntries(view.fields.map(({ name }, field) => [name, batch.values[field]![index]!])),
        })
      }
    },
    shown,
    answer(key, at) {
      const row = shown(key, at)
      const { ttl } = view.spec
      return !row || row.deleted || (ttl !== null && at - row.eventTime > ttl) ? undefined : row
    },
    label: (key, at, within) =>
      winner(rows.filter((row) => row.key === key && row.eventTime > at && row.eventTime <= at + within)),
  }
}

/** Minutes after the start of the streams that these tests make. */
export const minute = 60_000
export const start = Date.parse('2001-01-01T00:00:00Z')

/** What happens in a random stream: a row (late, corrected or ahead of time as it comes), a delete, or a watermark. */
export type Happening =
  | {
      readonly is: 'row'
      readonly partition: number
      readonly arrival: number
      readonly age: number
      readonly fields: Record<string, unknown>
      /** Imported: known from its event time on, whatever its record says. */
      readonly backfilled?: boolean
      /** Published twice. */
      readonly twice?: boolean
    }
  | { readonly is: 'delete'; readonly partition: number; readonly arrival: number; readonly key: Record<string, unknown> }

/** Everything in a stream happens on a coarse grid, in minutes: so that instants meet, and bounds are hit exactly. */
export const grid = (max: number): fc.Arbitrary<number> => fc.nat(max).map((step) => step * 12)

/**
 * Random streams of a view: arrivals within four hours, event times up to two hours before and a little after them.
 *
 * @param rare Now and then a row is imported, or published twice.
 */
export const happenings = (
  fields: fc.Arbitrary<Record<string, unknown>>,
  key: fc.Arbitrary<Record<string, unknown>>,
  { partitions = 2, rare = false }: { partitions?: number; rare?: boolean } = {},
): fc.Arbitrary<Happening[]> => {
  const arrival = grid(20)
  const age = fc.oneof({ weight: 9, arbitrary: grid(10) }, { weight: 1, arbitrary: fc.constant(-4) })
  const partition = fc.nat(partitions - 1)
  const rarely = rare
    ? fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) })
    : fc.constant(false)
  return fc.array(
    fc.oneof(
      {
        weight: 9,
        arbitrary: fc.record({
          is: fc.constant('row' as const),
          partition,
          arrival,
          age,
          fields,
          backfilled: rarely,
          twice: rarely,
        }),
      },
      { weight: 1, arbitrary: fc.record({ is: fc.constant('delete' as const), partition, arrival, key }) },
    ),
    { maxLength: 40, size: 'max' },
  )
}

/** The records of a stream, with offsets by partition. `time` is the event-time field. */
export const recordsOf = (stream: readonly Happening[], time: string): RawRecord[] => {
  const next = new Map<number, number>()
  return stream.flatMap((it): RawRecord[] => {
    const timestamp = start + it.arrival * minute
    const placed = (): Pick<RawRecord, 'partition' | 'epoch' | 'offset' | 'timestamp'> => {
      const offset = next.get(it.partition) ?? 0
      next.set(it.partition, offset + 1)
      return { partition: it.partition, epoch: 0, offset, timestamp }
    }
    if (it.is === 'delete') return [{ ...placed(), headers: {}, key: Buffer.from(JSON.stringify(it.key)), value: null }]
    const value = Buffer.from(JSON.stringify({ ...it.fields, [time]: new Date(timestamp - it.age * minute).toISOString() }))
    const headers: RawRecord['headers'] = it.backfilled ? { 'cascata-backfill': '1' } : {}
    return Array.from({ length: it.twice ? 2 : 1 }, () => ({ ...placed(), headers, key: null, value }))
  })
}
