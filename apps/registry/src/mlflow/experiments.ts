import { mayAccess, requireAccess } from '@cascata/service'
import { z } from 'zod'
import { resourceAlreadyExists, resourceDoesNotExist } from '../errors.ts'
import { namespaceOfExperiment } from '../versions/model-name.ts'
import { type Endpoint, endpoint, type Tracking } from './endpoints.ts'
import {
  addExperiment,
  findExperimentByName,
  getActiveExperiment,
  getExperiment,
  sayExperiment,
  searchExperiments,
  setExperimentTags,
} from './experiments.store.ts'
import { experimentCondition, experimentOrder } from './filter/experiment-filter.ts'
import { parseFilter } from './filter/parse-filter.ts'
import { checkName as checkTagName } from './validate-batch.ts'
import { int64, keyValue, missingValue, offsetOf, opaqueId, pageToken, refuse, repeated, text } from './wire.ts'

const namespaceTag = 'cascata.namespace'
const longestTag = 5_000

const checkName = (name: string, parameter: string): void => {
  if (name === '') missingValue(parameter)
  if (name.length > 500) refuse(`'name' exceeds the maximum length of 500 characters`)
}

const checkTag = ({ key, value }: z.infer<typeof keyValue>): void => {
  checkTagName(key, 'key')
  if (key.length > 250) refuse(`'key' exceeds the maximum length of 250 characters`)
  if (value.length > longestTag) refuse(`'value' exceeds the maximum length of ${longestTag} characters`)
}

const byId = z.object({ experiment_id: opaqueId })

const search = z.object({
  max_results: int64.default(0),
  page_token: text.optional(),
  filter: text.default(''),
  order_by: repeated(text),
  view_type: z.enum(['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL']).default('ACTIVE_ONLY'),
})

const stages = { ACTIVE_ONLY: ['active'], DELETED_ONLY: ['deleted'], ALL: ['active', 'deleted'] }

const searching =
  ({ db }: Tracking) =>
  async ({ max_results, page_token, filter, order_by, view_type }: z.infer<typeof search>): Promise<object> => {
    const refused = `Invalid value ${max_results} for parameter 'max_results' supplied. It must be`
    if (max_results < 1) refuse(`${refused} a positive integer`)
    if (max_results > 50_000) refuse(`${refused} at most 50000`)
    const params: unknown[] = [stages[view_type]]
    const where = ['lifecycle_stage = any($1)', ...parseFilter(filter).map((clause) => experimentCondition(clause, params))]
    const found = await searchExperiments(db, where.join(' and '), experimentOrder(order_by), params)
    const offset = offsetOf(page_token)
    const visible = found.filter(({ namespace }) => mayAccess(namespace))
    const page = visible.slice(offset, offset + max_results)
    return {
      experiments: page.length > 0 ? page.map(sayExperiment) : undefined,
      next_page_token: visible.length > offset + max_results ? pageToken(offset + max_results) : undefined,
    }
  }

const create = z.object({ name: text, tags: z.array(keyValue).max(100).default([]), artifact_location: text.optional() })

/** `artifact_location` is not taken: where artifacts lie is the server's choice. */
const creating =
  ({ db, clock }: Tracking) =>
  async ({ name, tags, artifact_location }: z.infer<typeof create>): Promise<object> => {
    checkName(name, 'name')
    tags.forEach(checkTag)
    if (artifact_location) refuse('The artifact location of an experiment is chosen by the server; leave artifact_location out.')
    const namespace = tags.find(({ key }) => key === namespaceTag)?.value ?? namespaceOfExperiment(name)
    requireAccess(namespace)
    return db.transaction(async (tx) => {
      const id = await addExperiment(tx, name, namespace, clock.now())
      if (id === undefined) throw resourceAlreadyExists({ message: `Experiment(name=${name}) already exists.` })
      if (tags.length > 0) await setExperimentTags(tx, id, tags)
      return { experiment_id: id }
    })
  }

const datasets = z.object({ experiment_ids: repeated(text) })

/** The datasets that runs of these experiments took in. */
const searchingDatasets =
  ({ db }: Tracking) =>
  async ({ experiment_ids }: z.infer<typeof datasets>): Promise<object> => {
    if (experiment_ids.length === 0) refuse('SearchDatasets request must specify at least one experiment_id.')
    if (experiment_ids.length > 20) {
      refuse(
        `SearchDatasets request cannot specify more than 20 experiment_ids. Received ${experiment_ids.length} experiment_ids.`,
      )
    }
    const found = await db.query<{
      namespace: string
      experiment_id: string
      name: string
      digest: string
      context: string | null
    }>(
      `select distinct e.namespace, r.experiment_id, i.name, i.digest, i.tags->>'mlflow.data.context' as context
         from run_input i join run r using (run_id) join experiment e on e.id = r.experiment_id
        where r.experiment_id = any($1::bigint[]) order by 2, 3, 4, 5 limit 1000`,
      [experiment_ids.filter((id) => /^\d{1,18}$/.test(id))],
    )
    const visible = found.filter(({ namespace }) => mayAccess(namespace))
    return {
      dataset_summaries:
        visible.length > 0
          ? visible.map(({ namespace: _, context, ...dataset }) => ({ ...dataset, context: context ?? undefined }))
          : undefined,
    }
  }

/** Experiments: named boxes of runs. */
export const experimentEndpoints = (tracking: Tracking): Endpoint[] => {
  const { db, clock } = tracking
  const setStage =
    (stage: 'active' | 'deleted') =>
    async ({ experiment_id }: z.infer<typeof byId>) => {
      const { id, lifecycle_stage } = await getExperiment(db, experiment_id)
      if (lifecycle_stage === stage) throw resourceDoesNotExist({ message: `No Experiment with id=${id} exists` })
      await db.transaction(async (tx) => {
        await tx.query('update experiment set lifecycle_stage = $2, last_update_time = $3 where id = $1', [
          id,
          stage,
          clock.now(),
        ])
        await tx.query('update run set lifecycle_stage = $2 where experiment_id = $1 and lifecycle_stage <> $2', [id, stage])
      })
      return {}
    }
  return [
    endpoint('POST', 'experiments/create', 'trainer', create, creating(tracking)),
    endpoint(['GET', 'POST'], 'experiments/search', 'viewer', search, searching(tracking)),
    endpoint('GET', 'experiments/get', 'viewer', byId, async ({ experiment_id }) => ({
      experiment: sayExperiment(await getExperiment(db, experiment_id)),
    })),
    endpoint('GET', 'experiments/get-by-name', 'viewer', z.object({ experiment_name: text }), async ({ experiment_name }) => {
      const found = await findExperimentByName(db, experiment_name)
      if (!found || !mayAccess(found.namespace)) {
        throw resourceDoesNotExist({ message: `Could not find experiment with name '${experiment_name}'` })
      }
      return { experiment: sayExperiment(found) }
    }),
    endpoint('POST', 'experiments/search-datasets', 'viewer', datasets, searchingDatasets(tracking)),
    endpoint('POST', 'experiments/delete', 'trainer', byId, setStage('deleted')),
    endpoint('POST', 'experiments/restore', 'trainer', byId, setStage('active')),
    endpoint(
      'POST',
      'experiments/update',
      'trainer',
      byId.extend({ new_name: text.default('') }),
      async ({ experiment_id, new_name }) => {
        checkName(new_name, 'new_name')
        const { id } = await getActiveExperiment(db, experiment_id)
        if (await findExperimentByName(db, new_name))
          throw resourceAlreadyExists({ message: `Experiment(name=${new_name}) already exists.` })
        await db.query('update experiment set name = $2, last_update_time = $3 where id = $1', [id, new_name, clock.now()])
        return {}
      },
    ),
    endpoint(
      'POST',
      'experiments/set-experiment-tag',
      'trainer',
      byId.extend(keyValue.shape),
      async ({ experiment_id, key, value }) => {
        checkTag({ key, value })
        const { id } = await getActiveExperiment(db, experiment_id)
        await setExperimentTags(db, id, [{ key, value }])
        return {}
      },
    ),
    endpoint(
      'POST',
      'experiments/delete-experiment-tag',
      'trainer',
      byId.extend({ key: text }),
      async ({ experiment_id, key }) => {
        const { id } = await getActiveExperiment(db, experiment_id)
        const gone = await db.query('delete from experiment_tag where experiment_id = $1 and key = $2 returning 1 as one', [
          id,
          key,
        ])
        if (gone.length === 0) throw resourceDoesNotExist({ message: `No tag with name: ${key} in experiment with id ${id}` })
        return {}
      },
    ),
  ]
}
