import { type DuckDBConnection } from '@duckdb/node-api'
import { type Confusion, mergeConfusions } from '@cascata/statistics'
import { type SkewCount } from '../findings/decide-skew.ts'
import { type Joined } from '../windows/windows.store.ts'
import { literal, quoted, rowsOf } from './duckdb.ts'
import { type JoinPlan } from './join-plan.ts'
import { readServed } from './served-rows.ts'

/** What a join says: a label by prediction, and the sums of each window. */
export interface Answered {
  readonly labels: readonly { readonly seq: number; readonly label: string | number | boolean }[]
  readonly windows: readonly (Joined & { readonly version: string; readonly from: number })[]
}

/** As-of values as the served ones were written; a float that went through 32 bits is the same within 1e-5. */
const differs = ({ type }: JoinPlan['compared'][number], served: string, asOf: string): string => {
  if (type === 'string') return `${served} is distinct from nullif(${asOf}::VARCHAR, '')`
  const number = type === 'timestamp' ? `epoch_ms(${asOf})::DOUBLE` : `${asOf}::DOUBLE`
  return `not coalesce(abs(${served} - ${number}) <= 1e-5 * greatest(abs(${served}), abs(${number}), 1e-3), ${served} is null and ${number} is null)`
}

const isYes = `coalesce(lower(d.label::VARCHAR) in ('true', '1', '1.0'), false)`

/** Served rows beside the rows of the dataset with the same entity and time. `hit` is null where the dataset has none. */
const joined = (plan: JoinPlan, files: { served: string; data: string }, window: number): string => {
  const same = plan.entities.map(({ name }, i) => `s.e${i} = d.${quoted(name)}`)
  const differences = plan.compared.map((feature, i) => `${differs(feature, `s.f${i}`, `d.${quoted(feature.column)}`)} as x${i}`)
  const groups = plan.groups.map((column, i) => `coalesce(d.${quoted(column)}::VARCHAR, '(none)') as g${i}`)
  const columns = [
    's.k',
    's.v',
    `(s.a // ${window}) * ${window} as w`,
    'd.hit',
    'd.label',
    `${isYes} as yes`,
    ...differences,
    ...groups,
  ]
  if (groups.length > 0) columns.push('s.said')
  return `create temp table joined as select ${columns.join(', ')} from ${readServed(plan, files.served)} s
    left join (select true as hit, * from read_parquet(${literal(files.data)})) d
      on ${[...same, 's.a = epoch_ms(d."at")'].join(' and ')}`
}

type Sums = { v: string; w: bigint; predictions: bigint; labelled: bigint; compared: bigint } & Record<string, bigint>
type Groups = { v: string; w: bigint; g: string; yes: boolean; said: boolean; n: bigint }

const skewOf = ({ compared }: JoinPlan, sums: Sums): Record<string, SkewCount> =>
  Object.fromEntries(
    compared.map(({ column }, i) => [column, { compared: Number(sums.compared), different: Number(sums[`x${i}`]) }]),
  )

const confusionOf = ({ yes, said, n }: Groups): Confusion => {
  const counts = { tp: 0, fp: 0, fn: 0, tn: 0 }
  counts[yes ? (said ? 'tp' : 'fn') : said ? 'fp' : 'tn'] = Number(n)
  return counts
}

const groupsOf = async (connection: DuckDBConnection, plan: JoinPlan) => {
  const found = new Map<string, Record<string, Record<string, Confusion>>>()
  for (const [i, column] of plan.groups.entries()) {
    const rows = await rowsOf<Groups>(
      connection,
      `select v, w, g${i} as g, yes, said, count(*) as n from joined where label is not null group by all`,
    )
    for (const row of rows) {
      const key = `${row.v} ${row.w}`
      const window = found.get(key) ?? {}
      window[column] = mergeConfusions(window[column] ?? {}, { [row.g]: confusionOf(row) })
      found.set(key, window)
    }
  }
  return found
}

const plain = (label: unknown): string | number | boolean =>
  typeof label === 'bigint' ? Number(label) : label instanceof Date ? label.getTime() : (label as string | number | boolean)

/** Joins served rows with the dataset of their spine: labels by prediction, skew and confusion by group of each version and window. */
export const readAnswer = async (
  connection: DuckDBConnection,
  plan: JoinPlan,
  files: { served: string; data: string },
  window: number,
): Promise<Answered> => {
  await connection.run(joined(plan, files, window))
  const skews = plan.compared.map((_, i) => `count(*) filter (where hit and x${i}) as x${i}`)
  const counts = ['count(*) as predictions', 'count(label) as labelled', 'count(hit) as compared', ...skews]
  const sums = await rowsOf<Sums>(connection, `select v, w, ${counts.join(', ')} from joined group by v, w`)
  const groups = await groupsOf(connection, plan)
  const labels = await rowsOf<{ k: bigint; label: unknown }>(
    connection,
    `select k, label from joined where label is not null order by k`,
  )
  return {
    labels: labels.map(({ k, label }) => ({ seq: Number(k), label: plain(label) })),
    windows: sums.map((each) => ({
      version: each.v,
      from: Number(each.w),
      predictions: Number(each.predictions),
      labelled: Number(each.labelled),
      skew: skewOf(plan, each),
      groups: groups.get(`${each.v} ${each.w}`) ?? {},
    })),
  }
}

/** The sums of both. */
export const mergeJoined = (a: Joined | null, b: Joined): Joined => {
  if (!a) return { skew: b.skew, groups: b.groups, predictions: b.predictions, labelled: b.labelled }
  const skew = { ...a.skew }
  for (const [name, { compared, different }] of Object.entries(b.skew)) {
    const old = skew[name] ?? { compared: 0, different: 0 }
    skew[name] = { compared: old.compared + compared, different: old.different + different }
  }
  const groups = { ...a.groups }
  for (const [by, counts] of Object.entries(b.groups)) groups[by] = mergeConfusions(groups[by] ?? {}, counts)
  return { skew, groups, predictions: a.predictions + b.predictions, labelled: a.labelled + b.labelled }
}
