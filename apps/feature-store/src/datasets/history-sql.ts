import { type View } from '../feature-views/view.ts'
import { type Dialect, duckdb } from '../offline/dialects.ts'
import { scanSql, type SegmentFile } from '../offline/segment-columns.ts'
import { type Step } from './steps.ts'

/** Up to where a view's rows exist, for a partition; `to` is exclusive. Rows of earlier epochs all exist. */
export interface SnapshotPart {
  readonly partition: number
  readonly epoch: number
  readonly to: number
}

/** The rows of a view as of a snapshot. */
export interface ViewRows {
  readonly view: View
  /** Segments that lie in the snapshot as a whole. */
  readonly whole: readonly SegmentFile[]
  /** Segments of which some rows may lie behind it. */
  readonly cut: readonly SegmentFile[]
  readonly snapshot: readonly SnapshotPart[]
  readonly fieldsOf: (revision: number) => ReadonlySet<string>
}

/** Columns of a key in the tables that are made here: `k0`, `k1`, … */
export const keyColumns = (count: number, of = ''): string[] => Array.from({ length: count }, (_, index) => `${of}k${index}`)

/**
 * SQL of a view's rows: keys as `k0…`, times in ms as `et` and `av`, place as `ep`, `pa`, `ofs`, tombstones as `del`, and `fields` by name.
 */
export function rowsSql(
  { view, whole, cut, snapshot, fieldsOf }: ViewRows,
  fields: readonly string[],
  dialect: Dialect = duckdb,
): string {
  const { quoted, msOf } = dialect
  const meta = ['__event_time', '__available_at', '__epoch', '__partition', '__offset', '__deleted']
  const columns = [...new Set([...view.spec.entity, ...fields])]
  const scan = (files: readonly SegmentFile[]) => scanSql(view, files, fieldsOf, [...columns, ...meta], dialect)
  const list = [
    ...view.spec.entity.map((name, index) => `${quoted(name)} as k${index}`),
    `${msOf('__event_time')} as et, ${msOf('__available_at')} as av, __epoch as ep, __partition as pa, __offset as ofs, __deleted as del`,
    ...fields.map(quoted),
  ].join(', ')
  const bounds = snapshot.map(({ partition, epoch, to }) => `(${partition}, ${epoch}, ${to})`).join(', ')
  const parts = [`select ${list} from (${scan(whole)})`]
  if (cut.length > 0 && bounds !== '') {
    parts.push(`select ${list} from (${scan(cut)}) join (values ${bounds}) as bound (p, e, t)
      on __partition = p and (__epoch < e or (__epoch = e and __offset < t))`)
  }
  return parts.join(' union all ')
}

/**
 * The table `wanted` of the keys that are asked for. A spine of hundreds is asked for far more often than one of
 * millions, and only its keys' rows need to be sorted.
 *
 * @param keys SQL of the keys, in the view's order and types.
 */
export const wantedStep = (source: string, keys: readonly string[]): Step => ({
  table: 'wanted',
  as: `select distinct ${keys.map((key, index) => `${key} as k${index}`).join(', ')} from ${source}`,
})

/**
 * The table `name` of what the online store went through: a row for each time that a key's answer changed, from `av` on.
 *
 * Each key's rows in the order in which they became available, without those below the running maximum of event time:
 * exactly those that the compare-and-set refused. Of several that became available at one instant the last counts.
 *
 * @param all Otherwise only the keys in `wanted`, and what was available at the last `at_ms` of `base`.
 */
export function historyStep(
  name: string,
  rows: ViewRows,
  fields: readonly string[],
  { all, dialect }: { all: boolean; dialect: Dialect },
): Step {
  const { filtered, quoted } = dialect
  const keys = keyColumns(rows.view.entity.length).join(', ')
  const asked = all ? '' : `semi join wanted using (${keys}) where av <= (select max(at_ms) from base)`
  const columns = [keys, 'et', 'av', 'del', ...fields.map(quoted)].join(', ')
  const shown = filtered({
    columns: `${columns}, ep, pa, ofs`,
    from: `(${rowsSql(rows, fields, dialect)}) ${asked}`,
    window: `max(et) over (partition by ${keys} order by av, ep, pa, ofs rows between unbounded preceding and current row)`,
    test: (greatest) => `et >= ${greatest}`,
  })
  const window = `row_number() over (partition by ${keys}, av order by ep desc, pa desc, ofs desc)`
  return { table: name, as: filtered({ columns, from: `(${shown})`, window, test: isFirst }) }
}

const isFirst = (place: string): string => `${place} = 1`

/**
 * The table `name` of a label's rows: of rows of one key and event time the winner by the online rule.
 * Only the keys in `wanted`, with an event time that a label of `base` may have.
 */
export function labelRowsStep(name: string, rows: ViewRows, field: string, within: number, dialect: Dialect): Step {
  const keys = keyColumns(rows.view.entity.length).join(', ')
  return {
    table: name,
    as: dialect.filtered({
      columns: `${keys}, et, case when del then null else ${dialect.quoted(field)} end as label`,
      from: `(${rowsSql(rows, [field], dialect)}) semi join wanted using (${keys})
        where et > (select min(at_ms) from base) and et <= (select max(at_ms) from base) + ${within}`,
      window: `row_number() over (partition by ${keys}, et order by av desc, ep desc, pa desc, ofs desc)`,
      test: isFirst,
    }),
  }
}
