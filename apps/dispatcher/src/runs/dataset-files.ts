import { servedFields, parseReference, columnOf, type Model, type Views } from '@cascata/resources'
import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type ColumnSpec } from '../frames/frame.ts'
import { type DatasetFiles } from '../gates/measurement.ts'
import { viewsNow } from '../models/specs.ts'
import { type Part } from '../upstream/feature-store.ts'
import { runFolder } from './run-folder.ts'
import { type Run } from './run.ts'
import { RunFailed, type Tools } from './tools.ts'

const parts: readonly Part[] = ['train', 'validation', 'holdout']

/** Fetches the parts of a run's dataset that are not there yet. The trainer is told of two of them. */
export async function fetchDataset({ featureStore, config }: Tools, run: Run): Promise<void> {
  const folder = runFolder(config.runs, run.id)
  const dataset = run.dataset?.dataset
  if (dataset === undefined) throw new RunFailed('DISP_NO_DATASET', 'The run has no dataset.')
  for (const part of parts) {
    const path = folder.part(part)
    if (existsSync(path)) continue
    await mkdir(dirname(path), { recursive: true })
    await pipeline(await featureStore.part(dataset, part), createWriteStream(`${path}.part`))
    await rename(`${path}.part`, path)
  }
}

/** The model of a run, as it was when the run was asked for. */
export const modelOf = ({ namespace, model, spec }: Run): Model =>
  ({ apiVersion: 'cascata/v1', kind: 'Model', metadata: { namespace, name: model }, spec }) as unknown as Model

/** Columns of a run's dataset: its features, `at`, the label. */
export function columnsOf(run: Run, views: Views): ColumnSpec[] {
  const { view, field } = parseReference(run.spec.label.field)
  const label = servedFieldOf(run, views, view, field)
  return [
    ...run.inputs.map(({ name, type }): ColumnSpec => ({ name, type, role: 'feature' })),
    { name: 'at', type: 'timestamp', role: 'at' },
    { name: 'label', type: label, role: 'label' },
  ]
}

function servedFieldOf(run: Run, views: Views, view: string, field: string): string {
  const found = views.get(`${run.namespace}/${view}`)
  const type = found && servedFields(found).get(field)?.type
  if (!type) throw new RunFailed('DISP_SPEC_OUTDATED', `View ${view} has no field ${field} any more.`)
  return type
}

/** The dataset as measuring reads it; `more` are further columns, of groups. */
export async function datasetFiles({ db, config }: Tools, run: Run, more: ColumnSpec[] = []): Promise<DatasetFiles> {
  const columns = columnsOf(run, await viewsNow(db))
  const folder = runFolder(config.runs, run.id)
  const known = new Set(columns.map(({ name }) => name))
  return {
    hash: run.dataset?.hash ?? '',
    task: run.spec.task,
    label: 'label',
    columns: [...columns, ...more.filter(({ name }) => !known.has(name))],
    train: [folder.part('train')],
    validation: [folder.part('validation')],
    holdout: [folder.part('holdout')],
  }
}

/** Columns of the groups that fairness is judged by. */
export const groupColumns = async ({ db }: Tools, run: Run): Promise<ColumnSpec[]> => {
  const views = await viewsNow(db)
  return run.spec.gates.fairness.map(({ by }) => {
    const { view, field } = parseReference(by)
    return { name: columnOf(by), type: servedFieldOf(run, views, view, field), role: 'key' }
  })
}
