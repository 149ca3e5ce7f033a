import { z } from 'zod'
import { type Endpoint, endpoint, type Tracking } from './endpoints.ts'
import { getRun } from './runs.store.ts'
import { int64, missingValue, offsetOf, opaqueId, pageToken, refuse, repeated, runOf, runRef, said, text } from './wire.ts'

interface Point {
  run_id: string
  key: string
  value: number
  is_nan: boolean
  timestamp: number
  step: number
}

const columns = 'run_id, key, value, is_nan, timestamp::float8 as timestamp, step::float8 as step'
const mostPoints = 25_000

const say = ({ run_id: _, value, is_nan, ...point }: Point): object => ({ ...point, value: said({ value, is_nan }) })
const sayWithRun = (point: Point): object => ({ ...say(point), run_id: point.run_id })

const history = z.object({ ...runRef, metric_key: text, page_token: text.optional(), max_results: int64.optional() })

const interval = z.object({
  run_ids: repeated(opaqueId),
  metric_key: text,
  start_step: int64.optional(),
  end_step: int64.optional(),
  max_results: int64.default(2_500),
})

const bulk = z.object({ run_id: repeated(opaqueId), metric_key: text, max_results: int64.default(mostPoints) })
const mostRuns = 100

/** The histories of one metric in several runs, each by time: what MLflow's pages plot. */
const bulkHistory =
  (db: Tracking['db']) =>
  async ({ run_id, metric_key, max_results }: z.infer<typeof bulk>): Promise<object> => {
    if (run_id.length === 0) refuse('GetMetricHistoryBulk request must specify at least one run_id.')
    if (run_id.length > mostRuns) {
      refuse(`GetMetricHistoryBulk request cannot specify more than ${mostRuns} run_ids. Received ${run_id.length} run_ids.`)
    }
    for (const run of run_id) await getRun(db, run)
    const points = await db.query<Point>(
      `select ${columns} from metric where run_id = any($1) and key = $2 order by run_id, timestamp, step, value limit $3`,
      [run_id, metric_key, Math.max(0, Math.min(max_results, mostPoints))],
    )
    return { metrics: points.map(sayWithRun) }
  }

/** The history of metrics. */
export const metricEndpoints = ({ db }: Tracking): Endpoint[] => [
  endpoint('GET', 'metrics/get-history-bulk', 'viewer', bulk, bulkHistory(db)),
  endpoint('GET', 'metrics/get-history', 'viewer', history, async (asked) => {
    const { run_id } = await getRun(db, runOf(asked))
    const limit = Math.max(1, Math.min(asked.max_results || mostPoints, mostPoints))
    const offset = offsetOf(asked.page_token)
    const points = await db.query<Point>(
      `select ${columns} from metric where run_id = $1 and key = $2 order by step, timestamp, value limit $3 offset $4`,
      [run_id, asked.metric_key, limit + 1, offset],
    )
    return {
      metrics: points.length > 0 ? points.slice(0, limit).map(say) : undefined,
      next_page_token: points.length > limit ? pageToken(offset + limit) : undefined,
    }
  }),

  endpoint(
    'GET',
    'metrics/get-history-bulk-interval',
    'viewer',
    interval,
    async ({ run_ids, metric_key, start_step, end_step, max_results }) => {
      if (run_ids.length === 0) missingValue('run_ids')
      if (run_ids.length > mostRuns)
        refuse(
          `GetMetricHistoryBulkInterval request must specify at most ${mostRuns} run_ids. Received ${run_ids.length} run_ids.`,
        )
      if ((start_step === undefined) !== (end_step === undefined)) {
        refuse('If either start step or end step are specified, both must be specified.')
      }
      if (max_results < 1 || max_results > 2_500) refuse('max_results must be between 1 and 2500.')
      for (const run of run_ids) await getRun(db, run)
      // Every n-th row of a run, and always its last.
      const points = await db.query<Point>(
        `select ${columns} from (
         select *, row_number() over of_run as place, count(*) over (partition by run_id) as total from metric
          where run_id = any($1) and key = $2 and step between coalesce($3, step) and coalesce($4, step)
          window of_run as (partition by run_id order by step, timestamp, value)) numbered
        where (place - 1) % ceil(total::float8 / $5)::bigint = 0 or place = total order by run_id, step, timestamp, value`,
        [run_ids, metric_key, start_step ?? null, end_step ?? null, max_results],
      )
      return { metrics: points.length > 0 ? points.map(sayWithRun) : undefined }
    },
  ),
]
