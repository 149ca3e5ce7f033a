import { mayAccess } from '@cascata/service'
import { z } from 'zod'
import { type Endpoint, endpoint, type Tracking } from './endpoints.ts'
import { loggedModelCondition, loggedModelOrder } from './filter/logged-model-filter.ts'
import { parseFilter } from './filter/parse-filter.ts'
import { type LoggedModel, loggedModelColumns, sayLoggedModels } from './logged-models.ts'
import { int64, missingValue, offsetOf, pageToken, repeated, text } from './wire.ts'

const dataset = { dataset_name: text.optional(), dataset_digest: text.optional() }

const search = z.object({
  experiment_ids: repeated(text),
  max_results: int64.default(100),
  page_token: text.optional(),
  filter: text.default(''),
  datasets: z.array(z.object(dataset)).max(100).default([]),
  order_by: z
    .array(z.object({ field_name: text, ascending: z.boolean().default(true), ...dataset }))
    .max(20)
    .default([]),
})

const searching =
  ({ db }: Tracking) =>
  async (asked: z.infer<typeof search>): Promise<object> => {
    if (asked.experiment_ids.length === 0) missingValue('experiment_ids')
    const experiments = await db.query<{ id: string; namespace: string }>(
      'select id, namespace from experiment where id = any($1::bigint[])',
      [asked.experiment_ids.filter((id) => /^\d{1,18}$/.test(id))],
    )
    const params: unknown[] = [experiments.filter(({ namespace }) => mayAccess(namespace)).map(({ id }) => id)]
    const where = parseFilter(asked.filter).map((clause) => loggedModelCondition(clause, asked.datasets, params))
    const order = asked.order_by.map((each) => loggedModelOrder(each, params))
    const limit = Math.max(1, Math.min(asked.max_results, 1_000))
    const offset = offsetOf(asked.page_token)
    const found = await db.query<LoggedModel>(
      `select ${loggedModelColumns} from logged_model m join experiment e on e.id = m.experiment_id
        where ${['m.experiment_id = any($1::bigint[])', 'not m.deleted', ...where].join(' and ')}
        order by ${[...order, 'm.creation_time desc', 'm.model_id'].join(', ')} limit ${limit + 1} offset ${offset}`,
      params,
    )
    const page = found.slice(0, limit)
    return {
      models: page.length > 0 ? await sayLoggedModels(db, page) : undefined,
      next_page_token: found.length > limit ? pageToken(offset + limit) : undefined,
    }
  }

/** The search of logged models. */
export const loggedModelSearch = (tracking: Tracking): Endpoint =>
  endpoint('POST', 'logged-models/search', 'viewer', search, searching(tracking))
