import { type Database } from '@cascata/messaging'

/** A model whose present revision names a feature. */
export interface ModelUse {
  readonly model: string
  readonly as: 'feature' | 'label'
}

/** How many models and versions use a feature. */
export interface UseCounts {
  readonly models: number
  readonly versions: number
}

/** Who uses a feature. */
export interface Uses {
  readonly models: readonly ModelUse[]
  /** `namespace/model/version` of the newest ones, at most 100. */
  readonly versions: readonly string[]
  readonly versionCount: number
}

const newestVersions = 100

/**
 * Every use of a feature, as `namespace/view:feature`: models as they are applied now, and versions as they were registered.
 * A version whose inputs are not known reads what its model's revision names.
 */
const used = `
  with model as (
    select data->>'namespace' as namespace, data->>'name' as model, data->'spec' as spec
      from latest where topic = 'cascata.specs' and data->>'kind' = 'Model' and data ? 'spec'
  ), read as (
    select namespace, model, version,
           coalesce(to_jsonb(features),
                    (select spec->'features' from model_revision
                      where model_revision.namespace = feature_service.namespace and name = model
                        and model_revision.revision >= feature_service.revision
                      order by model_revision.revision limit 1),
                    '[]') as features
      from feature_service
  ), used as (
    select namespace || '/' || feature as id, namespace || '/' || model as model, null as version, 'feature' as "as"
      from model, jsonb_array_elements_text(spec->'features') as feature
    union
    select namespace || '/' || (spec->'label'->>'field'), namespace || '/' || model, null, 'label' from model
    union
    select namespace || '/' || feature, namespace || '/' || model, version, 'feature'
      from read, jsonb_array_elements_text(features) as feature
  )`

/** How often each used feature is used, by `namespace/view:feature`. */
export async function countUses(db: Database): Promise<Map<string, UseCounts>> {
  const rows = await db.query<UseCounts & { id: string }>(
    `${used} select id, (count(distinct model) filter (where version is null))::int as models, count(version)::int as versions
       from used group by id`,
  )
  return new Map(rows.map(({ id, ...counts }) => [id, counts]))
}

/** Who uses a feature, by `namespace/view:feature`; of models that may be seen. */
export async function usesOf(db: Database, id: string, maySee: (model: string) => boolean): Promise<Uses> {
  const found = await db.query<{ model: string; version: string | null; as: ModelUse['as'] }>(
    `${used} select model, version, "as" from used where id = $1
      order by model, length(version) desc, version desc`,
    [id],
  )
  const rows = found.filter(({ model }) => maySee(model))
  const versions = rows.filter(({ version }) => version !== null).map(({ model, version }) => `${model}/${version}`)
  return {
    models: rows.filter(({ version }) => version === null).map(({ model, as }) => ({ model, as })),
    versions: versions.slice(0, newestVersions),
    versionCount: versions.length,
  }
}
