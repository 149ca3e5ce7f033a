import { type Tx } from '@cascata/messaging'
import { type ModelName } from './model-name.ts'

/** The alias under which MLflow's clients find what serves. */
export const championAlias = 'champion'

/** Notes which version serves: it bears the alias `champion` and the stage `Production`, and the one before it is archived. */
export const noteChampion = async (tx: Tx, { namespace, model }: ModelName, version: string): Promise<void> => {
  const rows = await tx.query(
    `insert into registered_model_alias (name, alias, version)
     select m.name, $4, v.version from registered_model m join model_version v using (namespace, model)
      where m.namespace = $1 and m.model = $2 and v.version = $3
     on conflict (name, alias) do update set version = excluded.version returning 1 as one`,
    [namespace, model, version, championAlias],
  )
  if (rows.length === 0) return
  await tx.query(
    `update model_version set stage = case when version = $3 then 'Production' else 'Archived' end
      where namespace = $1 and model = $2 and (version = $3 or stage = 'Production')`,
    [namespace, model, version],
  )
}
