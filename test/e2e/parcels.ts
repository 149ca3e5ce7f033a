import { mulberry } from './random.ts'

export const minute = 60_000
export const hour = 60 * minute
export const start = Date.UTC(2024, 0, 1)

/** A record as it goes to Kafka. */
export interface Published {
  topic: 'e2e-parcels' | 'e2e-deliveries'
  key: string | null
  value: string | null
  /** When it was known: the record's timestamp. */
  at: number
  /** The reason for which it must be refused, if it must. */
  refused?: string
  headers?: Record<string, string>
  partition?: number
}

const iso = (at: number) => new Date(at).toISOString()
const depots = ['north', 'south', 'east', 'west', 'port']

/**
 * A small parcel service with everything that streams do wrong: corrections, late rows, duplicates, unknown fields, and rows that are none.
 * `ofHour(n)` gives the records that become known in hour n, in order; the same every time.
 */
export function parcelService() {
  const pending: Published[] = []
  let count = 0

  const book = (random: () => number, bookedAt: number): Published[] => {
    const parcel = `p${++count}`
    const depot = depots[Math.floor(random() * depots.length)]!
    const weightKg = Math.round(random() * 300) / 10
    const express = random() < 0.3
    const sentAt = bookedAt + 3 * hour
    const row = {
      parcel,
      bookedAt: iso(bookedAt),
      sentAt: iso(sentAt),
      depot,
      weightKg,
      express,
      note: random() < 0.5 ? null : 'handle with care',
    }
    const said: Published[] = [{ topic: 'e2e-parcels', key: parcel, value: JSON.stringify(row), at: bookedAt }]

    const kind = random()
    if (kind < 0.05)
      said.push({ ...said[0]!, at: bookedAt + 1 }) // a duplicate
    else if (kind < 0.1)
      said[0]!.at = bookedAt + 2 * hour // late, still in time
    else if (kind < 0.13)
      said[0]!.at = sentAt + hour // too late to be asked for
    else if (kind < 0.2) {
      const corrected = { ...row, bookedAt: iso(bookedAt + hour), weightKg: weightKg + 5, extra: 'a field that no view knows' }
      said.push({ topic: 'e2e-parcels', key: parcel, value: JSON.stringify(corrected), at: bookedAt + hour })
    } else if (kind < 0.22) {
      // Same event time, other value, known later: a correction that wins.
      said.push({
        topic: 'e2e-parcels',
        key: parcel,
        value: JSON.stringify({ ...row, weightKg: weightKg + 1 }),
        at: bookedAt + 30 * minute,
      })
    }

    if (random() < 0.95) {
      const risk = 0.1 + (depot === 'port' ? 0.45 : 0) + (weightKg > 20 ? 0.25 : 0) - (express ? 0.1 : 0)
      const deliveredAt = sentAt + hour + Math.floor(random() * 20 * hour)
      const outcome = { parcel, depot, deliveredAt: iso(deliveredAt), late: random() < risk }
      said.push({
        topic: 'e2e-deliveries',
        key: parcel,
        value: JSON.stringify(outcome),
        at: deliveredAt + (random() < 0.1 ? 10 * minute : 0),
      })
    }
    return said
  }

  const nonsense = (random: () => number, at: number): Published[] => {
    const parcel = `bad${++count}`
    const good = { parcel, bookedAt: iso(at), sentAt: iso(at + 3 * hour), depot: 'north', weightKg: 1, express: false }
    const as = (refused: string, value: string): Published => ({ topic: 'e2e-parcels', key: parcel, value, at, refused })
    const all = [
      as('NOT_JSON', '{"parcel":'),
      as('NOT_AN_OBJECT', '[1,2]'),
      as('MISSING_FIELD', JSON.stringify({ ...good, depot: undefined })),
      as('WRONG_TYPE', JSON.stringify({ ...good, weightKg: 'heavy' })),
      as('OUT_OF_RANGE', JSON.stringify({ ...good, weightKg: -1 })),
      as('NULL_KEY', JSON.stringify({ ...good, parcel: null })),
      as('EVENT_TIME_INVALID', JSON.stringify({ ...good, bookedAt: 'yesterday' })),
      as('EVENT_TIME_IN_FUTURE', JSON.stringify({ ...good, bookedAt: '2099-01-01T00:00:00Z' })),
    ]
    return [all[Math.floor(random() * all.length)]!]
  }

  return {
    ofHour(n: number): Published[] {
      const random = mulberry(n + 1)
      const begin = start + n * hour
      for (let i = 0; i < 40; i++) pending.push(...book(random, begin + Math.floor(random() * hour)))
      if (n % 3 === 0) pending.push(...nonsense(random, begin + 1))
      const known = pending.filter(({ at }) => at <= begin + hour).toSorted((a, b) => a.at - b.at)
      for (const record of known) pending.splice(pending.indexOf(record), 1)
      return known
    },
    /** Parcels that are sent in hour n: what a caller asks about at its end. */
    get booked() {
      return count
    },
  }
}
