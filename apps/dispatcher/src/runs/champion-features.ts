import { DuckDBInstance } from '@duckdb/node-api'
import { servedFields, type Views } from '@cascata/resources'
import { pause } from '@cascata/messaging'
import { createWriteStream, existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type ColumnSpec } from '../frames/frame.ts'
import { type Run } from './run.ts'
import { runFolder } from './run-folder.ts'
import { Interrupted, type Tools } from './tools.ts'

/** Column that keeps the order of the holdout through the feature store. */
const rowColumn = 'cascata_row'
const longestMs = 10 * 60_000

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/**
 * Features that only the champion reads, for the rows of the holdout and in their order: asked of the feature store by (entity, at).
 *
 * @param missing Inputs of the champion that the run's dataset does not have.
 * @returns Their files and columns; null when one of them is no feature of a view that is applied.
 */
export async function championFeatures(
  tools: Tools,
  run: Run,
  missing: readonly string[],
  views: Views,
  signal: AbortSignal,
): Promise<{ paths: string[]; columns: ColumnSpec[] } | null> {
  const columns = missing.flatMap((name): ColumnSpec[] => {
    const [view = '', field = ''] = name.split('__')
    const served = views.get(`${run.namespace}/${view}`)
    const type = served && servedFields(served).get(field)?.type
    return type ? [{ name, type, role: 'feature' }] : []
  })
  if (columns.length < missing.length) return null
  const folder = runFolder(tools.config.runs, run.id).champion
  const path = join(folder, 'features.parquet')
  if (!existsSync(path)) await fetchFeatures(tools, run, columns, views, folder, path, signal)
  return { paths: [path], columns }
}

async function fetchFeatures(
  { featureStore, config, clock }: Tools,
  run: Run,
  columns: ColumnSpec[],
  views: Views,
  folder: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const entity = views.get(`${run.namespace}/${run.spec.observations.view}`)?.spec.entity ?? []
  const [spine, answered] = [join(folder, 'spine.parquet'), join(folder, 'answered.parquet')]
  const source = `read_parquet(${literal(runFolder(config.runs, run.id).part('holdout'))}, file_row_number = true)`
  await statement(
    `copy (select ${entity.map(quoted).join(', ')}, "at", file_row_number as ${rowColumn} from ${source}) to ${literal(spine)} (format parquet)`,
  )
  const features = columns.map(({ name }) => name.replace('__', ':'))
  const { id } = await featureStore.ask(run.namespace, features, await featureStore.putSpine(spine))
  for (const end = clock.now() + longestMs; ; await pause(200, signal)) {
    const { state, error } = await featureStore.dataset(id)
    if (state === 'built') break
    if (signal.aborted) throw new Interrupted()
    if (state === 'failed' || clock.now() > end)
      throw new Error(`The champion's features could not be had: ${error?.message ?? state}.`)
  }
  await pipeline(await featureStore.all(id), createWriteStream(answered))
  await statement(
    `copy (select * from read_parquet(${literal(answered)}) order by ${rowColumn}) to ${literal(`${path}.part`)} (format parquet)`,
  )
  await rename(`${path}.part`, path)
  await Promise.all([spine, answered].map((file) => rm(file, { force: true })))
}

async function statement(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '512MB' })
  try {
    const connection = await instance.connect()
    await connection.run(sql)
    connection.closeSync()
  } finally {
    instance.closeSync()
  }
}
