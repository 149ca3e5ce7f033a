import { hour } from './parcels.ts'

/** A row of a topic with its place, as Kafka has it. */
export interface Row {
  partition: number
  offset: number
  /** Event time and the time at which it could be known, in Unix ms. */
  eventTime: number
  available: number
  data: Record<string, any>
}

const order = (a: Row, b: Row) =>
  a.eventTime - b.eventTime || a.available - b.available || a.partition - b.partition || a.offset - b.offset

/** The row that the online store must hold, of those it may know of. */
export const winner = (rows: readonly Row[]): Row | undefined => rows.toSorted(order).at(-1)

/** What the online store would have answered at `at`. */
export function asOf(rows: readonly Row[], at: number, ttl = Infinity): Row | undefined {
  const row = winner(rows.filter(({ available }) => available <= at))
  return row && at - row.eventTime <= ttl ? row : undefined
}

export interface TrainingRow {
  parcel: string
  at: number
  depot: string | null
  weightKg: number | null
  express: boolean | null
  depotLate: boolean | null
  label: boolean
}

/**
 * The training rows of `parcel-late`, the slow way, straight from the definition: one a (parcel, sentAt) that was known and not superseded at
 * its own time, with what could be known then, and the delivery within a day.
 */
export function slowDataset(parcels: readonly Row[], deliveries: readonly Row[], cutoff: number): TrainingRow[] {
  const byParcel = Map.groupBy(parcels, (row) => row.data['parcel'] as string)
  const landed = Map.groupBy(deliveries, (row) => row.data['parcel'] as string)
  const byDepot = Map.groupBy(deliveries, (row) => row.data['depot'] as string)
  const rows: TrainingRow[] = []
  for (const [parcel, own] of byParcel) {
    for (const at of new Set(own.map((row) => Date.parse(row.data['sentAt'])))) {
      if (at > cutoff) continue
      const known = asOf(own, at)
      if (!known || Date.parse(known.data['sentAt']) !== at) continue
      const label = winner((landed.get(parcel) ?? []).filter(({ eventTime }) => eventTime > at && eventTime <= at + 24 * hour))
      if (!label) continue
      const depot = asOf(byDepot.get(known.data['depot']) ?? [], at, 6 * hour)
      const { weightKg, express } = known.data
      rows.push({
        parcel,
        at,
        depot: known.data['depot'],
        weightKg,
        express,
        depotLate: depot?.data['late'] ?? null,
        label: label.data['late'],
      })
    }
  }
  return rows.toSorted((a, b) => (a.parcel < b.parcel ? -1 : a.parcel > b.parcel ? 1 : a.at - b.at))
}
