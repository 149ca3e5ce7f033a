import { type NamedField, type View } from '../feature-views/view.ts'
import { type Dialect, duckdb } from './dialects.ts'
import { sqlType } from './duckdb-values.ts'

/** What a segment says of each row besides its fields. */
export const metaColumns = [
  '__partition',
  '__offset',
  '__epoch',
  '__event_time',
  '__available_at',
  '__ingested_at',
  '__revision',
] as const

/** Rows that are to be taken as gone: those of an entity with an event time up to `until`, in Unix ms. */
export interface ErasedRows {
  /** Fields with their values as text; a timestamp in Unix ms. */
  readonly entity: readonly (readonly [field: string, value: string])[]
  readonly until: number
}

/** A file of rows, with the columns of one revision of its view. */
export interface SegmentFile {
  /** Absolute path. */
  readonly path: string
  readonly revision: number
  /** What it may still hold, and must not show. */
  readonly erased?: readonly ErasedRows[]
}

/**
 * SQL that reads segments as rows of the view's present revision: a field that a segment's revision did not know is null,
 * one that was narrower then is widened.
 *
 * @param fieldsOf The fields of a revision.
 * @param columns Fields and meta columns wanted.
 * @param dialect Of the engine that reads them.
 */
export function scanSql(
  view: View,
  segments: readonly SegmentFile[],
  fieldsOf: (revision: number) => ReadonlySet<string>,
  columns: readonly string[],
  dialect: Dialect = duckdb,
): string {
  const { quoted, type: typed } = dialect
  const byName = new Map(view.fields.map((field) => [field.name, field]))
  const column = (name: string, known: ReadonlySet<string>) => {
    const field = byName.get(name)
    if (!field) return quoted(name)
    return `cast(${known.has(name) ? quoted(name) : 'null'} as ${typed(sqlType[field.type])}) as ${quoted(name)}`
  }
  const select = (list: string, from: string) => `select ${list} from ${from}`
  if (segments.length === 0) {
    return select(
      columns
        .map((name) => {
          const field = byName.get(name)
          return `cast(null as ${typed(field ? sqlType[field.type] : metaType(name))}) as ${quoted(name)}`
        })
        .join(', '),
      '(select 1) where false',
    )
  }
  return [...Map.groupBy(segments, ({ revision, erased = [] }) => JSON.stringify([revision, erased])).values()]
    .map((files) => {
      const { revision, erased = [] } = files[0]!
      const known = fieldsOf(revision)
      const source = dialect.parquet(files.map(({ path }) => path))
      const shown =
        erased.length === 0 ? '' : ` where not (${erased.map((each) => erasedSql(each, byName, dialect)).join(' or ')})`
      return select(columns.map((name) => column(name, known)).join(', '), `${source}${shown}`)
    })
    .join(' union all ')
}

const erasedSql = ({ entity, until }: ErasedRows, fields: ReadonlyMap<string, NamedField>, dialect: Dialect): string =>
  `(${entitySql(entity, fields, dialect)} and ${dialect.msOf('__event_time')} <= ${until})`

/** SQL that is true for the rows of an entity. */
export const entitySql = (
  entity: ErasedRows['entity'],
  fields: ReadonlyMap<string, NamedField>,
  { quoted, literal, type: typed, instantOf }: Dialect = duckdb,
): string =>
  entity
    .map(([name, value]) => {
      const { type } = fields.get(name)!
      const written =
        type === 'timestamp' ? instantOf(String(BigInt(value))) : `cast(${literal(value)} as ${typed(sqlType[type])})`
      return `${quoted(name)} = ${written}`
    })
    .join(' and ')

const metaType = (name: string): string =>
  name === '__deleted' ? 'BOOLEAN' : name.endsWith('_time') || name.endsWith('_at') ? 'TIMESTAMPTZ' : 'BIGINT'
