import { z } from 'zod'
import { copyArtifacts } from './copy-artifacts.ts'
import { type CopiedExperiment } from './copy-experiments.ts'
import { api, type Copying, foreign, forEachAtOnce, importedTag, made, orRefused, paged, sourceTag, tagOf } from './copying.ts'
import { note } from './report.ts'
import { Refused } from './requests.ts'
import { historyPage, oneRun, type Point, type Run, runPage } from './shapes.ts'

const atOnce = 4
const legalId = /^[0-9a-f]{32}$/
const idsAQuestion = 200
const runsAPage = 200
const [mostPoints, mostPairs] = [1_000, 100]

/** A list in pieces of at most `size`. */
export const pieces = <Item>(items: readonly Item[], size: number): Item[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size))

/** The ids of an experiment's active runs, oldest first. */
async function runsOf({ source, report, progress }: Copying, { there, name }: CopiedExperiment): Promise<string[]> {
  const ids: string[] = []
  const body = { experiment_ids: [there], max_results: runsAPage, run_view_type: 'ALL', order_by: ['attributes.start_time ASC'] }
  const ask = (page_token: string | undefined) => source.post(`${api}/runs/search`, runPage, { ...body, page_token })
  for await (const { info } of paged(ask, ({ runs }) => runs)) {
    if (!legalId.test(info.run_id)) note(report, 'runs', 'refused', info.run_id, 'its id has not the form of an id of a run')
    else if (info.lifecycle_stage === 'active') ids.push(info.run_id)
    else note(report, 'runs', 'skipped', info.run_id, 'deleted at the source')
    if (ids.length % 1_000 === 0) progress.show('looking', 0, 1, `${ids.length} runs of ${name}`)
  }
  return ids
}

type State = 'whole' | 'part' | 'deleted' | 'ours'

/** Which of the runs are here: copied whole or in part, deleted, or made here. */
async function known({ target }: Copying, experiment: string, ids: readonly string[]): Promise<Map<string, State>> {
  const states = new Map<string, State>()
  for (const some of pieces(ids, idsAQuestion)) {
    const filter = `attributes.run_id IN (${some.map((id) => `'${id}'`).join(', ')})`
    const body = { experiment_ids: [experiment], max_results: idsAQuestion, run_view_type: 'ALL', filter }
    const { runs } = await target.post(`${api}/runs/search`, runPage, body)
    for (const { info, data } of runs) {
      const has = (key: string) => tagOf(data.tags, key) !== undefined
      const copied = has(importedTag) ? 'whole' : has(sourceTag) ? 'part' : 'ours'
      states.set(info.run_id, info.lifecycle_stage === 'active' ? copied : 'deleted')
    }
  }
  return states
}

const nothing = z.unknown()

/** Every point of every metric, in batches as large as a request may be. */
async function copyMetrics({ source, target }: Copying, run_id: string, { data }: Run): Promise<void> {
  let waiting: Point[] = []
  const send = async () => {
    if (waiting.length > 0) await target.tell('POST', `${api}/runs/log-batch`, { run_id, metrics: waiting })
    waiting = []
  }
  for (const { key } of data.metrics) {
    const ask = (token: string | undefined) =>
      source.get(`${api}/metrics/get-history`, historyPage, {
        ...{ run_id, run_uuid: run_id, metric_key: key, max_results: 25_000 },
        ...(token ? { page_token: token } : {}),
      })
    for await (const { value, timestamp, step } of paged(ask, ({ metrics }) => metrics)) {
      waiting.push({ key, value, timestamp, step })
      if (waiting.length === mostPoints) await send()
    }
  }
  await send()
}

async function copyData(copying: Copying, run_id: string, run: Run): Promise<void> {
  const { target } = copying
  for (const params of pieces(run.data.params, mostPairs)) await target.tell('POST', `${api}/runs/log-batch`, { run_id, params })
  for (const tags of pieces(foreign(run.data.tags), mostPairs))
    await target.tell('POST', `${api}/runs/log-batch`, { run_id, tags })
  await copyMetrics(copying, run_id, run)
  const { dataset_inputs: datasets } = run.inputs
  if (datasets.length > 0) await target.tell('POST', `${api}/runs/log-inputs`, { run_id, datasets })
  const { model_outputs: models } = run.outputs
  if (models.length > 0) await target.tell('POST', `${api}/runs/outputs`, { run_id, models })
}

async function copyRun(copying: Copying, experiment: string, run_id: string, again: boolean): Promise<void> {
  const { source, target, report } = copying
  const { run } = await source.get(`${api}/runs/get`, oneRun, { run_id, run_uuid: run_id })
  const { run_name, user_id, start_time, end_time, status } = run.info
  const named = tagOf(run.data.tags, 'mlflow.runName') ?? run_name
  if (!again) {
    const tags = [{ key: sourceTag, value: source.base }]
    const body = { experiment_id: experiment, user_id, start_time, run_name: named, tags, imported: { run_id } }
    if (!(await made(target.post(`${api}/runs/create`, nothing, body))))
      throw new Refused(200, 'ELSEWHERE', 'another experiment has a run of this id here')
  }
  await copyData(copying, run_id, run)
  const { run: here } = await target.get(`${api}/runs/get`, oneRun, { run_id })
  const artifacts = {
    what: `run ${run_id}`,
    list: (path: string) => [`${api}/artifacts/list`, { run_id, run_uuid: run_id, path }] as const,
    file: (path: string) => ['/get-artifact', { run_id, run_uuid: run_id, path }] as const,
    targetUri: here.info.artifact_uri,
  }
  const isWhole = await copyArtifacts(copying, artifacts, again)
  await target.tell('POST', `${api}/runs/update`, { run_id, status, end_time })
  // A run that goes on at the source is looked at again next time.
  const isOver = status !== 'RUNNING' && status !== 'SCHEDULED'
  if (isWhole && isOver) await target.tell('POST', `${api}/runs/set-tag`, { run_id, key: importedTag, value: source.base })
  note(report, 'runs', 'copied')
}

/** Copies the active runs of all experiments under the ids that they have. Answers which are here. */
export async function copyRuns(copying: Copying, experiments: readonly CopiedExperiment[]): Promise<Set<string>> {
  const { report, progress, signal } = copying
  const work: { id: string; experiment: string; state: 'part' | undefined }[] = []
  const here = new Set<string>()
  for (const experiment of experiments) {
    const ids = await runsOf(copying, experiment)
    const states = await known(copying, experiment.here, ids)
    for (const id of ids) {
      const state = states.get(id)
      if (state !== 'deleted' && state !== 'ours') here.add(id)
      if (state === 'whole') note(report, 'runs', 'there')
      else if (state === 'ours') note(report, 'runs', 'refused', id, 'a run of this id was made here')
      else if (state === 'deleted') note(report, 'runs', 'skipped', id, 'deleted here since an earlier import')
      else work.push({ id, experiment: experiment.here, state })
    }
  }
  let done = 0
  await forEachAtOnce(atOnce, work, signal, async ({ id, experiment, state }) => {
    const copied = await orRefused(copying, 'runs', id, () => copyRun(copying, experiment, id, state === 'part'))
    if (!copied) here.delete(id)
    done += 1
    progress.show('runs', done, work.length, `${done} of ${work.length}, ${Math.round(report.bytes / 1e6)} MB of artifacts`)
  })
  return here
}
