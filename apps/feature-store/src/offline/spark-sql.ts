import { type AsOf, type Dialect } from './dialects.ts'

const types: Record<string, string> = { VARCHAR: 'string', BLOB: 'binary', TIMESTAMPTZ: 'timestamp' }

const typeOf = (type: string): string =>
  type.endsWith('[]') ? `array<${typeOf(type.slice(0, -2))}>` : (types[type] ?? type.toLowerCase())

const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``

/** In Spark a backslash in a text escapes what follows. */
const literal = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`

/** A text or a double may hold a whole number; DuckDB takes it as one, and rounds. */
const tryWhole = (value: string, type: string): string => `try_cast(round(try_cast(${value} as decimal(38, 6))) as ${type})`

/**
 * Spark has no ASOF join in SQL: rows of both sides are sorted together by key and instant, and each of the left sees the last of the right.
 * That is one shuffle by key, whatever the sides' sizes.
 */
function asOf({ keys, left, right, where }: AsOf): string {
  const key = keys.join(', ')
  const nulls = left.columns.map((column) => `null as ${column}`)
  const row = `struct(${[...keys, right.at, ...right.columns].join(', ')})`
  return `from (
      select ${[...keys, ...left.columns].join(', ')}, side, last_value(h) ignore nulls over (
               partition by ${key} order by instant, side rows between unbounded preceding and current row) as h
        from (select ${[key, ...left.columns].join(', ')}, ${left.at} as instant, 1 as side, null as h from ${left.from}
              union all select ${[key, ...nulls].join(', ')}, ${right.at} as instant, 0 as side, ${row} as h from ${right.from})) l
     where ${['l.side = 1', 'h is not null', ...where].join(' and ')}`
}

/** Spark SQL (4.0 and later, ANSI), and the Parquet files that it reads, by the names that it has for them. */
export function sparkSql(): { readonly dialect: Dialect; readonly inputs: Readonly<Record<string, readonly string[]>> } {
  const inputs: Record<string, readonly string[]> = {}
  const dialect: Dialect = {
    quoted,
    literal,
    type: typeOf,
    tryCast: (value, type) =>
      type === 'BIGINT' || type === 'INTEGER' ? tryWhole(value, typeOf(type)) : `try_cast(${value} as ${typeOf(type)})`,
    msOf: (instant) => `unix_millis(${instant})`,
    instantOf: (ms) => `timestamp_millis(${ms})`,
    parquet(paths) {
      const name = `input_${Object.keys(inputs).length}`
      inputs[name] = paths
      return name
    },
    filtered: ({ columns, from, window, test }) =>
      `select ${columns} from (select *, ${window} as chosen_by from ${from}) where ${test('chosen_by')}`,
    asOf,
    rowNumber: 'monotonically_increasing_id()',
    tile: (et, hop) => `((${et} - pmod(${et}, ${hop})) div ${hop})`,
    eachOf: (from, to) => `explode(sequence(${from}, ${to}))`,
    place: 'struct(et, av, ep, pa, ofs)',
    valueAtGreatest: (value, place) => `max_by(${value}, case when ${value} is not null then ${place} end)`,
    sum: (doubles) => `sum(${doubles})`,
    wholeSum: (numbers) => `cast(sum(cast(${numbers} as decimal(38, 0))) as double)`,
    materialized: '',
  }
  return { dialect, inputs }
}
