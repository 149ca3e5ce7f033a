import { type DataOf, routeChanged, type versionRegistered } from '@cascata/events'
import { type Database, latest, type Tx } from '@cascata/messaging'
import { findModel } from '../datasets/models.store.ts'

/** Keeps what a version reads. `features` is null when its inputs are not known: then it is what its model's revision names. */
export const keepService = async (
  tx: Tx,
  { namespace, model, version, revision }: DataOf<typeof versionRegistered>,
  features: readonly string[] | null,
): Promise<void> => {
  await tx.query(
    `insert into feature_service (namespace, model, version, revision, features) values ($1, $2, $3, $4, $5) on conflict do nothing`,
    [namespace, model, version, revision, features],
  )
}

/** The features of a version, `view:field`, in the order of its inputs; null when it is not known here. */
export async function findService(
  db: Database,
  namespace: string,
  model: string,
  version: string,
): Promise<readonly string[] | null> {
  const [found] = await db.query<{ revision: number; features: string[] | null }>(
    'select revision, features from feature_service where namespace = $1 and model = $2 and version = $3',
    [namespace, model, version],
  )
  if (!found) return null
  return found.features ?? (await findModel(db, namespace, model, found.revision))?.features ?? null
}

/** The version that serves; null when none does. */
export const championOf = async (db: Database, namespace: string, model: string): Promise<string | null> =>
  (await latest(db, routeChanged, `${namespace}/${model}`))?.data.champion ?? null
