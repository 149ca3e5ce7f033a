import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inParallel, type HttpClient } from './drive.ts'

export const metricsARun = 10
export const paramsARun = 10
export const tagsARun = 5
const now = 1_764_000_000_000

/** The value of a metric of a seeded run: spread over 0 to 1, the same at every place that seeds. */
export const valueOf = (run: number, metric: number): number =>
  ((run * 7_919 + metric * 104_729 + (run % 97) * 31) % 100_003) / 100_003

const metrics = (run: number) =>
  Array.from({ length: metricsARun }, (_, m) => ({ key: `m${m}`, value: valueOf(run, m), timestamp: now + run, step: 0 }))
const params = (run: number) =>
  Array.from({ length: paramsARun }, (_, p) => ({ key: `p${p}`, value: String((run + p) % (10 * (p + 1))) }))
const tags = (run: number) => Array.from({ length: tagsARun }, (_, t) => ({ key: `t${t}`, value: `v${(run + t) % 20}` }))

/** Makes runs over HTTP, as a client does: create, then one batch. Answers their ids. */
export async function seedOverHttp(
  client: HttpClient,
  experiment: string,
  runs: number,
  say: (line: string) => void,
): Promise<string[]> {
  const api = '/api/2.0/mlflow'
  const ids: string[] = []
  await inParallel(runs, 8, async (run) => {
    const body = JSON.stringify({ experiment_id: experiment, start_time: now + run, tags: tags(run) })
    const made = await client.json<{ run: { info: { run_id: string } } }>({ method: 'POST', path: `${api}/runs/create`, body })
    const { run_id } = made.run.info
    ids.push(run_id)
    await client.json({
      method: 'POST',
      path: `${api}/runs/log-batch`,
      body: JSON.stringify({ run_id, metrics: metrics(run), params: params(run) }),
    })
    if (ids.length % 5_000 === 0) say(`${ids.length} runs are made`)
  })
  return ids
}

interface Tables {
  /** Statements that insert runs from `$1` (ids), `$2` (their numbers) for the experiment `$3`. */
  readonly inserts: readonly string[]
  readonly analyse: string
}

const perRun = (name: string, count: number): string =>
  `unnest($1::text[], $2::bigint[]) run(id, n), generate_series(0, ${count - 1}) ${name}(i)`
const value = `((run.n * 7919 + m.i * 104729 + (run.n % 97) * 31) % 100003)::float8 / 100003`

/** The registry's own tables, for more runs than anybody wants to wait for over HTTP. */
export const ourTables: Tables = {
  inserts: [
    `insert into registry.run (run_id, experiment_id, name, user_id, status, start_time)
       select run.id, $3, 'run-' || run.n, 'bench', 'RUNNING', ${now} + run.n from unnest($1::text[], $2::bigint[]) run(id, n)`,
    `insert into registry.metric (run_id, key, step, timestamp, value, is_nan)
       select run.id, 'm' || m.i, 0, ${now} + run.n, ${value}, false from ${perRun('m', metricsARun)} where $3::bigint >= 0`,
    `insert into registry.latest_metric (run_id, experiment_id, key, step, timestamp, value, is_nan)
       select run.id, $3::bigint, 'm' || m.i, 0, ${now} + run.n, ${value}, false from ${perRun('m', metricsARun)}`,
    `insert into registry.run_param (run_id, key, value)
       select run.id, 'p' || p.i, ((run.n + p.i) % (10 * (p.i + 1)))::text from ${perRun('p', paramsARun)} where $3::bigint >= 0`,
    `insert into registry.run_tag (run_id, key, value)
       select run.id, 't' || t.i, 'v' || ((run.n + t.i) % 20) from ${perRun('t', tagsARun)} where $3::bigint >= 0`,
  ],
  analyse: 'analyze registry.run, registry.metric, registry.latest_metric, registry.run_param, registry.run_tag',
}

/** The tables of MLflow's own server, which takes 17 runs a second over HTTP. */
export const mlflowTables: Tables = {
  inserts: [
    `insert into runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, source_version, lifecycle_stage,
         artifact_uri, experiment_id)
       select run.id, 'run-' || run.n, 'LOCAL', '', '', 'bench', 'RUNNING', ${now} + run.n, '', 'active',
         'mlflow-artifacts:/' || $3::bigint || '/' || run.id || '/artifacts', $3::bigint
         from unnest($1::text[], $2::bigint[]) run(id, n)`,
    `insert into metrics (run_uuid, key, step, timestamp, value, is_nan)
       select run.id, 'm' || m.i, 0, ${now} + run.n, ${value}, false from ${perRun('m', metricsARun)} where $3::bigint >= 0`,
    `insert into latest_metrics (run_uuid, key, step, timestamp, value, is_nan)
       select run.id, 'm' || m.i, 0, ${now} + run.n, ${value}, false from ${perRun('m', metricsARun)} where $3::bigint >= 0`,
    `insert into params (run_uuid, key, value)
       select run.id, 'p' || p.i, ((run.n + p.i) % (10 * (p.i + 1)))::text from ${perRun('p', paramsARun)} where $3::bigint >= 0`,
    `insert into tags (run_uuid, key, value)
       select run.id, 't' || t.i, 'v' || ((run.n + t.i) % 20) from ${perRun('t', tagsARun)} where $3::bigint >= 0`,
  ],
  analyse: 'analyze runs, metrics, latest_metrics, params, tags',
}

/** Makes runs by SQL, numbered from `first`; answers their ids. */
export async function seedBySql(
  url: string,
  tables: Tables,
  experiment: string,
  first: number,
  count: number,
): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const ids: string[] = []
    for (let done = 0; done < count; done += 5_000) {
      const numbers = Array.from({ length: Math.min(5_000, count - done) }, (_, index) => first + done + index)
      const made = numbers.map(() => randomUUID().replaceAll('-', ''))
      for (const insert of tables.inserts) await client.query(insert, [made, numbers, experiment])
      ids.push(...made)
    }
    await client.query(tables.analyse)
    return ids
  } finally {
    await client.end()
  }
}
