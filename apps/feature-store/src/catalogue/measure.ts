import { setImmediate as breathe } from 'node:timers/promises'
import { type DuckDBConnection } from '@duckdb/node-api'
import { isInputType } from '@cascata/resources'
import { type NamedField, type Value } from '../feature-views/view.ts'
import { rowsOf } from '../offline/duckdb.ts'
import { type Nearness, nearness } from './decide-similar.ts'
import { cellSql, fieldSql, newestRowsSql, partsOf, type Sampled } from './sample-sql.ts'

/** What a feature's values look like in a sample of its newest rows. A time is in Unix ms; of lists and bytes it is their length. */
export interface FeatureProfile {
  readonly rows: number
  readonly nulls: number
  readonly distinct: number
  /** Of finite numbers and times; null for others, and where there are none. */
  readonly numbers: { readonly mean: number; readonly quantiles: Readonly<Record<string, number>> } | null
  readonly top: readonly { readonly value: string; readonly count: number }[]
}

const quantiles = { min: 0, p01: 0.01, p25: 0.25, p50: 0.5, p75: 0.75, p99: 0.99, max: 1 }
const topValues = 10

/** Profiles a field over about `rows` rows. */
export async function profileField(
  connection: DuckDBConnection,
  sampled: Sampled,
  field: NamedField,
  rows: number,
): Promise<FeatureProfile> {
  const isNumeric = field.type !== 'string' && field.type !== 'bool'
  await connection.run(`create or replace temp table sampled as ${fieldSql(sampled, field, rows)}`)
  const [counts] = await rowsOf<{ rows: number; nulls: number; distinct: number }>(
    connection,
    `select count(*)::DOUBLE as rows, (count(*) - count(value))::DOUBLE as nulls, count(distinct value)::DOUBLE as distinct from sampled`,
  )
  const top = await rowsOf<{ value: string; count: number }>(
    connection,
    `select value::VARCHAR as value, count(*)::DOUBLE as count from sampled where value is not null
      group by sampled.value order by 2 desc, 1 limit ${topValues}`,
  )
  return { ...counts!, numbers: isNumeric ? await numbersOf(connection, field) : null, top }
}

async function numbersOf(connection: DuckDBConnection, field: NamedField): Promise<FeatureProfile['numbers']> {
  const [found] = await rowsOf<{ mean: number | null } & Record<string, number>>(
    connection,
    `select avg(v) as mean, ${Object.entries(quantiles)
      .map(([name, share]) => `quantile_cont(v, ${share}) as ${name}`)
      .join(', ')}
       from (select ${isInputType(field.type) ? cellSql(field, 'value') : 'value'} as v from sampled where value is not null) where isfinite(v)`,
  )
  const { mean, ...rest } = found!
  return mean === null ? null : { mean, quantiles: rest }
}

/** How near a field is to each of some fields of a view with the same key, over about `keys` common keys. */
export async function compareFields(
  connection: DuckDBConnection,
  one: Sampled & { readonly field: NamedField },
  other: Sampled & { readonly fields: readonly NamedField[] },
  keys: number,
): Promise<Nearness[]> {
  const parts = Math.min(partsOf(one.segments, keys), partsOf(other.segments, keys))
  const on = one.view.spec.entity.map((_, index) => `k${index}`).join(', ')
  const reader = await connection.runAndReadAll(
    `select a0, ${other.fields.map((_, index) => `b${index}`).join(', ')}
       from (${newestRowsSql(one, [one.field], parts, 'a')}) join (${newestRowsSql(other, other.fields, parts, 'b')}) using (${on})
      limit ${keys}`,
  )
  const [values = [], ...columns] = reader.getColumnsJS() as Value[][]
  const found: Nearness[] = []
  for (const index of other.fields.keys()) {
    found.push(nearness(values, columns[index] ?? []))
    await breathe()
  }
  return found
}
