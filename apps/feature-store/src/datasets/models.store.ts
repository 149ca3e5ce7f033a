import { type Database, type Tx } from '@cascata/messaging'
import { type ModelSpec } from '@cascata/resources'

/** Keeps a revision of a model for the runs that rest on it. */
export const keepModel = async (
  tx: Tx,
  { namespace, name, revision, spec }: { namespace: string; name: string; revision: number; spec: unknown },
): Promise<void> => {
  await tx.query(
    `insert into model_revision (namespace, name, revision, spec) values ($1, $2, $3, $4)
     on conflict (namespace, name, revision) do update set spec = excluded.spec`,
    [namespace, name, revision, JSON.stringify(spec)],
  )
}

/**
 * The revision of a model that a run rests on. One that never came here, because a newer one took its place in the topic of specs
 * first, is stood in for by the next newer. Null while neither is here.
 */
export const findModel = async (
  db: Pick<Database, 'query'>,
  namespace: string,
  name: string,
  revision: number,
): Promise<ModelSpec | null> => {
  const [found] = await db.query<{ spec: ModelSpec }>(
    'select spec from model_revision where namespace = $1 and name = $2 and revision >= $3 order by revision limit 1',
    [namespace, name, revision],
  )
  return found?.spec ?? null
}
