import { itemType, maxListItems, type PlainType } from '@cascata/resources'
import { type NamedField, type View } from '../feature-views/view.ts'
import { type TimeFormat } from '../ingest/validate-times.ts'
import { literal, quoted } from '../offline/duckdb.ts'

/** How a column of a file becomes a field, in SQL. */
export interface ColumnSql {
  readonly field: NamedField
  /** The value as it is stored; right where `sure` holds. */
  readonly value: string
  /**
   * True where the live rules certainly accept the value, as `value`. It may be false or null for good values, and never true for others:
   * what is not sure goes to the live rules themselves. So both agree, and the common case needs no JavaScript.
   */
  readonly sure: string
  /** The value as the live rules are given it. */
  readonly raw: string
  /** How `raw`, or each item of its list, is read: as it is, as text of CSV, or as microseconds since 1970. */
  readonly rawKind: 'plain' | 'text' | 'micros'
}

/** Integers that doubles hold exactly. */
const exact = 9_007_199_254_740_991
/** Times from 1970 on, well before the year 9999: rounding goes one way only. */
const lastSureMs = 4_102_444_800_000

type PlainField = NamedField & { readonly type: PlainType }

type Sql = Pick<ColumnSql, 'value' | 'sure'> & { raw?: string; rawKind?: ColumnSql['rawKind'] }

const wholeTypes = /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT))$/
const realTypes = /^(FLOAT|DOUBLE)$/
const wideTypes = /^(HUGEINT|UHUGEINT|DECIMAL\(.*\))$/
const timeTypes = /^TIMESTAMP/

const never: Sql = { value: 'null', sure: 'false' }

/**
 * How a column of this type becomes a field; null when no value of it ever could.
 *
 * @param type As DuckDB names it. @param isText The file holds texts alone (CSV).
 */
export function columnSql(field: NamedField, type: string, format: TimeFormat, isText: boolean): ColumnSql | null {
  const column = quoted(field.name)
  const item = itemType(field.type)
  const sql = item
    ? ofList({ ...field, type: item }, column, type, format)
    : isText
      ? ofText(field as PlainField, column, format)
      : ofTyped(field as PlainField, column, type, format)
  return sql && { field, rawKind: isText ? 'text' : 'plain', raw: column, ...sql, sure: nullable(field, column, sql.sure) }
}

const nullable = ({ nullable }: NamedField, column: string, sure: string): string =>
  nullable ? `(${column} is null or (${sure}))` : `(${column} is not null and (${sure}))`

/** A list of values: sure when each of its items is. */
function ofList(field: PlainField, column: string, type: string, format: TimeFormat): Sql | null {
  const of = /^(.+)\[\d*\]$/.exec(type)?.[1]
  const item = of === undefined ? null : ofTyped(field, 'x', of, format)
  if (!item) return null
  const each = (sql: string) => `list_transform(${column}, lambda x: ${sql})`
  const { minItems = 0, maxItems = maxListItems } = field
  return {
    value: each(item.value),
    sure: `len(${column}) between ${minItems} and ${maxItems} and coalesce(list_bool_and(${each(`x is not null and coalesce(${item.sure}, false)`)}), true)`,
    raw: each(item.raw ?? 'x'),
    ...(item.rawKind ? { rawKind: item.rawKind } : {}),
  }
}

function ofTyped(field: PlainField, column: string, type: string, format: TimeFormat): Sql | null {
  const isWhole = wholeTypes.test(type)
  const isReal = realTypes.test(type)
  const asDouble = `${column}::DOUBLE`
  switch (field.type) {
    case 'string':
      return type === 'VARCHAR' ? text(field, column) : type === 'UUID' ? { ...never, raw: `${column}::VARCHAR` } : null
    case 'bytes':
      if (type === 'VARCHAR') return never
      return type === 'BLOB' ? { value: column, sure: bytesSure(field, column), raw: `base64(${column})` } : null
    case 'bool':
      return type === 'BOOLEAN' ? { value: column, sure: 'true' } : null
    case 'int':
    case 'int32':
      if (isWhole) return whole(field, `${column}::HUGEINT`)
      if (isReal) return { ...whole(field, asDouble, `isfinite(${column}) and trunc(${column}) = ${column}`), raw: asDouble }
      return wideTypes.test(type) ? { ...never, raw: asDouble } : null
    case 'float':
    case 'double':
      if (isReal) return { ...real(field, asDouble, `isfinite(${column})`), raw: asDouble }
      if (isWhole) return real(field, asDouble, `${column}::HUGEINT between -${exact} and ${exact}`)
      return wideTypes.test(type) ? { ...never, raw: asDouble } : null
    case 'timestamp':
      return time(column, type, format, isWhole, isReal)
  }
}

function time(column: string, type: string, format: TimeFormat, isWhole: boolean, isReal: boolean): Sql | null {
  if (timeTypes.test(type)) {
    const micros = `epoch_us(${column}${type.endsWith('ZONE') ? '' : '::TIMESTAMP'})`
    const raw = `case when isfinite(${column}) then ${micros} end`
    return {
      value: stored(`${micros} // 1000`),
      sure: `isfinite(${column}) and ${micros} between 0 and ${lastSureMs * 1000}`,
      raw,
      rawKind: 'micros',
    }
  }
  if (type === 'VARCHAR') return format === 'iso8601' ? iso(column) : null
  if (format === 'iso8601') return null
  if (isWhole) return unix(`${column}::HUGEINT`, format)
  return isReal ? { ...never, raw: `${column}::DOUBLE` } : null
}

const stored = (ms: string): string => `epoch_ms((${ms})::BIGINT)::TIMESTAMPTZ`

/** Whole numbers of the unit of a view. */
function unix(number: string, format: Exclude<TimeFormat, 'iso8601'>): Sql {
  const ms = { 'unix-s': `${number} * 1000`, 'unix-ms': number, 'unix-us': `${number} // 1000` }[format]
  const last = { 'unix-s': lastSureMs / 1000, 'unix-ms': lastSureMs, 'unix-us': lastSureMs * 1000 }[format]
  return { value: stored(ms), sure: `${number} between 0 and ${last}` }
}

const isoShape = '[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|\\+00:00)'

function iso(column: string): Sql {
  const micros = `epoch_us(try_cast(${column} as TIMESTAMPTZ))`
  return {
    value: stored(`${micros} // 1000`),
    sure: `regexp_full_match(${column}, ${literal(isoShape)}) and ${micros} between 0 and ${lastSureMs * 1000}`,
  }
}

function text({ minLength, maxLength, enum: allowed, pattern }: NamedField, column: string): Sql {
  // Patterns are JavaScript's. Lengths are of characters: bytes bound them from both sides.
  if (pattern !== undefined) return never
  const rules = [
    ...(maxLength === undefined ? [] : [`strlen(${column}) <= ${maxLength}`]),
    ...(minLength === undefined ? [] : [`strlen(${column}) >= ${minLength * 4}`]),
    ...(allowed ? [`${column} in (${allowed.map((value) => literal(String(value))).join(', ')})`] : []),
  ]
  return { value: column, sure: rules.join(' and ') || 'true' }
}

const bytesSure = ({ minLength = 0, maxLength }: NamedField, column: string): string =>
  `octet_length(${column}) >= ${minLength}${maxLength === undefined ? '' : ` and octet_length(${column}) <= ${maxLength}`}`

/** A number as SQL writes it so that no digit is lost. */
const double = (value: number): string => `${literal(String(value))}::DOUBLE`

function range({ min, max, enum: allowed }: NamedField, value: string): string[] {
  return [
    ...(min === undefined ? [] : [`${value}::DOUBLE >= ${double(min)}`]),
    ...(max === undefined ? [] : [`${value}::DOUBLE <= ${double(max)}`]),
    ...(allowed ? [`${value} in (${allowed.map(String).join(', ')})`] : []),
  ]
}

function whole(field: NamedField, number: string, ...more: string[]): Sql {
  const [least, most] = field.type === 'int32' ? [-2_147_483_648, 2_147_483_647] : [-exact, exact]
  const sure = [...more, `${number} between ${least} and ${most}`, ...range(field, number)].join(' and ')
  return { value: `try_cast(${number} as ${field.type === 'int32' ? 'INTEGER' : 'BIGINT'})`, sure }
}

function real(field: NamedField, number: string, ...more: string[]): Sql {
  const single = field.type === 'float'
  const sure = [...more, ...(single ? [`abs(${number}) <= 3.4e38`] : []), ...range(field, number)].join(' and ') || 'true'
  return { value: single ? `try_cast(${number} as FLOAT)` : number, sure }
}

const wholeShape = '-?(0|[1-9][0-9]{0,14})'

/** Texts of CSV: numbers as JSON writes them, true and false, timestamps in the format of the view. */
function ofText(field: PlainField, column: string, format: TimeFormat): Sql {
  const matches = (shape: string) => `regexp_full_match(${column}, ${literal(shape)})`
  switch (field.type) {
    case 'string':
      return text(field, column)
    case 'bytes':
      return never
    case 'bool':
      return { value: `${column} = 'true'`, sure: `${column} in ('true', 'false')` }
    case 'int':
    case 'int32':
      return whole(field, `try_cast(${column} as BIGINT)`, matches(wholeShape))
    case 'float':
    case 'double':
      return real(field, `try_cast(${column} as DOUBLE)`, matches(`${wholeShape}(\\.[0-9]{1,17})?`))
    case 'timestamp':
      if (format === 'iso8601') return iso(column)
      const { value, sure } = unix(`try_cast(${column} as BIGINT)`, format)
      return { value, sure: `${matches(wholeShape)} and ${sure}` }
  }
}

/** Of a whole row: that its texts are short enough, and its key. */
export function rowSure(view: View, columns: readonly ColumnSql[]): string {
  const bytes = (of: readonly ColumnSql[], factor: number) => of.map(({ field }) => bytesSql(field, factor)).join(' + ') || '0'
  const keys = columns.filter(({ field }) => view.spec.entity.includes(field.name))
  return `(${bytes(keys, 2)}) <= 1024 and (${bytes(columns, 1)}) <= 500000`
}

/** SQL of the bytes that a value takes at most, texts and bytes taken times `factor`. */
function bytesSql({ name, type }: NamedField, factor: number): string {
  const column = quoted(name)
  const item = itemType(type)
  if (item === undefined) return plainBytesSql(type as PlainType, column, factor)
  return `coalesce(list_sum(list_transform(${column}, lambda x: ${plainBytesSql(item, 'x', factor)})), 0)`
}

/** Bytes that are written as text take more room than they do as they are. */
const plainBytesSql = (type: PlainType, column: string, factor: number): string => {
  if (type === 'string') return `coalesce(strlen(${column}), 0) * ${factor} + 1`
  return type === 'bytes' ? `coalesce(strlen(${column}::VARCHAR), 0) * ${factor} + 1` : '25'
}
