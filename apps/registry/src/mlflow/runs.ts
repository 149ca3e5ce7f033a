import { randomUUID } from 'node:crypto'
import { currentPrincipal } from '@cascata/service'
import { z } from 'zod'
import { type Endpoint, endpoint, type Tracking } from './endpoints.ts'
import { getActiveExperiment } from './experiments.store.ts'
import { parseFilter, parseOrder } from './filter/parse-filter.ts'
import { alreadyHere, imported, requireImporter } from './imported.ts'
import { lastByKey, logTags } from './run-data.store.ts'
import { searchRuns } from './runs.search.ts'
import { addRun, getActiveRun, getRun, getWholeRun, sayInfo, sayRun } from './runs.store.ts'
import { apiDocs, int64, JsonText, keyValue, opaqueId, refuse, repeated, runOf, runRef, text } from './wire.ts'
import { checkedTags } from './validate-batch.ts'

const nameTag = 'mlflow.runName'
const status = z.enum(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'])

const create = z.object({
  experiment_id: opaqueId.default('0'),
  user_id: text.max(256).default(''),
  run_name: text.max(500).optional(),
  start_time: int64.optional(),
  tags: z.array(keyValue).max(1_000).default([]),
  imported: imported.run,
})

const firstNames = [
  'able',
  'brave',
  'calm',
  'eager',
  'fair',
  'glad',
  'keen',
  'kind',
  'lively',
  'merry',
  'proud',
  'quiet',
  'swift',
  'wise',
]
const lastNames = [
  'brook',
  'cascade',
  'creek',
  'current',
  'delta',
  'fjord',
  'lagoon',
  'rapid',
  'ripple',
  'river',
  'spring',
  'tide',
  'wave',
]

/** A name for a run that was given none, drawn from its id. */
const nameOf = (id: string): string => {
  const number = Number.parseInt(id.slice(0, 8), 16)
  return `${firstNames[number % firstNames.length]}-${lastNames[number % lastNames.length]}-${number % 1_000}`
}

const creating =
  ({ db, clock }: Tracking) =>
  async (asked: z.infer<typeof create>): Promise<object> => {
    requireImporter(asked.imported)
    const tagged = asked.tags.find(({ key }) => key === nameTag)?.value
    if (asked.run_name && tagged && asked.run_name !== tagged) {
      refuse(
        `Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='${asked.run_name}', mlflow.runName='${tagged}').`,
      )
    }
    const run_id = asked.imported?.run_id ?? randomUUID().replaceAll('-', '')
    const name = asked.run_name || tagged || nameOf(run_id)
    const user_id = asked.user_id || currentPrincipal().name
    const { id } = await getActiveExperiment(db, asked.experiment_id)
    const start_time = String(asked.start_time ?? clock.now())
    const run = { run_id, experiment_id: id, name, user_id, status: 'RUNNING', start_time }
    const tags = lastByKey([...checkedTags(asked.tags), { key: nameTag, value: name }])
    if (!(await addRun(db, run, tags))) {
      await getActiveExperiment(db, id)
      throw alreadyHere(`Run with id=${run_id}`)
    }
    const info = sayInfo({ ...run, namespace: '', end_time: null, lifecycle_stage: 'active' })
    return { run: { info, data: { tags }, inputs: {}, outputs: {} } }
  }

const update = z.object({ ...runRef, status: status.optional(), end_time: int64.optional(), run_name: text.max(500).optional() })

const updating =
  ({ db }: Tracking) =>
  async (asked: z.infer<typeof update>): Promise<object> =>
    db.transaction(async (tx) => {
      const { run_id } = await getActiveRun(tx, runOf(asked))
      await tx.query(
        'update run set status = coalesce($2, status), end_time = coalesce($3, end_time), name = coalesce($4, name) where run_id = $1',
        [run_id, asked.status ?? null, asked.end_time ?? null, asked.run_name || null],
      )
      if (asked.run_name) await logTags(tx, run_id, [{ key: nameTag, value: asked.run_name }])
      return { run_info: sayInfo(await getRun(tx, run_id)) }
    })

const search = z.object({
  experiment_ids: z.array(text).max(10_000).default([]),
  filter: text.default(''),
  run_view_type: z.enum(['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL']).default('ACTIVE_ONLY'),
  max_results: int64.default(1_000),
  order_by: repeated(text),
  page_token: text.optional(),
})

const stages = { ACTIVE_ONLY: ['active'], DELETED_ONLY: ['deleted'], ALL: ['active', 'deleted'] }

const searching =
  ({ db }: Tracking) =>
  async ({
    experiment_ids,
    filter,
    run_view_type,
    max_results,
    order_by,
    page_token,
  }: z.infer<typeof search>): Promise<object> => {
    if (max_results < 1)
      refuse(`Invalid value ${max_results} for parameter 'max_results' supplied. It must be a positive integer`)
    if (max_results > 50_000)
      refuse(`Invalid value ${max_results} for parameter 'max_results' supplied:  Hint: Value was of type 'int'. ${apiDocs}`)
    const { runs, next } = await searchRuns(
      db,
      {
        experiments: experiment_ids,
        stages: stages[run_view_type],
        clauses: parseFilter(filter),
        orders: order_by.map(parseOrder),
      },
      max_results,
      page_token,
    )
    const page = runs.length > 0 ? [`"runs":[${runs.map(sayRun).join(',')}]`] : []
    return new JsonText(`{${[...page, ...(next ? [`"next_page_token":${JSON.stringify(next)}`] : [])].join(',')}}`)
  }

/** Runs: one execution each, with what it logged. */
export const runEndpoints = (tracking: Tracking): Endpoint[] => {
  const { db, clock } = tracking
  const byId = z.object(runRef)
  const setStage = (stage: 'active' | 'deleted') => async (asked: z.infer<typeof byId>) =>
    db.transaction(async (tx) => {
      const { run_id } = await getRun(tx, runOf(asked), { lock: true })
      await tx.query('update run set lifecycle_stage = $2 where run_id = $1', [run_id, stage])
      if (stage === 'deleted')
        await tx.query('update run set end_time = coalesce(end_time, $2) where run_id = $1', [run_id, clock.now()])
      return {}
    })
  return [
    endpoint('POST', 'runs/create', 'trainer', create, creating(tracking)),
    endpoint('POST', 'runs/update', 'trainer', update, updating(tracking)),
    endpoint('GET', 'runs/get', 'viewer', byId, async (asked) => {
      const run = await getWholeRun(db, runOf(asked))
      return new JsonText(`{"run":${sayRun(run)}}`)
    }),
    endpoint('POST', 'runs/delete', 'trainer', byId, setStage('deleted')),
    endpoint('POST', 'runs/restore', 'trainer', byId, setStage('active')),
    endpoint('POST', 'runs/search', 'viewer', search, searching(tracking)),
  ]
}
