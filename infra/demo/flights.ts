import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { join } from 'node:path'
import { root } from '../paths.ts'

/** Unix milliseconds. The data has local times without a zone; they are taken as UTC. */
export type Instant = number

export const hour = 3_600_000
export const day = 24 * hour

/** One flight of the year 2001, as far as the data tells. */
export interface Flight {
  /** Day and row number: the data has no flight number. */
  flight: string
  departsAt: Instant
  landedAt: Instant
  origin: string
  destination: string
  distanceMiles: number
  delayMin: number
}

export const firstDay: Instant = Date.UTC(2001, 0, 1)

/** From plan to departure, and from asking to departure. */
export const planAhead = 24 * hour
export const askAhead = 2 * hour

const milesPerMinute = 7.5
const taxiMinutes = 30

/** Three million US flights, January to June 2001, one day at a time: `flights-3m.parquet` of the npm package vega-datasets. */
export interface Flights {
  /** The flights that depart on the day that begins at `start`, in order of departure. */
  ofDay(start: Instant): Promise<Flight[]>
  close(): void
}

export async function openFlights(): Promise<Flights> {
  const file = join(root, 'node_modules/vega-datasets/data/flights-3m.parquet')
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '512MB' })
  const connection = await instance.connect()
  return { ofDay: (start) => readDay(connection, file, start), close: () => (connection.closeSync(), instance.closeSync()) }
}

async function readDay(connection: DuckDBConnection, file: string, start: Instant): Promise<Flight[]> {
  const from = new Date(start).toISOString().slice(0, 10)
  const reader = await connection.runAndReadAll(
    `select epoch_ms(date)::double as departs, delay::int as delay, distance::int as miles, origin, destination
       from read_parquet($file, file_row_number = true)
      where date >= $from::timestamp and date < $from::timestamp + interval 1 day
      order by date, file_row_number`,
    { file, from },
  )
  return reader.getRows().map(([departs, delay, miles, origin, destination], row) => {
    const departsAt = departs as number
    const flying = taxiMinutes + (miles as number) / milesPerMinute
    return {
      flight: `${from}-${String(row + 1).padStart(6, '0')}`,
      departsAt,
      // A few delays of the data are hours below zero; nobody lands before the departure.
      landedAt: departsAt + Math.round(Math.max(10, flying + (delay as number)) * 60_000),
      origin: origin as string,
      destination: destination as string,
      distanceMiles: miles as number,
      delayMin: delay as number,
    }
  })
}

/**
 * The flights by the hour in which something becomes known of them: `known(flight)` gives the instant.
 * Hours are handed out in order and forgotten, so memory holds two days at most.
 */
export function byHour(known: (flight: Flight) => Instant) {
  const hours = new Map<number, Flight[]>()
  return {
    add(flights: readonly Flight[]) {
      for (const flight of flights) {
        const at = Math.ceil(known(flight) / hour)
        const there = hours.get(at)
        if (there) there.push(flight)
        else hours.set(at, [flight])
      }
    },
    /** What became known in the hour that ends at `end`, in order of when. */
    take(end: Instant): Flight[] {
      const flights = hours.get(end / hour) ?? []
      hours.delete(end / hour)
      return flights.toSorted((a, b) => known(a) - known(b))
    },
  }
}
