import { type Dialect } from '../offline/dialects.ts'
import { sqlType } from '../offline/duckdb-values.ts'
import { type DatasetPlan, type JoinedView, type LabelPlan } from './decide-plan.ts'
import { historyStep, keyColumns, labelRowsStep, type ViewRows, wantedStep } from './history-sql.ts'
import { type Step } from './steps.ts'
import { windowJoinSteps } from './window-join-sql.ts'

/** The rows of a view by its name. */
export type RowsOf = (view: string) => ViewRows

const joined = (index: number) => `joined_${index}`

/** Gives every row of `spine` a number; its keys are as they were sent. */
export const numberedSteps = ({ rowNumber }: Dialect): Step[] => [
  { table: 'base', as: `select ${rowNumber} as rid, * from spine` },
  { drop: ['spine'] },
]

/**
 * Joins the views of a plan to `base`, one ASOF a view, each into a table of its own by row number:
 * what the online store would have answered at `at_ms`, then the ttl.
 */
export function joinSteps({ joins }: DatasetPlan, rowsOf: RowsOf, dialect: Dialect): Step[][] {
  const tables = new Map(joins.map(({ view }, index) => [view.name, joined(index)]))
  return joins.map((join, index) => {
    const rows = rowsOf(join.view.name)
    const answers: Step[] = join.view.windows
      ? windowJoinSteps(joined(index), rows, join.fields, dialect)
      : [
          historyStep('history', rows, join.fields, { all: false, dialect }),
          answerStep(joined(index), join, dialect),
          { drop: ['history'] },
        ]
    return [
      { table: 'asked', as: askedSql(join, tables, dialect) },
      wantedStep('asked', keyColumns(join.keys.length)),
      ...answers,
      { drop: ['asked', 'wanted'] },
    ]
  })
}

/** The rows to answer for, with the keys of a view. */
function askedSql({ view, keys }: JoinedView, tables: ReadonlyMap<string, string>, { quoted, tryCast }: Dialect): string {
  const sources = [...new Set(keys.flatMap((key) => (key.from === 'view' ? [tables.get(key.view)!] : [])))]
  const keyList = keys.map((key, index) => {
    const value = key.from === 'spine' ? `base.${quoted(key.column)}` : `${tables.get(key.view)!}.${quoted(key.field)}`
    return `${tryCast(value, sqlType[view.entity[index]!.type])} as k${index}`
  })
  return `select base.rid, base.at_ms, ${keyList.join(', ')} from base ${sources.map((table) => `left join ${table} using (rid)`).join(' ')}`
}

function answerStep(table: string, { view, keys, fields }: JoinedView, { quoted, asOf }: Dialect): Step {
  const pairs = asOf({
    keys: keyColumns(keys.length),
    left: { from: 'asked', at: 'at_ms', columns: ['rid', 'at_ms'] },
    right: { from: 'history', at: 'av', columns: ['et', 'del', ...fields.map(quoted)] },
    where: ['not h.del', ...(view.spec.ttl === null ? [] : [`l.at_ms - h.et <= ${view.spec.ttl}`])],
  })
  return { table, as: `select l.rid${fields.map((field) => `, h.${quoted(field)}`).join('')} ${pairs}` }
}

/** The table `labels` (rid, label): the winner by the online rule with event time in (at, at + within]. */
export function labelSteps({ view, field, within, keys }: LabelPlan, rowsOf: RowsOf, dialect: Dialect): Step[] {
  const { quoted, tryCast, asOf } = dialect
  const typed = keys.map((key, index) => tryCast(`base.${quoted(key)}`, sqlType[view.entity[index]!.type]))
  const named = typed.map((key, index) => `${key} as k${index}`).join(', ')
  const pairs = asOf({
    keys: keyColumns(keys.length),
    left: {
      from: `(select rid, at_ms, at_ms + ${within} as until_ms, ${named} from base)`,
      at: 'until_ms',
      columns: ['rid', 'at_ms'],
    },
    right: { from: 'label_rows', at: 'et', columns: ['label'] },
    where: ['h.et > l.at_ms', 'h.label is not null'],
  })
  return [
    wantedStep('base', typed),
    labelRowsStep('label_rows', rowsOf(view.name), field, within, dialect),
    { table: 'labels', as: `select l.rid, h.label ${pairs}` },
    { drop: ['label_rows', 'wanted'] },
  ]
}

/**
 * The table `dataset`: columns of the spine, `at`, features, label.
 *
 * @param spine Columns of the spine, without `at`.
 * @param cutoff Labels of later rows are not used; null: there is no label.
 */
export function datasetSteps(plan: DatasetPlan, spine: readonly string[], cutoff: number | null, dialect: Dialect): Step[] {
  const { quoted, instantOf, type: typed } = dialect
  const tables = new Map(plan.joins.map(({ view }, index) => [view.name, joined(index)]))
  const columns = [
    ...spine.map((name) => `base.${quoted(name)}`),
    `${instantOf('base.at_ms')} as ${quoted('at')}`,
    ...plan.columns.map(
      ({ column, view, field, type }) =>
        `cast(${tables.get(view)!}.${quoted(field)} as ${typed(sqlType[type])}) as ${quoted(column)}`,
    ),
    ...(plan.label ? [`${labelSql(plan.label, cutoff, dialect)} as label`] : []),
  ]
  const labels = plan.label ? ['left join labels using (rid)'] : []
  const from = ['base', ...[...tables.values()].map((table) => `left join ${table} using (rid)`), ...labels].join(' ')
  const where = plan.label?.missing === 'drop' ? 'where label is not null' : ''
  return [
    { table: 'dataset', as: `select * from (select ${columns.join(', ')} from ${from}) ${where}` },
    { drop: ['base', ...tables.values(), ...(plan.label ? ['labels'] : [])] },
  ]
}

function labelSql({ missing, type }: LabelPlan, cutoff: number | null, dialect: Dialect): string {
  const label = missing === 'negative' ? `coalesce(labels.label, ${negative(type, dialect)})` : 'labels.label'
  return `case when base.at_ms <= ${cutoff ?? 'null'} then ${label} end`
}

/** What "it did not happen" is in the label's type. */
const negative = (type: LabelPlan['type'], { literal, type: typed }: Dialect): string =>
  type === 'bool' ? 'false' : type === 'string' ? literal('false') : `cast(0 as ${typed(sqlType[type])})`
