/** What a default may depend on: settings that are read before all others. */
export interface Base {
  app: string
  portOffset: number
  home: string
}

/** One setting of an app: where it comes from, what it may be, what it means. */
export interface Setting<T> {
  /** Name of the environment variable; `null`: the app's `<APP>_PORT`. */
  env: string | null
  type: string
  meaning: string
  secret: boolean
  fallback: (base: Base) => T
  /** Reads the variable's text; throws an Error that says what was expected. */
  read: (text: string) => T
}

type Fallback<T> = T | ((base: Base) => T)

interface Bounds {
  min?: number
  max?: number
}

const expected = (what: string): never => {
  throw new Error(`expected ${what}`)
}

const between = (value: number, { min, max }: Bounds, show: (value: number) => string): number => {
  if (min !== undefined && value < min) expected(`at least ${show(min)}`)
  if (max !== undefined && value > max) expected(`at most ${show(max)}`)
  return value
}

const make = <T>(
  type: string,
  env: string | null,
  fallback: Fallback<T>,
  meaning: string,
  read: (text: string) => T,
  secret = false,
): Setting<T> => ({
  env,
  type,
  meaning,
  secret,
  read,
  fallback: typeof fallback === 'function' ? (fallback as (base: Base) => T) : () => fallback,
})

const durations: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const sizes: Record<string, number> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

const withUnit = (text: string, units: Record<string, number>, example: string): number => {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text)
  const unit = match && Object.hasOwn(units, match[2]!) ? units[match[2]!] : undefined
  return match && unit !== undefined
    ? Number(match[1]) * unit
    : expected(`a number with a unit of ${Object.keys(units).join(', ')}, like ${example}`)
}

const withLargestUnit = (value: number, units: Record<string, number>): string => {
  const [unit, factor] =
    Object.entries(units).findLast(([, factor]) => value >= factor && value % factor === 0) ?? Object.entries(units)[0]!
  return `${value / factor}${unit}`
}

/** A duration in ms as people write it: 90000 → `90s`. */
export const showDuration = (ms: number): string => withLargestUnit(ms, durations)

/** A size in bytes as people write it: 16777216 → `16MiB`. */
export const showBytes = (bytes: number): string => withLargestUnit(bytes, sizes)

const readPort = (text: string): number => {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  return port <= 65_535 ? port : expected('a port, 0 to 65535')
}

const readUrl = (protocols: string[]) => (text: string) => {
  if (!URL.canParse(text) || !protocols.includes(new URL(text).protocol))
    expected(`a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`)
  return text.replace(/\/+$/, '')
}

const readList = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

const readBool = (text: string): boolean => (text === 'true' ? true : text === 'false' ? false : expected('true or false'))

const readInt = (bounds: Bounds) => (text: string) =>
  between(/^-?\d{1,15}$/.test(text) ? Number(text) : expected('a whole number'), bounds, String)

const readNumber = (bounds: Bounds) => (text: string) =>
  between(text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : expected('a number'), bounds, String)

/**
 * Builders of settings: `setting.int(2, 'DISPATCHER_MAX_CONCURRENT', 'How many trainings run at once.', { min: 1 })`.
 *
 * The first argument is the default; a function of `Base` when it depends on the port offset or the home folder.
 */
export const setting = {
  /** The app's own port, from `<APP>_PORT`; `CASCATA_PORT_OFFSET` is added to the default; 0 takes any free port. */
  port: (port: number): Setting<number> =>
    make('port', null, ({ portOffset }: Base) => port + portOffset, 'Port to listen on; 0 takes a free one.', readPort),
  int: (fallback: Fallback<number>, env: string, meaning: string, bounds: Bounds = {}) =>
    make('int', env, fallback, meaning, readInt(bounds)),
  number: (fallback: Fallback<number>, env: string, meaning: string, bounds: Bounds = {}) =>
    make('number', env, fallback, meaning, readNumber(bounds)),
  bool: (fallback: Fallback<boolean>, env: string, meaning: string) => make('bool', env, fallback, meaning, readBool),
  text: <T extends string | null>(fallback: Fallback<T>, env: string, meaning: string) =>
    make<T | string>('text', env, fallback, meaning, (text) => text),
  /** Never shown, neither by `describe` nor in a log. */
  secret: (env: string, meaning: string) => make<string | null>('secret', env, null, meaning, (text) => text, true),
  /** In milliseconds; written `500ms`, `30s`, `15m`, `36h`, `7d`. */
  duration: (fallback: Fallback<number>, env: string, meaning: string, bounds: Bounds = {}) =>
    make('duration', env, fallback, meaning, (text) => between(withUnit(text, durations, '30s'), bounds, showDuration)),
  /** In bytes; written `512B`, `64KiB`, `16MiB`, `2GiB`. */
  bytes: (fallback: Fallback<number>, env: string, meaning: string, bounds: Bounds = {}) =>
    make('bytes', env, fallback, meaning, (text) => between(withUnit(text, sizes, '16MiB'), bounds, showBytes)),
  choice: <const T extends string>(choices: readonly T[], fallback: Fallback<NoInfer<T>>, env: string, meaning: string) =>
    make<T>(
      choices.join(' | '),
      env,
      fallback,
      meaning,
      (text) => choices.find((choice) => choice === text) ?? expected(`one of ${choices.join(', ')}`),
    ),
  url: <T extends string | null>(fallback: Fallback<T>, env: string, meaning: string, protocols = ['http:', 'https:']) =>
    make<T | string>('url', env, fallback, meaning, readUrl(protocols)),
  list: (fallback: Fallback<string[]>, env: string, meaning: string) => make('list', env, fallback, meaning, readList),
}

/** How a value is written in the environment. */
export const showSetting = ({ type, secret }: Setting<unknown>, value: unknown): string => {
  if (value === null || value === undefined) return ''
  if (secret) return '(secret)'
  if (type === 'duration') return showDuration(value as number)
  if (type === 'bytes') return showBytes(value as number)
  return Array.isArray(value) ? value.join(',') : String(value)
}
