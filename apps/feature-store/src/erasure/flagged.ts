import { type DataOf, type versionRegistered } from '@cascata/events'
import { type Database, type Tx } from '@cascata/messaging'
import { datasetPath, type Column } from '../datasets/build-dataset.ts'
import { type View } from '../feature-views/view.ts'
import { type Duck, literal, rowsOf } from '../offline/duckdb.ts'
import { entitySql } from '../offline/segment-columns.ts'
import { type Erasure, type Flagged } from './erasures.store.ts'

/** Keeps which dataset a version was trained on. */
export const keepTraining = async (tx: Tx, { namespace, model, version, dataset, datasetHash }: Trained): Promise<void> => {
  if (datasetHash === null) return
  await tx.query(
    `insert into dataset_version (namespace, model, version, dataset, dataset_hash) values ($1, $2, $3, $4, $5)
     on conflict (namespace, model, version) do nothing`,
    [namespace, model, version, dataset, datasetHash],
  )
}

type Trained = Pick<DataOf<typeof versionRegistered>, 'namespace' | 'model' | 'version' | 'dataset' | 'datasetHash'>

interface BuiltOn {
  id: string
  hash: string
  columns: Column[]
}

/**
 * What holds an entity and can't be rewritten, because its name is its content: datasets that were built on the view and have a row of
 * the entity, or whose rows don't tell, and the versions of models that were trained on them.
 *
 * @param folder Where datasets lie.
 */
export async function flaggedOf(
  { db, duck, folder }: { db: Database; duck: Duck; folder: string },
  view: View,
  entity: NonNullable<Erasure['entity']>,
): Promise<Flagged> {
  const built = await db.query<BuiltOn>(
    `select id, result->>'hash' as hash, result->'columns' as columns from dataset
      where state = 'built' and namespace = $1
        and exists (select 1 from jsonb_array_elements(snapshot) as pinned where pinned->>'view' = $2) order by created_at`,
    [view.namespace, view.name],
  )
  const holding = new Map<string, boolean>()
  const connection = await duck.connect()
  try {
    for (const { hash, columns } of built) {
      if (holding.has(hash)) continue
      const tells = entity.every(([field]) => columns.some(({ name }) => name === field))
      const same = tells && entitySql(entity, new Map(view.fields.map((field) => [field.name, field])))
      holding.set(
        hash,
        !same ||
          (await rowsOf(connection, `select 1 from read_parquet(${literal(datasetPath(folder, hash))}) where ${same} limit 1`))
            .length > 0,
      )
    }
  } finally {
    connection.closeSync()
  }
  const datasets = built.filter(({ hash }) => holding.get(hash)).map(({ id, hash }) => ({ id, hash }))
  const versions = await db.query<{ model: string; version: string }>(
    'select model, version from dataset_version where namespace = $1 and dataset_hash = any($2) order by model, version',
    [view.namespace, datasets.map(({ hash }) => hash)],
  )
  return { datasets, versions }
}
