import { type FeatureViewSpec } from '@cascata/resources'

export type TimeFormat = FeatureViewSpec['eventTime']['format']

/** An event time this much ahead of its arrival is clamped to it; one further ahead is refused. In ms. */
export const futureTolerance = 5 * 60_000

const earliest = Date.parse('0001-01-01T00:00:00Z')
const latest = Date.parse('9999-12-31T23:59:59.999Z')

/** Two digits at `at`; NaN when they are none. */
const two = (text: string, at: number): number => {
  const high = text.charCodeAt(at) - 48
  const low = text.charCodeAt(at + 1) - 48
  return high >= 0 && high <= 9 && low >= 0 && low <= 9 ? high * 10 + low : Number.NaN
}

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const daysIn = (year: number, month: number): number =>
  month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : monthDays[month - 1]!

/** Days from 1970-01-01 (the usual civil calendar arithmetic, years counted from March). */
const daysFromEpoch = (year: number, month: number, day: number): number => {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
}

/** Offset of a zone written at `at` (`Z`, `+hh`, `+hhmm`, `+hh:mm`), in ms; NaN when it is none or text follows it. */
const zoneAt = (text: string, at: number): number => {
  const sign = text.charCodeAt(at)
  if (sign === 90) return at + 1 === text.length ? 0 : Number.NaN
  if (sign !== 43 && sign !== 45) return Number.NaN
  const hours = two(text, at + 1)
  const rest = text.length - at
  const minutes =
    rest === 3 ? 0 : rest === 5 ? two(text, at + 3) : rest === 6 && text[at + 3] === ':' ? two(text, at + 4) : Number.NaN
  if (!(hours <= 23 && minutes <= 59)) return Number.NaN
  return (sign === 43 ? 1 : -1) * (hours * 60 + minutes) * 60_000
}

/**
 * An instant written in ISO 8601 with date, time and zone (`2001-01-14T09:30:00.250+01:00`), in Unix ms; NaN when it is none.
 * What is finer than a millisecond is cut off. A day that does not exist, or a time without a zone, is no instant.
 */
export const parseIso = (text: string): number => {
  const year = two(text, 0) * 100 + two(text, 2)
  const month = two(text, 5)
  const day = two(text, 8)
  const separators = text[4] === '-' && text[7] === '-' && text[10] === 'T' && text[13] === ':'
  if (!separators || !(year >= 1) || !(month >= 1 && month <= 12) || !(day >= 1 && day <= daysIn(year, month))) return Number.NaN
  const hour = two(text, 11)
  const minute = two(text, 14)
  let at = 16
  let second = 0
  let fraction = 0
  if (text[at] === ':') {
    second = two(text, at + 1)
    at += 3
    if (text[at] === '.' || text[at] === ',') {
      const start = ++at
      for (let scale = 100, code = text.charCodeAt(at) - 48; code >= 0 && code <= 9; code = text.charCodeAt(++at) - 48) {
        fraction += code * scale
        scale = scale > 1 ? scale / 10 : 0
      }
      if (at === start) return Number.NaN
    }
  }
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return Number.NaN
  const local = daysFromEpoch(year, month, day) * 86_400_000 + ((hour * 60 + minute) * 60 + second) * 1000 + Math.floor(fraction)
  return local - zoneAt(text, at)
}

const unixScale: Record<Exclude<TimeFormat, 'iso8601'>, number> = { 'unix-s': 1000, 'unix-ms': 1, 'unix-us': 1 / 1000 }

/** Reads a timestamp of a view's format, never guessing another one: Unix ms, or NaN. */
export const timeReader = (format: TimeFormat): ((value: unknown) => number) => {
  const bounded = (ms: number) => (ms >= earliest && ms <= latest ? ms : Number.NaN)
  if (format === 'iso8601') return (value) => (typeof value === 'string' ? bounded(parseIso(value)) : Number.NaN)
  const scale = unixScale[format]
  return (value) => {
    const number = typeof value === 'bigint' ? Number(value) : value
    return typeof number === 'number' && Number.isFinite(number) ? bounded(Math.floor(number * scale)) : Number.NaN
  }
}

/** When a record could be known first: its own timestamp, unless that is missing or ahead of the ingest clock. */
export const arrivalOf = (recordTime: number, now: number): number => (recordTime >= 0 && recordTime < now ? recordTime : now)

/** Where a row stands in time. */
export interface RowTimes {
  /** Clamped to the arrival. */
  eventTime: number
  availableAt: number
}

/** Places a live row in time; null when its event time lies too far in the future. */
export const placeLive = (eventTime: number, arrival: number): RowTimes | null => {
  if (eventTime > arrival + futureTolerance) return null
  return eventTime > arrival ? { eventTime: arrival, availableAt: arrival } : { eventTime, availableAt: arrival }
}

/** Places an imported row: known `lag` after it happened. Null when that, or its event time, lies in the future of the ingest clock. */
export const placeImported = (eventTime: number, lag: number, now: number): RowTimes | null => {
  const clamped = eventTime > now && eventTime <= now + futureTolerance ? now : eventTime
  return clamped + lag > now ? null : { eventTime: clamped, availableAt: clamped + lag }
}

/** Milliseconds as ISO 8601 in UTC. */
export const iso = (ms: number): string => {
  const day = Math.floor(ms / dayMs)
  if (day !== isoDay.number) isoDay = { number: day, text: new Date(ms).toISOString().slice(0, -13) }
  const rest = Math.floor(ms) - day * dayMs
  const seconds = Math.floor(rest / 1_000)
  const [hour, minute, second] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
  return `${isoDay.text}${twoDigits[hour]!}:${twoDigits[minute]!}:${twoDigits[second]!}.${String(rest % 1_000).padStart(3, '0')}Z`
}

const dayMs = 86_400_000
const twoDigits = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'))
/** The day that was written last, as the times of an answer mostly are of one: `Date` takes several times as long. */
let isoDay = { number: Number.NaN, text: '' }
