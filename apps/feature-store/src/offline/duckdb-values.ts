import {
  BIGINT,
  BLOB,
  BOOLEAN,
  blobValue,
  DOUBLE,
  DuckDBBlobValue,
  DuckDBListValue,
  type DuckDBType,
  type DuckDBValue,
  FLOAT,
  INTEGER,
  LIST,
  listValue,
  VARCHAR,
} from '@duckdb/node-api'
import { fieldTypes, itemType, type FieldType, type PlainType, valueType } from '@cascata/resources'
import { type PlainValue, type Value } from '../feature-views/view.ts'

const plainSqlType: Readonly<Record<PlainType, string>> = {
  string: 'VARCHAR',
  bytes: 'BLOB',
  int: 'BIGINT',
  int32: 'INTEGER',
  float: 'FLOAT',
  double: 'DOUBLE',
  bool: 'BOOLEAN',
  timestamp: 'TIMESTAMPTZ',
}

/** The type of a field in segments and datasets. */
export const sqlType = Object.fromEntries(
  fieldTypes.map((type) => [type, `${plainSqlType[valueType(type)]}${itemType(type) === undefined ? '' : '[]'}`]),
) as Readonly<Record<FieldType, string>>

const plainLoadType: Readonly<Record<PlainType, DuckDBType>> = {
  string: VARCHAR,
  bytes: BLOB,
  int: BIGINT,
  int32: INTEGER,
  float: FLOAT,
  double: DOUBLE,
  bool: BOOLEAN,
  timestamp: DOUBLE,
}

/** How a field is handed to DuckDB: times as ms, which `storedSql` converts. */
export const loadType = (type: FieldType): DuckDBType => {
  const item = itemType(type)
  return item === undefined ? plainLoadType[type as PlainType] : LIST(plainLoadType[item])
}

/** SQL that does something to a value, or to each of a list. */
export const eachSql = (type: FieldType, column: string, sql: (value: string) => string): string =>
  itemType(type) === undefined ? sql(column) : `list_transform(${column}, lambda x: ${sql('x')})`

/** SQL of the stored value, of one that was loaded. */
export const storedSql = (type: FieldType, column: string): string =>
  valueType(type) === 'timestamp' ? eachSql(type, column, (ms) => `epoch_ms(${ms}::BIGINT)::TIMESTAMPTZ`) : column

/** SQL of a stored value as `fromDuck` takes it. */
export const readSql = (type: FieldType, column: string): string =>
  valueType(type) === 'timestamp' ? eachSql(type, column, (time) => `epoch_ms(${time})::DOUBLE`) : column

/** Makes what DuckDB takes of values of a type; undefined when they are taken as they are. */
export function toDuck(type: FieldType): ((value: Exclude<Value, null>) => DuckDBValue) | undefined {
  const plain = plainToDuck[valueType(type)]
  if (itemType(type) === undefined) return plain && ((value) => plain(value as PlainValue))
  return (value) => {
    const items = value as readonly PlainValue[]
    return listValue(plain ? items.map(plain) : (items as readonly DuckDBValue[]))
  }
}

const plainToDuck: Partial<Record<PlainType, (value: PlainValue) => DuckDBValue>> = {
  int: (value) => BigInt(value as number | bigint),
  bytes: (value) => blobValue(value as Buffer),
}

/** A value as DuckDB gives it by `readSql`; an integer is a bigint only where it is no safe integer. */
export function fromDuck(value: DuckDBValue | undefined): Value {
  if (typeof value === 'bigint') return narrowed(value)
  if (typeof value !== 'object') return value ?? null
  if (value instanceof DuckDBListValue) return value.items.map((item) => fromDuck(item) as PlainValue)
  return value instanceof DuckDBBlobValue ? Buffer.from(value.bytes) : null
}

/** As JSON is parsed: a bigint only where a number would lose digits. */
export const narrowed = (value: bigint): number | bigint => {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
