import { type Database } from '@cascata/messaging'
import { mayAccess } from '@cascata/service'
import { type Version } from '../versions/version.ts'
import { findVersion, versionsOf } from '../versions/versions.store.ts'
import { type Chain } from './graph.ts'
import { type DatasetRecord, datasetsOfRun, datasetsWithOffset, findDataset, findRoute, findTraining } from './lineage.store.ts'

/** Where a graph begins. */
export type Start =
  | { readonly is: 'version'; readonly namespace: string; readonly model: string; readonly version: string }
  | { readonly is: 'run'; readonly run: string }
  | { readonly is: 'dataset'; readonly dataset: string }
  | { readonly is: 'place'; readonly topic: string; readonly partition: number; readonly offset: number }

const commitOf = async (
  db: Database,
  { namespace, model, revision }: { namespace: string; model: string; revision: number | null },
) => {
  if (revision === null) return null
  const [row] = await db.query<{ commit: string | null }>(
    `select commit from resource_revision where kind = 'Model' and namespace = $1 and name = $2 and revision = $3`,
    [namespace, model, revision],
  )
  return row?.commit ?? null
}

const inputsOf = (db: Database, run: string) =>
  db.query<{ name: string; digest: string }>('select name, digest from run_input where run_id = $1 order by name, digest', [run])

const chainOfVersion = async (db: Database, version: Version): Promise<Chain> => {
  const run = version.run === null ? undefined : await findTraining(db, version.run)
  const client = version.run !== null && !run
  return {
    version,
    run,
    dataset: version.dataset === null ? undefined : await findDataset(db, version.dataset),
    commit: await commitOf(db, version),
    route: await findRoute(db, version.namespace, version.model),
    ...(client ? { clientRun: version.run!, inputs: await inputsOf(db, version.run!) } : {}),
  }
}

/** The chains that a dataset is in: one a version, or one that ends at its run. */
const chainsOfDataset = async (db: Database, dataset: DatasetRecord): Promise<Chain[]> => {
  const versions = (await versionsOf(db, dataset)).filter((version) => version.dataset === dataset.dataset)
  if (versions.length > 0) return Promise.all(versions.map((version) => chainOfVersion(db, version)))
  const run = await findTraining(db, dataset.run)
  return [{ dataset, run, commit: run ? await commitOf(db, run) : null }]
}

const ofRun = async (db: Database, id: string): Promise<Chain[]> => {
  const run = await findTraining(db, id)
  if (!run) {
    const versions = await db.query<{ namespace: string; model: string; version: string }>(
      'select namespace, model, version from model_version where run = $1 order by namespace, model, version limit 1000',
      [id],
    )
    const found = await Promise.all(versions.map((each) => findVersion(db, each, each.version)))
    return Promise.all(found.flatMap((version) => (version ? [chainOfVersion(db, version)] : [])))
  }
  const datasets = await datasetsOfRun(db, id)
  if (datasets.length === 0) return [{ run, commit: await commitOf(db, run) }]
  return (await Promise.all(datasets.map((dataset) => chainsOfDataset(db, dataset)))).flat()
}

const nameOf = ({ version, run, dataset }: Chain) => version ?? run ?? dataset

/** Every chain through a place that the caller may see; none when nothing is known of it. */
export const findChains = async (db: Database, start: Start): Promise<Chain[]> => {
  const found = await (async (): Promise<Chain[]> => {
    switch (start.is) {
      case 'version': {
        const version = await findVersion(db, start, start.version)
        return version ? [await chainOfVersion(db, version)] : []
      }
      case 'run':
        return ofRun(db, start.run)
      case 'dataset': {
        const dataset = await findDataset(db, start.dataset)
        return dataset ? chainsOfDataset(db, dataset) : []
      }
      case 'place': {
        const datasets = await datasetsWithOffset(db, start.topic, start.partition, start.offset)
        return (await Promise.all(datasets.map((dataset) => chainsOfDataset(db, dataset)))).flat()
      }
    }
  })()
  return found.filter((chain) => {
    const name = nameOf(chain)
    return name !== undefined && mayAccess(name.namespace, name.model)
  })
}
