import { type Driven, drive, type HttpClient, inParallel, timed } from './drive.ts'

const api = '/api/2.0/mlflow'
const megabyte = Buffer.alloc(1024 ** 2, 'cascata ')
const clients = 8

/** Where a server is, and what was seeded there. */
export interface Subject {
  readonly client: HttpClient
  readonly experiment: string
  readonly runs: readonly string[]
  readonly seconds: number
}

const post = (client: HttpClient, path: string, body: object) =>
  client.json<Record<string, any>>({ method: 'POST', path: `${api}/${path}`, body: JSON.stringify(body) })

const newRun = async ({ client, experiment }: Subject): Promise<string> =>
  (await post(client, 'runs/create', { experiment_id: experiment, start_time: Date.now() }))['run'].info.run_id

const newRuns = (subject: Subject, count: number): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, () => newRun(subject)))

const one = async (work: () => Promise<unknown>): Promise<number[]> => [await timed(work)]

const createRun = (subject: Subject): Promise<Driven> => drive(clients, subject.seconds, () => one(() => newRun(subject)))

const logMetrics = async (subject: Subject): Promise<Driven> => {
  const runs = await newRuns(subject, 64)
  return drive(clients, subject.seconds, (step) => {
    const metrics = Array.from({ length: 10 }, (_, m) => ({ key: `m${m}`, value: step * m, timestamp: Date.now(), step }))
    return one(() => post(subject.client, 'runs/log-batch', { run_id: runs[step % runs.length], metrics }))
  })
}

const logParams = async (subject: Subject): Promise<Driven> => {
  const runs = await newRuns(subject, 64)
  return drive(clients, subject.seconds, (index) => {
    const params = Array.from({ length: 100 }, (_, p) => ({ key: `p${index}-${p}`, value: `value ${p}` }))
    return one(() => post(subject.client, 'runs/log-batch', { run_id: runs[index % runs.length], params }))
  })
}

const getRun = ({ client, runs, seconds }: Subject): Promise<Driven> =>
  drive(clients, seconds, (index) =>
    one(() => client.json({ method: 'GET', path: `${api}/runs/get?run_id=${runs[(index * 7_919) % runs.length]}` })),
  )

/** A metric filter that half of the runs pass, another metric as the order, a hundred results, then the second page. */
const search = ({ client, experiment, seconds }: Subject): Promise<Driven> =>
  drive(clients, seconds, async (index) => {
    const asked = {
      experiment_ids: [experiment],
      filter: `metrics.m${index % 5} > 0.5`,
      order_by: [`metrics.m${5 + (index % 5)} DESC`],
      max_results: 100,
    }
    let token: string | undefined
    const first = await timed(async () => {
      const page = await post(client, 'runs/search', asked)
      if (page['runs']?.length !== 100) throw new Error(`a page of ${page['runs']?.length} runs instead of 100`)
      token = page['next_page_token']
    })
    return [first, await timed(() => post(client, 'runs/search', { ...asked, page_token: token }))]
  })

const history = async (subject: Subject): Promise<Driven> => {
  const run_id = await newRun(subject)
  const metrics = Array.from({ length: 1_000 }, (_, step) => ({
    key: 'loss',
    value: 1 / (step + 1),
    timestamp: Date.now(),
    step,
  }))
  await post(subject.client, 'runs/log-batch', { run_id, metrics })
  return drive(clients, subject.seconds, () =>
    one(() => subject.client.json({ method: 'GET', path: `${api}/metrics/get-history?run_id=${run_id}&metric_key=loss` })),
  )
}

/** Files of 1 MB, each with other bytes: stored once each, not once in all. */
const upload = async (subject: Subject): Promise<Driven> => {
  const run = await newRun(subject)
  return drive(clients, subject.seconds, (index) => {
    const body = Buffer.from(megabyte)
    body.writeUInt32BE(index)
    const path = `/api/2.0/mlflow-artifacts/artifacts/${subject.experiment}/${run}/artifacts/f${index % 50}`
    return one(() => subject.client.json({ method: 'PUT', path, body }))
  })
}

const download = async (subject: Subject): Promise<Driven> => {
  const path = `/api/2.0/mlflow-artifacts/artifacts/${subject.experiment}/${await newRun(subject)}/artifacts/file`
  await subject.client.json({ method: 'PUT', path, body: megabyte })
  return drive(clients, subject.seconds, () =>
    one(async () => {
      const { status, text } = await subject.client.send({ method: 'GET', path })
      if (status !== 200 || text.length !== megabyte.length)
        throw new Error(`a download of ${text.length} bytes, status ${status}`)
    }),
  )
}

/** What is measured, in this order, by name. */
export const scenarios: Readonly<Record<string, (subject: Subject) => Promise<Driven>>> = {
  create_run: createRun,
  log_10_metrics: logMetrics,
  log_100_params: logParams,
  get_run: getRun,
  search,
  history_1000: history,
  artifact_put_1mb: upload,
  artifact_get_1mb: download,
}

/** 32 writers of the same metrics of one run; answers how many of their requests failed. */
export async function contend(subject: Subject): Promise<number> {
  const run_id = await newRun(subject)
  const keys = Array.from({ length: 20 }, (_, index) => `m${index}`)
  let failed = 0
  await inParallel(640, 32, async (step) => {
    const metrics = (step % 2 ? keys : keys.toReversed()).map((key) => ({ key, value: step, timestamp: step, step }))
    const { status } = await subject.client.send({
      method: 'POST',
      path: `${api}/runs/log-batch`,
      body: JSON.stringify({ run_id, metrics }),
    })
    if (status !== 200) failed += 1
  })
  return failed
}
