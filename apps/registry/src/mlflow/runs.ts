import { randomUUID } from 'node:crypto'
import { currentPrincipal, mayAccess } from '@cascata/service'
import { z } from 'zod'
import { type Endpoint, endpoint, type Tracking } from './endpoints.ts'
import { getActiveExperiment } from './experiments.store.ts'
import { parseFilter } from './filter/parse-filter.ts'
import { runCondition, runOrder } from './filter/run-filter.ts'
import { logTags } from './run-data.store.ts'
import { addRun, getActiveRun, getRun, type RunInfo, sayInfo, sayRuns, searchRuns } from './runs.store.ts'
import { int64, keyValue, offsetOf, opaqueId, pageToken, refuse, repeated, runOf, runRef, text } from './wire.ts'
import { checkTags } from './validate-batch.ts'

const nameTag = 'mlflow.runName'
const status = z.enum(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'])

const create = z.object({
  experiment_id: opaqueId.default('0'),
  user_id: text.max(256).default(''),
  run_name: text.max(500).optional(),
  start_time: int64.optional(),
  tags: z.array(keyValue).max(1_000).default([]),
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
    const tagged = asked.tags.find(({ key }) => key === nameTag)?.value
    if (asked.run_name && tagged && asked.run_name !== tagged) {
      refuse(
        `Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='${asked.run_name}', mlflow.runName='${tagged}').`,
      )
    }
    checkTags(asked.tags)
    const run_id = randomUUID().replaceAll('-', '')
    const name = asked.run_name || tagged || nameOf(run_id)
    const user_id = asked.user_id || currentPrincipal().name
    await db.transaction(async (tx) => {
      const { id } = await getActiveExperiment(tx, asked.experiment_id)
      await addRun(tx, {
        run_id,
        experiment_id: id,
        name,
        user_id,
        status: 'RUNNING',
        start_time: String(asked.start_time ?? clock.now()),
      })
      await logTags(tx, run_id, [...asked.tags, { key: nameTag, value: name }])
    })
    const [run] = await sayRuns(db, [await getRun(db, run_id)])
    return { run }
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
      refuse(`Invalid value ${max_results} for parameter 'max_results' supplied. It must be at most 50000`)
    const experiments = experiment_ids.filter((id) => /^\d{1,18}$/.test(id))
    const params: unknown[] = [experiments, stages[run_view_type]]
    const where = parseFilter(filter).map((clause) => runCondition(clause, params))
    const order = runOrder(order_by, params)
    const offset = offsetOf(page_token)
    const found = await searchRuns(db, {
      experiments,
      stages: stages[run_view_type],
      where,
      order,
      params,
      limit: max_results + 1,
      offset,
    })
    const page = found.slice(0, max_results).filter(({ namespace }: RunInfo) => mayAccess(namespace))
    return {
      runs: page.length > 0 ? await sayRuns(db, page) : undefined,
      next_page_token: found.length > max_results ? pageToken(offset + max_results) : undefined,
    }
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
    endpoint('GET', 'runs/get', 'viewer', byId, async (asked) => ({
      run: (await sayRuns(db, [await getRun(db, runOf(asked))]))[0],
    })),
    endpoint('POST', 'runs/delete', 'trainer', byId, setStage('deleted')),
    endpoint('POST', 'runs/restore', 'trainer', byId, setStage('active')),
    endpoint('POST', 'runs/search', 'viewer', search, searching(tracking)),
  ]
}
