import { createHash, randomUUID } from 'node:crypto'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type DuckDBConnection } from '@duckdb/node-api'
import { type Split } from '@cascata/events'
import { type DatasetProfile } from '@cascata/statistics'
import { iso } from '../ingest/validate-times.ts'
import { duckdb } from '../offline/dialects.ts'
import { type Duck, literal, quoted, rowsOf as query, runAll } from '../offline/duckdb.ts'
import { sqlType } from '../offline/duckdb-values.ts'
import { datasetStages, type JoinInput, spineColumns } from './dataset-stages.ts'
import { type DatasetPlan } from './decide-plan.ts'
import { decideSplit, type SplitBounds, type SplitShares } from './decide-split.ts'
import { countsSql, type ObservationCounts } from './observations-sql.ts'
import { profileOf } from './profile.ts'
import { type Spark, sparkJob } from './spark.ts'
import { spineStep, unusableKeys } from './spine-file.ts'
import { statementsOf } from './steps.ts'

/** Everything that decides what is in a dataset: the same input gives the same hash, anywhere. */
export interface BuildInput extends JoinInput {
  /** Rows at most, the newest ones; null: all. */
  readonly max: number | null
  /** Null: not split. */
  readonly split: { readonly shares: SplitShares; readonly embargo: number } | null
}

export interface Column {
  readonly name: string
  readonly type: string
}

export interface BuiltDataset {
  readonly hash: string
  readonly rows: number
  readonly columns: readonly Column[]
  readonly split: Split | null
  readonly profile: DatasetProfile
  readonly counts: ObservationCounts | null
}

export const parts = ['train', 'validation', 'holdout'] as const
export type Part = (typeof parts)[number]

/** Why a dataset can't be built, for who asked: it will not be better in a moment. */
export class EmptyDataset extends Error {
  override readonly name = 'EmptyDataset'
}

/** The values of an uploaded spine are not what the views have as keys. */
export class UnusableSpine extends Error {
  override readonly name = 'UnusableSpine'
}

/** File of a dataset, or of a part of it. */
export const datasetPath = (folder: string, hash: string, part?: Part): string => join(folder, hash, `${part ?? 'all'}.parquet`)

/**
 * Builds a dataset into `folder`/`hash`. A dataset that is there already is left as it is: its name is its content.
 *
 * @param step Told what is being done.
 * @param spark Joins in DuckDB's place when it is given; the rest is DuckDB's.
 * @throws EmptyDataset when no row is left, or nothing to train on; UnusableSpine.
 */
export async function buildDataset(
  duck: Duck,
  folder: string,
  input: BuildInput,
  step: (name: string) => Promise<void>,
  spark: Spark | null = null,
): Promise<BuiltDataset> {
  const connection = await duck.connect()
  const work = join(folder, `.${randomUUID()}`)
  try {
    await mkdir(work, { recursive: true })
    const counts = spark
      ? await joinBySpark({ connection, spark, work: join(work, 'spark'), step }, input)
      : await joinByDuck(connection, input, step)
    await step('writing')
    const built = await write(connection, work, spineColumns(input.spine), input)
    await rm(join(work, 'spark'), { recursive: true, force: true })
    await place(work, join(folder, built.hash))
    return { ...built, counts }
  } finally {
    connection.closeSync()
    await rm(work, { recursive: true, force: true })
  }
}

/** Makes the table `dataset`. */
async function joinByDuck(
  connection: DuckDBConnection,
  input: BuildInput,
  step: (name: string) => Promise<void>,
): Promise<ObservationCounts | null> {
  const { seen, spine, rest } = datasetStages(input, duckdb)
  if (seen) await runAll(connection, statementsOf(seen.steps))
  const counts = seen && countsOf(await query(connection, countsSql))
  refuseNoCutoff(input)
  await runAll(connection, statementsOf(spine.steps))
  await refuseUnusableKeys(connection, input)
  for (const { name, steps } of rest) {
    await step(name)
    await runAll(connection, statementsOf(steps))
  }
  return counts
}

/** Makes the table `dataset` of what Spark made of the same plan. */
async function joinBySpark(
  {
    connection,
    spark,
    work,
    step,
  }: { connection: DuckDBConnection; spark: Spark; work: string; step: (name: string) => Promise<void> },
  input: BuildInput,
): Promise<ObservationCounts | null> {
  refuseNoCutoff(input)
  const types = await spineTypes(connection, input)
  await step('joining by Spark')
  await spark.run(sparkJob(input, work))
  const made = (table: string) => `read_parquet(${literal(join(work, table, '*.parquet'))})`
  const columns = types.map(({ name, type }) => `${quoted(name)}::${type} as ${quoted(name)}`)
  await connection.run(`create temp table dataset as select * replace (${columns.join(', ')}) from ${made('dataset')}`)
  return input.spine.is === 'observations' ? countsOf(await query(connection, `select * from ${made('counts')}`)) : null
}

/** The types that the spine's own columns have in the dataset; an uploaded one is checked on the way. */
async function spineTypes(connection: DuckDBConnection, input: BuildInput): Promise<Column[]> {
  const { spine } = input
  if (spine.is === 'observations') return spine.rows.view.entity.map(({ name, type }) => ({ name, type: sqlType[type] }))
  await runAll(connection, statementsOf([spineStep(spine.file, duckdb)]))
  await refuseUnusableKeys(connection, input)
  const described = await query<{ column_name: string; column_type: string }>(connection, 'describe spine')
  await connection.run('drop table spine')
  return described
    .filter(({ column_name }) => column_name !== 'at_ms')
    .map(({ column_name, column_type }) => ({ name: column_name, type: column_type }))
}

function refuseNoCutoff({ spine, cutoff, plan }: BuildInput): void {
  if (spine.is === 'observations' && cutoff === null)
    throw new EmptyDataset(`the view ${plan.label!.view.name} has no watermark yet`)
}

async function refuseUnusableKeys(connection: DuckDBConnection, { spine, plan }: BuildInput): Promise<void> {
  const problem = spine.is === 'file' ? await unusableKeys(connection, plan) : null
  if (problem !== null) throw new UnusableSpine(problem)
}

const countsOf = ([counted]: Record<string, unknown>[]): ObservationCounts =>
  Object.fromEntries(Object.entries(counted!).map(([name, value]) => [name, Number(value)])) as unknown as ObservationCounts

async function write(
  connection: DuckDBConnection,
  work: string,
  spine: readonly string[],
  { max, split, plan, cutoff }: BuildInput,
) {
  const order = [...spine, 'at'].map(quoted).join(', ')
  const newest = max === null ? '' : `qualify row_number() over (order by "at" desc, ${spine.map(quoted).join(', ')}) <= ${max}`
  const all = join(work, 'all.parquet')
  await connection.run(
    `copy (select * from (select * from dataset ${newest}) order by ${order}) to ${literal(all)} (format parquet, compression zstd)`,
  )
  await connection.run('drop table dataset')
  const source = `read_parquet(${literal(all)})`
  const columns = (await query<{ column_name: string; column_type: string }>(connection, `describe select * from ${source}`)).map(
    ({ column_name, column_type }): Column => ({ name: column_name, type: column_type }),
  )
  const [{ rows }] = (await query<{ rows: bigint }>(connection, `select count(*) as rows from ${source}`)) as [{ rows: bigint }]
  if (rows === 0n && split) throw new EmptyDataset(emptyReason(plan, cutoff))
  const bounds = split && (await splitOf(connection, source, split))
  if (split && !bounds) throw new EmptyDataset(`${rows} ripe rows span less time than the embargo between the parts needs`)
  return {
    hash: await hashOf(connection, source, columns),
    rows: Number(rows),
    columns,
    split: bounds && (await writeParts(connection, work, source, bounds)),
    profile: await profileOf(connection, source, columns, [...spine, 'at']),
  }
}

const emptyReason = ({ label }: DatasetPlan, cutoff: number | null): string =>
  `no observation up to the cutoff ${cutoff === null ? '(none)' : iso(cutoff)} ${label?.missing === 'drop' ? 'has a label' : 'is there'}`

async function splitOf(
  connection: DuckDBConnection,
  source: string,
  { shares, embargo }: NonNullable<BuildInput['split']>,
): Promise<SplitBounds | null> {
  const reader = await connection.runAndReadAll(`select epoch_ms("at")::DOUBLE from ${source} order by 1`)
  const times = Float64Array.from((reader.getColumns()[0] ?? []) as number[])
  return decideSplit(times, shares, embargo)
}

async function writeParts(connection: DuckDBConnection, work: string, source: string, bounds: SplitBounds): Promise<Split> {
  const split: Partial<Split> = {}
  for (const part of parts) {
    const { from = null, to = null } = (bounds[part] ?? { from: 0, to: 0 }) as { from?: number; to?: number }
    const after = from === null ? 'true' : `epoch_ms("at") >= ${from}`
    const before = to === null || to === Number.POSITIVE_INFINITY ? 'true' : `epoch_ms("at") < ${to}`
    const file = literal(join(work, `${part}.parquet`))
    await connection.run(
      `copy (select * from ${source} where ${after} and ${before}) to ${file} (format parquet, compression zstd)`,
    )
    const [span] = await query<{ rows: bigint; least: number | null; greatest: number | null }>(
      connection,
      `select count(*) as rows, epoch_ms(min("at"))::DOUBLE as least, epoch_ms(max("at"))::DOUBLE as greatest from read_parquet(${file})`,
    )
    const { rows, least, greatest } = span!
    split[part] = {
      rows: Number(rows),
      from: least === null ? null : iso(least),
      to: greatest === null ? null : iso(greatest + 1),
    }
  }
  return split as Split
}

/** Rows that are hashed together; part of the definition of the hash. */
const hashBlock = 4096

/**
 * SHA-256 over the schema and the rows in the file's order, (entity, at): of each row its values as text, each with its length
 * (nulls as `-`, times as Unix ms, bytes in hex, a list as how many items it has and those in the same way), hashed; of these the hash by blocks.
 */
async function hashOf(connection: DuckDBConnection, source: string, columns: readonly Column[]): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(columns))
  const blocks = await connection.stream(
    `select sha256(string_agg(row_hash, '' order by position)) from (
       select sha256(concat(${columns.map(cell).join(', ')})) as row_hash, file_row_number as position
         from read_parquet(${source.slice('read_parquet('.length, -1)}, file_row_number = true))
      group by position // ${hashBlock} order by position // ${hashBlock}`,
  )
  for (let chunk = await blocks.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await blocks.fetchChunk())
    for (const block of chunk.getColumnValues(0)) hash.update(String(block))
  return hash.digest('hex')
}

function cell({ name, type }: Column): string {
  const column = quoted(name)
  if (!type.endsWith('[]')) return sizedText(column, type)
  const items = `list_transform(${column}, lambda x: ${sizedText('x', type.slice(0, -2))})`
  return `coalesce(len(${column}) || '[' || array_to_string(${items}, ''), '-')`
}

function sizedText(value: string, type: string): string {
  const text = type.startsWith('TIMESTAMP')
    ? `epoch_ms(${value})::VARCHAR`
    : type === 'BLOB'
      ? `hex(${value})`
      : `${value}::VARCHAR`
  return `coalesce(strlen(${text}) || ':' || ${text}, '-')`
}

/** Gives a finished folder its name; another build of the same content may have been first. */
async function place(work: string, target: string): Promise<void> {
  await rename(work, target).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
  })
}
