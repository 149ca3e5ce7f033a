import { literal, quoted } from '../offline/duckdb.ts'
import { sqlType } from '../offline/duckdb-values.ts'
import { type DatasetPlan, type JoinedView, type LabelPlan } from './decide-plan.ts'
import { historySql, keyColumns, labelRowsSql, type ViewRows, wantedSql } from './history-sql.ts'
import { windowJoinSql } from './window-join-sql.ts'

/** The rows of a view by its name. */
export type RowsOf = (view: string) => ViewRows

const joined = (index: number) => `joined_${index}`

/** Statements that give every row of `spine` a number and keep its keys typed as the views have them. */
export const numberedSql = (): string[] => [
  'create temp table base as select row_number() over () as rid, * from spine',
  'drop table spine',
]

/**
 * Statements that join the views of a plan to `base`, one ASOF a view, each into a table of its own by row number:
 * what the online store would have answered at `at_ms`, then the ttl.
 */
export function joinsSql({ joins }: DatasetPlan, rowsOf: RowsOf): string[][] {
  const tables = new Map(joins.map(({ view }, index) => [view.name, joined(index)]))
  return joins.map((join, index) => {
    const rows = rowsOf(join.view.name)
    const answers = join.view.windows
      ? windowJoinSql(joined(index), rows, join.fields)
      : [historySql('history', rows, join.fields, { all: false }), joinSql(joined(index), join), 'drop table history']
    return [
      `create temp table asked as ${leftSql(join, tables)}`,
      wantedSql('asked', keyColumns(join.keys.length)),
      ...answers,
      'drop table asked',
      'drop table wanted',
    ]
  })
}

/** The rows to answer for, with the keys of a view. */
function leftSql({ view, keys }: JoinedView, tables: ReadonlyMap<string, string>): string {
  const sources = [...new Set(keys.flatMap((key) => (key.from === 'view' ? [tables.get(key.view)!] : [])))]
  const keyList = keys.map((key, index) => {
    const value = key.from === 'spine' ? `base.${quoted(key.column)}` : `${tables.get(key.view)!}.${quoted(key.field)}`
    return `try_cast(${value} as ${sqlType[view.entity[index]!.type]}) as k${index}`
  })
  return `select base.rid, base.at_ms, ${keyList.join(', ')} from base ${sources.map((table) => `left join ${table} using (rid)`).join(' ')}`
}

function joinSql(name: string, { view, keys, fields }: JoinedView): string {
  const on = keyColumns(keys.length).map((column) => `l.${column} = h.${column}`)
  const fresh = view.spec.ttl === null ? '' : `and l.at_ms - h.et <= ${view.spec.ttl}`
  return `create temp table ${name} as
    select l.rid${fields.map((field) => `, h.${quoted(field)}`).join('')}
      from asked l asof join history h on ${on.join(' and ')} and l.at_ms >= h.av
     where not h.del ${fresh}`
}

/** Statements that make the table `labels` (rid, label): the winner by the online rule with event time in (at, at + within]. */
export function labelsSql({ view, field, within, keys }: LabelPlan, rowsOf: RowsOf): string[] {
  const typed = keys.map((key, index) => `try_cast(base.${quoted(key)} as ${sqlType[view.entity[index]!.type]})`)
  const on = typed.map((key, index) => `${key} = l.k${index}`)
  return [
    wantedSql('base', typed),
    labelRowsSql('label_rows', rowsOf(view.name), field, within),
    `create temp table labels as
       select base.rid, l.label from (select *, at_ms + ${within} as until_ms from base) base
         asof join label_rows l on ${on.join(' and ')} and base.until_ms >= l.et
        where l.et > base.at_ms and l.label is not null`,
    'drop table label_rows',
    'drop table wanted',
  ]
}

/**
 * Statements that make the table `dataset`: columns of the spine, `at`, features, label.
 *
 * @param spine Columns of the spine, without `at`.
 * @param cutoff Labels of later rows are not used; null: there is no label.
 */
export function datasetSql(plan: DatasetPlan, spine: readonly string[], cutoff: number | null): string[] {
  const tables = new Map(plan.joins.map(({ view }, index) => [view.name, joined(index)]))
  const columns = [
    ...spine.map((name) => `base.${quoted(name)}`),
    'epoch_ms(base.at_ms)::TIMESTAMPTZ as "at"',
    ...plan.columns.map(
      ({ column, view, field, type }) => `${tables.get(view)!}.${quoted(field)}::${sqlType[type]} as ${quoted(column)}`,
    ),
    ...(plan.label ? [`${labelOf(plan.label, cutoff)} as label`] : []),
  ]
  const labels = plan.label ? ['left join labels using (rid)'] : []
  const from = ['base', ...[...tables.values()].map((table) => `left join ${table} using (rid)`), ...labels].join(' ')
  const where = plan.label?.missing === 'drop' ? 'where label is not null' : ''
  return [
    `create temp table dataset as select * from (select ${columns.join(', ')} from ${from}) ${where}`,
    ...['base', ...tables.values(), ...(plan.label ? ['labels'] : [])].map((table) => `drop table ${table}`),
  ]
}

function labelOf({ missing, type }: LabelPlan, cutoff: number | null): string {
  const label = missing === 'negative' ? `coalesce(labels.label, ${negative(type)})` : 'labels.label'
  return `case when base.at_ms <= ${cutoff ?? 'null'} then ${label} end`
}

/** What "it did not happen" is in the label's type. */
const negative = (type: LabelPlan['type']): string =>
  type === 'bool' ? 'false' : type === 'string' ? literal('false') : `0::${sqlType[type]}`
