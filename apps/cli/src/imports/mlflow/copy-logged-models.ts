import { z } from 'zod'
import { copyArtifacts } from './copy-artifacts.ts'
import { type CopiedExperiment } from './copy-experiments.ts'
import {
  api,
  type Copying,
  foreign,
  forEachAtOnce,
  ifThere,
  importedTag,
  made,
  orRefused,
  paged,
  sourceTag,
  tagOf,
} from './copying.ts'
import { pieces } from './copy-runs.ts'
import { note } from './report.ts'
import { type LoggedModel, loggedModelPage, oneLoggedModel } from './shapes.ts'

const atOnce = 4
const legalId = /^m-[0-9a-f]{32}$/
const mostPoints = 1_000
const nothing = z.unknown()

/** MLflow 3's models of an experiment, as they are listed; older servers have none. */
async function* modelsOf({ source, report }: Copying, { there }: CopiedExperiment): AsyncGenerator<LoggedModel> {
  const ask = async (page_token: string | undefined) =>
    (await ifThere(
      source.post(`${api}/logged-models/search`, loggedModelPage, { experiment_ids: [there], max_results: 50, page_token }),
    )) ?? { models: [], next_page_token: undefined }
  for await (const model of paged(ask, (page) => page.models)) {
    const { model_id } = model.info
    if (legalId.test(model_id)) yield model
    else note(report, 'logged models', 'refused', model_id, 'its id has not the form of an id of a logged model')
  }
}

/** Metrics of a model are logged to the run that measured them; of runs that are not here they are left out. */
async function copyMetrics(
  { target }: Copying,
  { info: { model_id }, data }: LoggedModel,
  runs: ReadonlySet<string>,
): Promise<void> {
  const byRun = Map.groupBy(data.metrics, ({ run_id }) => run_id)
  for (const [run_id, points] of byRun) {
    if (!runs.has(run_id)) continue
    for (const metrics of pieces(points, mostPoints)) {
      const about = metrics.map(({ run_id: _, ...point }) => ({ ...point, model_id }))
      await target.tell('POST', `${api}/runs/log-batch`, { run_id, metrics: about })
    }
  }
}

async function copyModel(copying: Copying, experiment: string, model: LoggedModel, runs: ReadonlySet<string>): Promise<void> {
  const { source, target, report } = copying
  const { model_id, name, model_type, source_run_id, status, tags } = model.info
  const path = `${api}/logged-models/${model_id}`
  const known = await ifThere(target.get(path, oneLoggedModel))
  if (known && tagOf(known.model.info.tags, importedTag) !== undefined) return note(report, 'logged models', 'there')
  if (known && tagOf(known.model.info.tags, sourceTag) === undefined)
    return note(report, 'logged models', 'refused', model_id, 'a logged model of this id was made here')
  const kept = [...foreign(tags), { key: sourceTag, value: source.base }]
  const body = {
    ...{ experiment_id: experiment, name, model_type, tags: kept, params: model.data.params, imported: { model_id } },
    ...(runs.has(source_run_id) ? { source_run_id } : {}),
  }
  if (!known && !(await made(target.post(`${api}/logged-models`, nothing, body))))
    return note(report, 'logged models', 'skipped', model_id, 'deleted here since an earlier import')
  const { model: here } = known ?? (await target.get(path, oneLoggedModel))
  await copyMetrics(copying, model, runs)
  const artifacts = {
    what: `logged model ${model_id}`,
    list: (folder: string) => [`${path}/artifacts/directories`, { artifact_directory_path: folder }] as const,
    file: (file: string) =>
      [`/ajax-api/2.0/mlflow/logged-models/${model_id}/artifacts/files`, { artifact_file_path: file }] as const,
    targetUri: here.info.artifact_uri,
  }
  const isWhole = await copyArtifacts(copying, artifacts, known !== undefined)
  if (typeof status === 'string' && status !== 'LOGGED_MODEL_PENDING') {
    await target.tell('PATCH', path, { status })
    if (isWhole) await target.tell('PATCH', `${path}/tags`, { tags: [{ key: importedTag, value: source.base }] })
  }
  note(report, 'logged models', 'copied')
}

/** Copies the logged models of all experiments under the ids that they have. */
export async function copyLoggedModels(
  copying: Copying,
  experiments: readonly CopiedExperiment[],
  runs: ReadonlySet<string>,
): Promise<void> {
  const { progress, signal } = copying
  for (const [index, experiment] of experiments.entries()) {
    await orRefused(copying, 'logged models', `of experiment ${experiment.name}`, async () => {
      await forEachAtOnce(atOnce, modelsOf(copying, experiment), signal, async (model) => {
        await orRefused(copying, 'logged models', model.info.model_id, () => copyModel(copying, experiment.here, model, runs))
      })
    })
    progress.show('logged models', index + 1, experiments.length)
  }
}
