import { scalar, type Shape } from './shape.ts'

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const longestMs = 36_525 * 86_400_000

const durationPattern = /^(\d{1,15}(?:\.\d{1,6})?)(ms|s|m|h|d)$/

const parseDuration = (written: unknown): number | undefined => {
  const match = typeof written === 'string' ? durationPattern.exec(written) : null
  if (!match) return undefined
  const ms = Math.round(Number(match[1]) * unitMs[match[2]!]!)
  return ms <= longestMs ? ms : undefined
}

/** A duration in the largest unit that gives a whole number: 5400000 → `90m`. */
export const writeDuration = (ms: number): string => {
  if (ms === 0) return '0s'
  const unit = ['d', 'h', 'm', 's'].find((each) => ms % unitMs[each]! === 0) ?? 'ms'
  return `${ms / unitMs[unit]!}${unit}`
}

/** A duration with its unit (`90s`, `15m`, `36h`, `7d`), as milliseconds; at most 100 years. */
export const duration = ({ min = 0 }: { min?: number } = {}): Shape<number> =>
  scalar({
    expected: `a duration with its unit, such as 90s, 15m, 36h or 7d${min >= 1000 ? ` (at least ${writeDuration(min)})` : ''}`,
    schema: { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$' },
    parse: (written) => {
      const ms = parseDuration(written)
      return ms !== undefined && ms >= min ? ms : undefined
    },
    write: writeDuration,
    hint: (written) => {
      if (typeof written === 'number') return `write its unit, for example ${written}s`
      if (typeof written === 'string' && /^\d+(w|weeks?)$/.test(written)) return 'write weeks as days: 7d'
      if (typeof written === 'string' && /^(\d+[dhms]){2,}$/.test(written)) return 'use one unit: 1h30m is 90m'
      return undefined
    },
  })

/** A window by the name it was written with, which is part of the names it is served under, and its length in ms. */
export interface Window {
  name: string
  ms: number
}

/** A duration that keeps how it was written: `24h` and `1d` are as long, but serve `delay_24h` and `delay_1d`. */
export const namedDuration = ({ min = 0 }: { min?: number } = {}): Shape<Window> => ({
  ...duration({ min }),
  read: (written, path, report) => {
    const ms = duration({ min }).read(written, path, report)
    return ms === undefined ? undefined : { name: written as string, ms }
  },
  write: ({ name }) => name,
})

const tidy = (value: number): number => Number(value.toPrecision(12))

/** A share with its percent sign (`15%`), as a fraction of 1. `signed` is an allowed increase (`+1%`). */
export const share = ({
  min = 0,
  max = 1,
  signed = false,
}: { min?: number; max?: number; signed?: boolean } = {}): Shape<number> =>
  scalar({
    expected: signed ? 'an increase such as "+1%"' : `a share from ${tidy(min * 100)}% to ${tidy(max * 100)}%`,
    schema: { type: 'string', pattern: signed ? '^\\+[0-9]+(\\.[0-9]+)?%$' : '^[0-9]+(\\.[0-9]+)?%$' },
    parse: (written) => {
      const match = typeof written === 'string' ? /^(\+?)(\d{1,6}(?:\.\d{1,9})?)%$/.exec(written) : null
      if (!match || (match[1] === '+') !== signed) return undefined
      const fraction = tidy(Number(match[2]) / 100)
      return fraction >= min && fraction <= max ? fraction : undefined
    },
    write: (fraction) => `${signed ? '+' : ''}${tidy(fraction * 100)}%`,
    hint: (written) => {
      if (typeof written === 'number')
        return `write the percent sign: ${signed ? `"+${tidy(written * 100)}%"` : `${tidy(written * 100)}%`}`
      return signed && typeof written === 'string' && /^\d/.test(written) ? `write its direction: "+${written}"` : undefined
    },
  })

/** A bound with its direction. */
export interface Bound {
  op: '>=' | '<=' | '>' | '<'
  value: number
}

/** Whether a value keeps a bound; NaN keeps none. */
export function keeps(bound: Bound, value: number): boolean {
  switch (bound.op) {
    case '>=':
      return value >= bound.value
    case '<=':
      return value <= bound.value
    case '>':
      return value > bound.value
    case '<':
      return value < bound.value
  }
}

/** A bound as a user writes it: `{op:'>=', value:0.6}` → `>= 0.6`. */
export const writeBound = ({ op, value }: Bound): string => `${op} ${value}`

export const bound = (): Shape<Bound> =>
  scalar<Bound>({
    expected: 'a bound with its direction, such as ">= 0.60"',
    schema: { type: 'string', pattern: '^(>=|<=|>|<) *-?[0-9]+(\\.[0-9]+)?$' },
    parse: (written) => {
      const match = typeof written === 'string' ? /^(>=|<=|>|<) *(-?\d{1,15}(?:\.\d{1,15})?)$/.exec(written) : null
      return match ? { op: match[1] as Bound['op'], value: Number(match[2]) } : undefined
    },
    write: writeBound,
    hint: (written) =>
      typeof written === 'number' || (typeof written === 'string' && /^-?\d/.test(written))
        ? `write its direction: ">= ${written}" or "<= ${written}"`
        : undefined,
  })

/** A whole number that JavaScript holds exactly. */
export const whole = ({ min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {}): Shape<number> =>
  scalar({
    expected: max === Number.MAX_SAFE_INTEGER ? `a whole number of at least ${min}` : `a whole number from ${min} to ${max}`,
    schema: { type: 'integer', minimum: min, maximum: max },
    parse: (written) =>
      Number.isSafeInteger(written) && (written as number) >= min && (written as number) <= max ? (written as number) : undefined,
  })

/** A finite number. */
export const decimal = ({
  min = -Number.MAX_VALUE,
  max = Number.MAX_VALUE,
}: { min?: number; max?: number } = {}): Shape<number> =>
  scalar({
    expected:
      min === -Number.MAX_VALUE && max === Number.MAX_VALUE
        ? 'a number'
        : `a number${min > -Number.MAX_VALUE ? ` from ${min}` : ''}${max < Number.MAX_VALUE ? ` to ${max}` : ''}`,
    schema: {
      type: 'number',
      ...(min > -Number.MAX_VALUE ? { minimum: min } : {}),
      ...(max < Number.MAX_VALUE ? { maximum: max } : {}),
    },
    parse: (written) =>
      typeof written === 'number' && Number.isFinite(written) && written >= min && written <= max ? written : undefined,
  })

export const bool = (): Shape<boolean> =>
  scalar({
    expected: 'true or false',
    schema: { type: 'boolean' },
    parse: (written) => (typeof written === 'boolean' ? written : undefined),
    hint: (written) =>
      typeof written === 'string' && /^(yes|on|y|no|off|n)$/i.test(written)
        ? `write ${/^(yes|on|y)$/i.test(written) ? 'true' : 'false'}`
        : undefined,
  })

/** Text without control characters. */
export const text = ({
  expected = 'text',
  min = 0,
  max = 1000,
  pattern,
}: { expected?: string; min?: number; max?: number; pattern?: RegExp } = {}): Shape<string> =>
  scalar({
    expected,
    schema: { type: 'string', minLength: min, maxLength: max, ...(pattern ? { pattern: pattern.source } : {}) },
    parse: (written) =>
      typeof written === 'string' &&
      written.length >= min &&
      written.length <= max &&
      !/[\p{Cc}--[\t\n\r]]/v.test(written) &&
      (pattern?.test(written) ?? true)
        ? written
        : undefined,
    hint: (written) => (typeof written === 'number' || typeof written === 'boolean' ? `quote it: "${written}"` : undefined),
  })

const byteUnits: Readonly<Record<string, number>> = {
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
}

/** An amount of memory (`512Mi`, `2Gi`), as bytes. */
export const bytes = ({ min = 0 }: { min?: number } = {}): Shape<number> =>
  scalar({
    expected: 'an amount of memory such as 512Mi or 2Gi',
    schema: { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|K|M|G|T)$' },
    parse: (written) => {
      const match = typeof written === 'string' ? /^(\d{1,15}(?:\.\d{1,6})?)(Ki|Mi|Gi|Ti|K|M|G|T)$/.exec(written) : null
      const value = match ? Math.round(Number(match[1]) * byteUnits[match[2]!]!) : Number.NaN
      return Number.isSafeInteger(value) && value >= min ? value : undefined
    },
    write: (value) => {
      const unit = ['Gi', 'Mi', 'Ki', 'K'].find((each) => value % byteUnits[each]! === 0)
      return unit ? `${value / byteUnits[unit]!}${unit}` : `${value / 1e3}K`
    },
    hint: (written) => (typeof written === 'number' ? `write its unit: ${written}Mi` : undefined),
  })
