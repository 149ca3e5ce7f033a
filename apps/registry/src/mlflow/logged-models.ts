import { randomUUID } from 'node:crypto'
import { type Database, type Tx } from '@cascata/messaging'
import { requireAccess } from '@cascata/service'
import { z } from 'zod'
import { resourceDoesNotExist } from '../errors.ts'
import { type Endpoint, endpoint, type Tracking } from './endpoints.ts'
import { getActiveExperiment } from './experiments.store.ts'
import { listArtifacts } from './artifacts.store.ts'
import { alreadyHere, imported, requireImporter } from './imported.ts'
import { artifactUri, getRun } from './runs.store.ts'
import { keyValue, type KeyValue, opaqueId, refuse, said, text } from './wire.ts'
import { checkedPath } from './validate-artifact-path.ts'

export interface LoggedModel {
  readonly model_id: string
  readonly experiment_id: string
  readonly namespace: string
  readonly name: string
  readonly model_type: string
  readonly source_run_id: string | null
  readonly status: string
  readonly status_message: string | null
  readonly params: Record<string, string>
  readonly tags: Record<string, string>
  readonly creation_time: string
  readonly last_updated_time: string
}

/** Columns of `logged_model m` and its `experiment e`. */
export const loggedModelColumns = `m.model_id, m.experiment_id, e.namespace, m.name, m.model_type, m.source_run_id, m.status, m.status_message, m.params, m.tags,
  m.creation_time, m.last_updated_time`

/** Where the files of a logged model lie. */
export const loggedModelRoot = ({ experiment_id, model_id }: Pick<LoggedModel, 'experiment_id' | 'model_id'>): string =>
  `${experiment_id}/models/${model_id}/artifacts`

/** Throws `RESOURCE_DOES_NOT_EXIST`, `AUTH_SCOPE`. */
export const getLoggedModel = async (db: Pick<Database | Tx, 'query'>, id: string): Promise<LoggedModel> => {
  const [found] = await db.query<LoggedModel>(
    `select ${loggedModelColumns} from logged_model m join experiment e on e.id = m.experiment_id where m.model_id = $1 and not m.deleted`,
    [id],
  )
  if (!found) throw resourceDoesNotExist({ message: `Logged model with ID '${id}' not found.` })
  requireAccess(found.namespace)
  return found
}

interface ModelMetric {
  model_id: string
  key: string
  value: number
  is_nan: boolean
  timestamp: number
  step: number
  run_id: string
  dataset_name: string
  dataset_digest: string
}

const metricsOf = async (db: Database, ids: readonly string[]): Promise<Map<string, ModelMetric[]>> =>
  Map.groupBy(
    await db.query<ModelMetric>(
      `select model_id, key, value, is_nan, timestamp::float8 as timestamp, step::float8 as step, run_id, dataset_name, dataset_digest
         from logged_model_metric where model_id = any($1) order by model_id, run_id, key, dataset_name, dataset_digest`,
      [ids],
    ),
    ({ model_id }) => model_id,
  )

const sayMetric = ({ value, is_nan, dataset_name, dataset_digest, ...metric }: ModelMetric): object => ({
  ...metric,
  value: said({ value, is_nan }),
  dataset_name: dataset_name || undefined,
  dataset_digest: dataset_digest || undefined,
})

const pairs = (values: Record<string, string>): KeyValue[] | undefined => {
  const listed = Object.entries(values).map(([key, value]) => ({ key, value }))
  return listed.length > 0 ? listed : undefined
}

const sayOne = (model: LoggedModel, metrics: readonly ModelMetric[] | undefined): object => ({
  info: {
    model_id: model.model_id,
    experiment_id: model.experiment_id,
    name: model.name,
    creation_timestamp_ms: Number(model.creation_time),
    last_updated_timestamp_ms: Number(model.last_updated_time),
    artifact_uri: artifactUri(loggedModelRoot(model)),
    status: model.status,
    status_message: model.status_message ?? undefined,
    model_type: model.model_type || undefined,
    source_run_id: model.source_run_id ?? undefined,
    tags: pairs(model.tags),
  },
  data: { params: pairs(model.params), metrics: metrics?.map(sayMetric) },
})

/** Logged models as MLflow's JSON says them. */
export const sayLoggedModels = async (db: Database, models: readonly LoggedModel[]): Promise<object[]> => {
  const metrics = await metricsOf(
    db,
    models.map(({ model_id }) => model_id),
  )
  return models.map((model) => sayOne(model, metrics.get(model.model_id)))
}

const say = async (db: Database, model: LoggedModel): Promise<object> => (await sayLoggedModels(db, [model]))[0]!

const create = z.object({
  experiment_id: opaqueId,
  name: text.max(500).optional(),
  model_type: text.max(500).default(''),
  source_run_id: opaqueId.optional(),
  params: z.array(keyValue).max(1_000).default([]),
  tags: z.array(keyValue).max(1_000).default([]),
  imported: imported.loggedModel,
})

const fromPairs = (list: readonly KeyValue[]): string =>
  JSON.stringify(Object.fromEntries(list.map(({ key, value }) => [key, value])))

const creating =
  ({ db, clock }: Tracking) =>
  async (asked: z.infer<typeof create>): Promise<object> => {
    requireImporter(asked.imported)
    if (asked.name && /[/:."'%]/.test(asked.name)) {
      refuse(
        `Invalid model name ('${asked.name}') provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '"', "'")`,
      )
    }
    const { id } = await getActiveExperiment(db, asked.experiment_id)
    if (asked.source_run_id) await getRun(db, asked.source_run_id)
    const model_id = asked.imported?.model_id ?? `m-${randomUUID().replaceAll('-', '')}`
    const added = await db.query(
      `insert into logged_model (model_id, experiment_id, name, model_type, source_run_id, status, params, tags, creation_time, last_updated_time)
       values ($1, $2, $3, $4, $5, 'LOGGED_MODEL_PENDING', $6, $7, $8, $8) on conflict do nothing returning 1 as one`,
      [
        model_id,
        id,
        asked.name || model_id,
        asked.model_type,
        asked.source_run_id ?? null,
        fromPairs(asked.params),
        fromPairs(asked.tags),
        clock.now(),
      ],
    )
    if (added.length === 0) throw alreadyHere(`Logged model with ID '${model_id}'`)
    return { model: await say(db, await getLoggedModel(db, model_id)) }
  }

const statuses = z.enum(['LOGGED_MODEL_PENDING', 'LOGGED_MODEL_READY', 'LOGGED_MODEL_UPLOAD_FAILED'])
const byId = z.object({ model_id: opaqueId })

/** Logged models: what a run made, before anybody registers it. */
export const loggedModelEndpoints = (tracking: Tracking): Endpoint[] => {
  const { db, clock } = tracking
  const merge = (column: 'tags' | 'params') => async (asked: { model_id: string; tags?: KeyValue[]; params?: KeyValue[] }) => {
    const { model_id } = await getLoggedModel(db, asked.model_id)
    await db.query(`update logged_model set ${column} = ${column} || $2, last_updated_time = $3 where model_id = $1`, [
      model_id,
      fromPairs(asked[column] ?? []),
      clock.now(),
    ])
    return {}
  }
  return [
    endpoint('POST', 'logged-models', 'trainer', create, creating(tracking)),
    endpoint('GET', 'logged-models/:model_id', 'viewer', byId, async ({ model_id }) => ({
      model: await say(db, await getLoggedModel(db, model_id)),
    })),
    endpoint('PATCH', 'logged-models/:model_id', 'trainer', byId.extend({ status: statuses }), async ({ model_id, status }) => {
      await getLoggedModel(db, model_id)
      await db.query('update logged_model set status = $2, last_updated_time = $3 where model_id = $1', [
        model_id,
        status,
        clock.now(),
      ])
      return { model: await say(db, await getLoggedModel(db, model_id)) }
    }),
    endpoint('DELETE', 'logged-models/:model_id', 'trainer', byId, async ({ model_id }) => {
      await getLoggedModel(db, model_id)
      await db.query('update logged_model set deleted = true, last_updated_time = $2 where model_id = $1', [
        model_id,
        clock.now(),
      ])
      return {}
    }),
    endpoint(
      'PATCH',
      'logged-models/:model_id/tags',
      'trainer',
      byId.extend({ tags: z.array(keyValue).default([]) }),
      merge('tags'),
    ),
    endpoint(
      'POST',
      'logged-models/:model_id/params',
      'trainer',
      byId.extend({ params: z.array(keyValue).default([]) }),
      merge('params'),
    ),
    endpoint(
      'DELETE',
      'logged-models/:model_id/tags/:tag_key',
      'trainer',
      byId.extend({ tag_key: text }),
      async ({ model_id, tag_key }) => {
        const { tags } = await getLoggedModel(db, model_id)
        if (!Object.hasOwn(tags, tag_key))
          throw resourceDoesNotExist({ message: `No tag with key '${tag_key}' found for model with ID '${model_id}'.` })
        await db.query('update logged_model set tags = tags - $2::text, last_updated_time = $3 where model_id = $1', [
          model_id,
          tag_key,
          clock.now(),
        ])
        return {}
      },
    ),
    endpoint(
      'GET',
      'logged-models/:model_id/artifacts/directories',
      'viewer',
      byId.extend({ artifact_directory_path: text.default('') }),
      async ({ model_id, artifact_directory_path }) => {
        const root = loggedModelRoot(await getLoggedModel(db, model_id))
        return { root_uri: artifactUri(root), files: await listArtifacts(db, root, checkedPath(artifact_directory_path)) }
      },
    ),
  ]
}
