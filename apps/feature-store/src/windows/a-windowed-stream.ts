import fc from 'fast-check'
import { aView } from '../feature-views/a-view.ts'
import { type Value, type View } from '../feature-views/view.ts'
import { type RawRecord } from '../ingest/validate-rows.ts'
import { type TiledView } from './tile-store.ts'
import { tailOf, type WindowFeature } from './window-plan.ts'

const minute = 60_000
/** Shortly before midnight, so that hours and days turn within a stream. */
export const start = Date.parse('2001-01-14T21:00:00Z')

const named = (...names: string[]) =>
  names.map((name) => ({ name, ms: Number(name.slice(0, -1)) * { m: minute, h: 60 * minute, d: 1440 * minute }[name.at(-1)!]! }))

/** A view with every function over tiles of every hop. */
export const windowed = (id: number, ttl: number | null): View & TiledView =>
  aView({
    id,
    name: 'landings',
    entity: ['airport', 'runway'],
    time: 'landedAt',
    ttl,
    fields: {
      airport: 'string',
      runway: 'int',
      landedAt: 'timestamp',
      delay: { type: 'double', nullable: true },
      mass: { type: 'int', nullable: true },
      carrier: { type: 'string', nullable: true },
    },
    aggregations: {
      rows: { fn: 'count', windows: named('10m', '3h', '12h', '13d') },
      delays: { fn: 'count', of: 'delay', windows: named('3h', '12h') },
      total: { fn: 'sum', of: 'delay', windows: named('10m', '12h', '13d') },
      delay: { fn: 'mean', of: 'delay', windows: named('3h', '13d') },
      spread: { fn: 'stddev', of: 'delay', windows: named('10m', '3h', '12h') },
      least: { fn: 'min', of: 'mass', windows: named('3h', '12h') },
      most: { fn: 'max', of: 'mass', windows: named('10m', '13d') },
      masses: { fn: 'sum', of: 'mass', windows: named('3h') },
      carrier: { fn: 'last', of: 'carrier', windows: named('3h', '12h') },
      heaviest: { fn: 'max', of: 'delay', windows: named('12h') },
      mass: { fn: 'last', of: 'mass', windows: named('3h') },
    },
  }) as View & TiledView

/** Numbers that add up exactly in 1/1024: the slow way has to be exact to be a judge. */
const delay = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -(2 ** 20), max: 2 ** 20 }).map((value) => value / 1024) },
  { weight: 1, arbitrary: fc.constantFrom(1e9, 1e9 + 1, -1e9, 0, -0.5) },
)
const mass = fc.oneof(fc.integer(), fc.constantFrom('9007199254740993', '-9223372036854775808', '9223372036854775807', '0'))

/** A row of a random stream. Times in steps of 2.5 minutes, so that edges of tiles are hit. */
export interface StreamRow {
  readonly airport: string
  readonly runway: number
  readonly partition: number
  readonly arrival: number
  readonly age: number
  readonly delay: number | null
  /** Written as text: it may be beyond 2^53. */
  readonly mass: number | string | null
  readonly carrier: string | null
}

const nullable = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null, freq: 5 })

export const streamRows: fc.Arbitrary<StreamRow[]> = fc.array(
  fc.record({
    airport: fc.constantFrom('ATL', 'S|O'),
    runway: fc.constantFrom(1, 2),
    partition: fc.nat(2),
    arrival: fc.nat(400).map((step) => step * 2.5),
    age: fc.oneof(
      fc.constant(0),
      fc.nat(8).map((step) => step * 2.5),
      fc.nat(800).map((step) => step * 2.5),
      fc.constantFrom(60, 720, 19_000),
    ),
    delay: nullable(delay),
    mass: nullable(mass),
    carrier: nullable(fc.constantFrom('AA', 'ÜÅ', 'x|y\\z')),
  }),
  { minLength: 1, maxLength: 60, size: 'max' },
)

/** Records in the order of their arrival, with offsets by partition. */
export function recordsOf(rows: readonly StreamRow[], epoch = 0): RawRecord[] {
  const next = [0, 0, 0]
  return rows
    .toSorted((a, b) => a.arrival - b.arrival)
    .map(({ airport, runway, partition, arrival, age, delay: late, mass: heavy, carrier }) => {
      const timestamp = start + arrival * minute
      const value = `{"airport":${JSON.stringify(airport)},"runway":${runway},"landedAt":"${new Date(timestamp - age * minute).toISOString()}","delay":${late},"mass":${heavy},"carrier":${JSON.stringify(carrier)}}`
      const offset = next[partition]!
      next[partition]! += 1
      return { partition, epoch, offset, timestamp, headers: {}, key: null, value: Buffer.from(value) }
    })
}

/** A row as the slow way keeps it. */
export interface SlowRow {
  readonly key: string
  readonly order: readonly number[]
  readonly eventTime: number
  readonly availableAt: number
  readonly values: Readonly<Record<string, Value>>
}

const after = (a: readonly number[], b: readonly number[]): number => {
  const at = a.findIndex((value, index) => value !== b[index])
  return at < 0 ? 0 : a[at]! - b[at]!
}

const exactSum = (values: readonly (number | bigint)[]): number =>
  Number(values.reduce<bigint>((sum, value) => sum + (typeof value === 'bigint' ? value * 1024n : BigInt(value * 1024)), 0n)) /
  1024

/** What a feature is at an instant, from everything that was published: null for an entity that was not seen, or not lately enough. */
export function slowly(view: View & TiledView, feature: WindowFeature, rows: readonly SlowRow[], key: string, at: number): Value {
  const known = rows.filter((row) => row.key === key && row.availableAt <= at)
  const newest = Math.max(...known.map(({ eventTime }) => eventTime))
  if (known.length === 0 || (view.spec.ttl !== null && at - newest > view.spec.ttl)) return null
  const { hop, slots } = view.windows.levels[feature.level]!
  const { field } = slots[feature.slot]!
  const tail = tailOf(at, feature.window, hop) * hop
  const within = known.filter((row) => row.eventTime >= tail).toSorted((a, b) => after(a.order, b.order))
  const values = field === null ? within.map(() => 1) : within.flatMap((row) => row.values[field] ?? [])
  return aggregated(feature.fn, values)
}

function aggregated(fn: WindowFeature['fn'], values: readonly Value[]): Value {
  if (fn === 'count') return values.length
  if (values.length === 0) return null
  const numbers = values as readonly (number | bigint)[]
  switch (fn) {
    case 'sum':
      return exactSum(numbers)
    case 'mean':
      return exactSum(numbers) / numbers.length
    case 'stddev': {
      const mean = exactSum(numbers) / numbers.length
      return Math.sqrt(numbers.reduce<number>((sum, value) => sum + (Number(value) - mean) ** 2, 0) / numbers.length)
    }
    case 'min':
      return numbers.reduce((least, value) => (value < least ? value : least))
    case 'max':
      return numbers.reduce((most, value) => (value > most ? value : most))
    case 'last':
      return values.at(-1)!
  }
}
