import { type NamedField, type View } from '../feature-views/view.ts'
import { literal, quoted } from './duckdb.ts'

/** The type of a field in segments and datasets. */
export const sqlType: Record<NamedField['type'], string> = {
  string: 'VARCHAR',
  int: 'BIGINT',
  int32: 'INTEGER',
  float: 'FLOAT',
  double: 'DOUBLE',
  bool: 'BOOLEAN',
  timestamp: 'TIMESTAMPTZ',
}

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

/** A file of rows, validated under one revision of its view. */
export interface SegmentFile {
  /** Absolute path. */
  readonly path: string
  readonly revision: number
}

/**
 * SQL that reads segments as rows of the view's present revision: a field that a segment's revision did not know is null,
 * one that was narrower then is widened.
 *
 * @param fieldsOf The fields of a revision.
 * @param columns Fields and meta columns wanted.
 */
export function scanSql(
  view: View,
  segments: readonly SegmentFile[],
  fieldsOf: (revision: number) => ReadonlySet<string>,
  columns: readonly string[],
): string {
  const byName = new Map(view.fields.map((field) => [field.name, field]))
  const column = (name: string, known: ReadonlySet<string>) => {
    const field = byName.get(name)
    if (!field) return quoted(name)
    return known.has(name)
      ? `${quoted(name)}::${sqlType[field.type]} as ${quoted(name)}`
      : `null::${sqlType[field.type]} as ${quoted(name)}`
  }
  const select = (list: string, from: string) => `select ${list} from ${from}`
  if (segments.length === 0) {
    return select(
      columns
        .map((name) => `null::${byName.has(name) ? sqlType[byName.get(name)!.type] : metaType(name)} as ${quoted(name)}`)
        .join(', '),
      '(select 1) where false',
    )
  }
  return [...Map.groupBy(segments, ({ revision }) => revision)]
    .map(([revision, files]) => {
      const known = fieldsOf(revision)
      const list = files.map(({ path }) => literal(path)).join(', ')
      return select(columns.map((name) => column(name, known)).join(', '), `read_parquet([${list}])`)
    })
    .join(' union all ')
}

const metaType = (name: string): string =>
  name === '__deleted' ? 'BOOLEAN' : name.endsWith('_time') || name.endsWith('_at') ? 'TIMESTAMPTZ' : 'BIGINT'
