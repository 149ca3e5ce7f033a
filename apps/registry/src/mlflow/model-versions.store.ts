import { type Database, type Tx } from '@cascata/messaging'
import { resourceDoesNotExist } from '../errors.ts'
import { type ModelName, registeredName } from '../versions/model-name.ts'
import { type KeyValue, refuse } from './wire.ts'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

export interface VersionRow {
  readonly namespace: string
  readonly model: string
  readonly version: string
  readonly source: string
  readonly run: string | null
  readonly description: string
  readonly user_id: string
  readonly creation_time: string
  readonly last_updated_time: string
  readonly stage: string
  readonly tags: readonly KeyValue[]
  readonly aliases: readonly string[]
}

export const versionColumns = `v.namespace, v.model, v.version, v.source, v.run, v.description, v.user_id, v.creation_time, v.last_updated_time, v.stage,
  coalesce((select jsonb_agg(a.alias order by a.alias) from registered_model_alias a join registered_model n on n.name = a.name
    where n.namespace = v.namespace and n.model = v.model and a.version = v.version), '[]') as aliases,
  coalesce((select jsonb_agg(jsonb_build_object('key', t.key, 'value', t.value) order by t.key) from model_version_tag t
    where t.namespace = v.namespace and t.model = v.model and t.version = v.version), '[]') as tags`

/** A version as MLflow's JSON says it. */
export const sayVersion = (row: VersionRow): object => ({
  name: registeredName(row),
  version: row.version,
  creation_timestamp: Number(row.creation_time),
  last_updated_timestamp: Number(row.last_updated_time),
  user_id: row.user_id,
  current_stage: row.stage,
  description: row.description,
  source: row.source,
  run_id: row.run ?? '',
  status: 'READY',
  run_link: '',
  tags: row.tags.length > 0 ? row.tags : undefined,
  aliases: row.aliases.length > 0 ? row.aliases : undefined,
})

/** Throws `RESOURCE_DOES_NOT_EXIST`, `INVALID_PARAMETER_VALUE` for what is no number. */
export const getVersion = async (db: Executor, { namespace, model }: ModelName, version: string): Promise<VersionRow> => {
  if (!/^\d{1,18}$/.test(version)) return refuse(`Parameter 'version' must be an integer, got '${version.slice(0, 100)}'.`)
  const [found] = await db.query<VersionRow>(
    `select ${versionColumns} from model_version v where v.namespace = $1 and v.model = $2 and v.version = $3 and v.deleted_at is null`,
    [namespace, model, version],
  )
  if (found) return found
  throw resourceDoesNotExist({
    message: `Model Version (name=${registeredName({ namespace, model })}, version=${version}) not found`,
  })
}

/** MLflow says the aliases of a version only where one version is asked for. */
export const withoutAliases = (version: object): object => ({ ...version, aliases: undefined })

export const stages = ['None', 'Staging', 'Production', 'Archived'] as const

/** A stage in MLflow's spelling, however it is written. Throws `INVALID_PARAMETER_VALUE`. */
export const canonicalStage = (stage: string): string =>
  stages.find((each) => each.toLowerCase() === stage.toLowerCase()) ??
  refuse(`Invalid Model Version stage: ${stage}. Value must be one of ${stages.join(', ')}.`)

/** The newest version of each stage that has one. */
export const latestVersions = async (
  db: Executor,
  { namespace, model }: ModelName,
  of: readonly string[] = stages,
): Promise<object[]> => {
  const rows = await db.query<VersionRow>(
    `select distinct on (v.stage) ${versionColumns} from model_version v
      where v.namespace = $1 and v.model = $2 and v.deleted_at is null and v.stage = any($3) order by v.stage, v.version desc`,
    [namespace, model, of],
  )
  return rows.map(sayVersion)
}

export const setVersionTags = async (
  db: Executor,
  { namespace, model, version }: Pick<VersionRow, 'namespace' | 'model' | 'version'>,
  tags: readonly KeyValue[],
) => {
  const last = [...new Map(tags.map((tag) => [tag.key, tag])).values()]
  await db.query(
    `insert into model_version_tag (namespace, model, version, key, value) select $1, $2, $3, * from unnest($4::text[], $5::text[])
     on conflict (namespace, model, version, key) do update set value = excluded.value`,
    [namespace, model, version, last.map(({ key }) => key), last.map(({ value }) => value)],
  )
}
