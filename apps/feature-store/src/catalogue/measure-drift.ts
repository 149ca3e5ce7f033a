import { setImmediate as breathe } from 'node:timers/promises'
import { type DuckDBConnection } from '@duckdb/node-api'
import {
  type Cell,
  counter,
  emptyCategorical,
  emptyLike,
  emptyNumeric,
  finite,
  type Histogram,
  histogramJensenShannon,
  jensenShannonNoise,
  mergeHistograms,
  presentIn,
  profileCategorical,
  quantileEdges,
} from '@cascata/statistics'
import { type NamedField } from '../feature-views/view.ts'
import { type Segment } from '../offline/segments.store.ts'
import { type Days } from './decide-days.ts'
import { datedSql, type Sampled } from './sample-sql.ts'

/** What the values of a feature were like on a day of event time (UTC). */
export interface DayOfValues {
  readonly day: string
  /** Sampled ones. */
  readonly rows: number
  readonly nulls: number
  /** One a bin; what is in none is not counted. */
  readonly counts: readonly number[]
  /** Jensen–Shannon distance (natural logarithm, 0 … 0.83) to the reference without this day; null where one of both has no value. */
  readonly distance: number | null
  /** The distance that chance alone gives for so many rows. */
  readonly noise: number | null
}

/** How the values of a feature moved from day to day. */
export interface DriftOfValues {
  /** Deciles of all days together, ascending edges, the last bin closed; or the most frequent values. */
  readonly bins: { readonly edges: readonly number[] } | { readonly values: readonly string[] }
  /** All days together. */
  readonly reference: { readonly rows: number; readonly counts: readonly number[] }
  /** In order; a day without rows is left out. */
  readonly days: readonly DayOfValues[]
}

export const driftDays = 30
const bins = 10

/** Counts the values of a field by day and bin; null for a time, which moves on by itself. */
export async function measureDrift(
  connection: DuckDBConnection,
  sampled: Sampled & { readonly days: Days<Segment> },
  field: NamedField,
): Promise<DriftOfValues | null> {
  if (field.type === 'timestamp') return null
  const reader = await connection.runAndReadAll(datedSql(sampled, field))
  const [dates = [], cells = []] = reader.getColumnsJS() as [number[], Cell[]]
  await breathe()
  return driftOf(dates, cells)
}

/** @param dates The day of each cell, Unix ms of its begin. */
export function driftOf(dates: readonly number[], cells: readonly Cell[]): DriftOfValues {
  const empty = emptyBins(cells)
  const byDay = new Map<number, { histogram: Histogram; count: (cell: Cell) => void }>()
  dates.forEach((date, row) => {
    let day = byDay.get(date)
    if (!day) {
      const histogram = emptyLike(empty)
      byDay.set(date, (day = { histogram, count: counter(histogram) }))
    }
    day.count(cells[row])
  })
  const days = [...byDay].sort(([a], [b]) => a - b)
  const all = days.reduce<Histogram>((sum, [, { histogram }]) => mergeHistograms(sum, histogram), empty)
  return {
    bins: empty.kind === 'numeric' ? { edges: empty.edges } : { values: empty.categories },
    reference: { rows: cells.length, counts: countsOf(all) },
    days: days.map(([date, { histogram }]) => {
      const others = days.reduce<Histogram>(
        (sum, [other, each]) => (other === date ? sum : mergeHistograms(sum, each.histogram)),
        empty,
      )
      const known = presentIn(histogram) > 0 && presentIn(others) > 0
      return {
        day: new Date(date).toISOString().slice(0, 10),
        rows: presentIn(histogram) + missingIn(histogram),
        nulls: histogram.nulls,
        counts: countsOf(histogram),
        distance: known ? histogramJensenShannon(others, histogram) : null,
        noise: known ? jensenShannonNoise(others, presentIn(histogram)) : null,
      }
    }),
  }
}

const missingIn = (of: Histogram) => of.nulls + (of.kind === 'numeric' ? of.nans : 0)

/** Numbers lie on the deciles' edges, so there is nothing outside of them. */
const countsOf = (of: Histogram): number[] => (of.kind === 'numeric' ? of.counts.slice(1, -1) : of.counts)

function emptyBins(cells: readonly Cell[]): Histogram {
  const numbers = cells.some((cell) => typeof cell === 'number')
  if (numbers) return emptyNumeric(quantileEdges(finite(cells as (number | null)[]).toSorted(), bins))
  const { categories } = profileCategorical(cells).histogram
  return emptyCategorical(categories.slice(0, bins))
}
