import { createClient, isCodedError, type Logger } from '@cascata/service'
import { readFile } from 'node:fs/promises'

const api = '/api/2.0/mlflow'
const artifacts = '/api/2.0/mlflow-artifacts/artifacts'

interface MlflowRun {
  experiment: string
  run: string
}

/** Logs runs to the registry as any MLflow client does: an experiment a model. */
export function mlflowClient({ baseUrl, token, log }: { baseUrl: string; token: string | null; log: Logger }) {
  const client = createClient({ baseUrl, token, log, timeoutMs: 60_000, retries: 3 })

  const experimentOf = async (name: string): Promise<string> => {
    const found = await client
      .get<{ experiment: { experiment_id: string } }>(`${api}/experiments/get-by-name`, { query: { experiment_name: name } })
      .catch((cause: unknown) => {
        if (isCodedError(cause) && cause.details.status === 404) return undefined
        throw cause
      })
    if (found) return found.experiment.experiment_id
    return (await client.post<{ experiment_id: string }>(`${api}/experiments/create`, { name })).experiment_id
  }

  return {
    async start(model: string, run: string, now: number, tags: Record<string, string>): Promise<MlflowRun> {
      const experiment = await experimentOf(model)
      const body = { experiment_id: experiment, run_name: run, start_time: now, user_id: 'dispatcher', tags: pairs(tags) }
      const created = await client.post<{ run: { info: { run_id: string } } }>(`${api}/runs/create`, body)
      return { experiment, run: created.run.info.run_id }
    },
    async log(
      { run }: MlflowRun,
      { params = {}, metrics = {} }: { params?: Record<string, unknown>; metrics?: Record<string, number> },
      now: number,
    ): Promise<void> {
      await client.post(`${api}/runs/log-batch`, {
        run_id: run,
        params: pairs(Object.fromEntries(Object.entries(params).map(([key, value]) => [key, String(value)]))).slice(0, 100),
        metrics: Object.entries(metrics)
          .filter(([, value]) => Number.isFinite(value))
          .slice(0, 800)
          .map(([key, value]) => ({ key, value, timestamp: now, step: 0 })),
      })
    },
    async artifact({ experiment, run }: MlflowRun, name: string, path: string): Promise<void> {
      await client.upload(`${artifacts}/${experiment}/${run}/artifacts/${encodeURIComponent(name)}`, await readFile(path))
    },
    async end({ run }: MlflowRun, status: 'FINISHED' | 'FAILED' | 'KILLED', now: number): Promise<void> {
      await client.post(`${api}/runs/update`, { run_id: run, status, end_time: now })
    },
    close: () => client.close(),
  }
}

const pairs = (record: Record<string, string>): { key: string; value: string }[] =>
  Object.entries(record).map(([key, value]) => ({ key, value: value.slice(0, 5_000) }))

export type MlflowClient = ReturnType<typeof mlflowClient>
