import { literal, quoted } from './duckdb.ts'

/** Two tables that are joined as of an instant: for each row of `left` the latest of `right` with the same key, up to its own instant. */
export interface AsOf {
  /** Key columns that both have by the same names. */
  readonly keys: readonly string[]
  readonly left: { readonly from: string; readonly at: string; readonly columns: readonly string[] }
  /** One row a key and instant. */
  readonly right: { readonly from: string; readonly at: string; readonly columns: readonly string[] }
  /** Conditions on the pairs, whose sides are `l` and `h`. */
  readonly where: readonly string[]
}

/**
 * How an engine says what the plan of a dataset means where the engines' SQL differs. All else is written once, in SQL that both take.
 *
 * Types are named as DuckDB does: `cast` and `null` translate them.
 */
export interface Dialect {
  quoted(name: string): string
  literal(text: string): string
  /** The engine's name of a type. */
  type(duckdb: string): string
  /** A value as a type, null when it can't be. */
  tryCast(value: string, duckdb: string): string
  /** Unix ms of an instant, and back. */
  msOf(instant: string): string
  instantOf(ms: string): string
  /** Parquet files with the same columns, as what stands after `from`. */
  parquet(paths: readonly string[]): string
  /** The rows of `from` (which may end in a `where`) of which a window's value passes the test. */
  filtered(query: { columns: string; from: string; window: string; test: (value: string) => string }): string
  /** `from … where …` of the pairs. */
  asOf(join: AsOf): string
  /** A number for each row of a table that is made once. */
  readonly rowNumber: string
  /** The tile that the event time `et` (ms) falls into. */
  tile(et: string, hop: number): string
  /** A row for each whole number from one to the other, both included. */
  eachOf(from: string, to: string): string
  /** A row's place in the online order, which compares as it does. */
  readonly place: string
  /** The value at the greatest place, of the rows where it is one. */
  valueAtGreatest(value: string, place: string): string
  /** A sum of doubles, as exact as the engine has it; and of whole numbers, which never overflows. */
  sum(doubles: string): string
  wholeSum(numbers: string): string
  /** A common table expression that is made once. */
  readonly materialized: string
}

/** DuckDB's SQL: what datasets are built with unless Spark is asked to. */
export const duckdb: Dialect = {
  quoted,
  literal,
  type: (type) => type,
  tryCast: (value, type) => `try_cast(${value} as ${type})`,
  msOf: (instant) => `epoch_ms(${instant})`,
  instantOf: (ms) => `epoch_ms(${ms})::TIMESTAMPTZ`,
  parquet: (paths) => `read_parquet([${paths.map(literal).join(', ')}])`,
  filtered: ({ columns, from, window, test }) => `select ${columns} from ${from} qualify ${test(window)}`,
  asOf: ({ keys, left, right, where }) =>
    `from ${left.from} l asof join ${right.from} h on ${keys.map((key) => `l.${key} = h.${key}`).join(' and ')} and l.${left.at} >= h.${right.at}
      ${where.length === 0 ? '' : `where ${where.join(' and ')}`}`,
  rowNumber: 'row_number() over ()',
  tile: (et, hop) => `fdiv(${et}, ${hop})::BIGINT`,
  eachOf: (from, to) => `unnest(range(${from}, ${to} + 1))`,
  place: `{'et': et, 'av': av, 'ep': ep, 'pa': pa, 'ofs': ofs}`,
  valueAtGreatest: (value, place) => `arg_max(${value}, ${place})`,
  sum: (doubles) => `fsum(${doubles})`,
  wholeSum: (numbers) => `sum(${numbers})::DOUBLE`,
  materialized: 'materialized',
}
