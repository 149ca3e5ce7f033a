import { z } from 'zod'
import { api, type Copying, foreign, ifThere, made, orRefused, paged } from './copying.ts'
import { note } from './report.ts'
import { type Experiment, experimentPage } from './shapes.ts'

/** An experiment there, and its id here. */
export interface CopiedExperiment {
  readonly there: string
  readonly here: string
  readonly name: string
}

const byName = z.object({ experiment: experimentPage.shape.experiments.def.innerType.element })

const nothing = z.unknown()

/** Makes the experiment here where it is missing. Experiments of the same name are one; what tags say here stays. */
async function copyExperiment(
  copying: Copying,
  { experiment_id, name, tags: theirs }: Experiment,
): Promise<CopiedExperiment | undefined> {
  const { target, report } = copying
  const tags = foreign(theirs)
  const find = () => ifThere(target.get(`${api}/experiments/get-by-name`, byName, { experiment_name: name }))
  let here = await find()
  const fresh =
    here === undefined && (await made(target.post(`${api}/experiments/create`, nothing, { name, tags: tags.slice(0, 100) })))
  if (!here) here = (await find())!
  const { experiment_id: id, lifecycle_stage, tags: known } = here.experiment
  if (lifecycle_stage !== 'active') {
    note(report, 'experiments', 'skipped', name, 'an experiment of this name was deleted here')
    return undefined
  }
  for (const tag of tags.filter(({ key }) => !known.some((each) => each.key === key)))
    await target.tell('POST', `${api}/experiments/set-experiment-tag`, { experiment_id: id, ...tag })
  note(report, 'experiments', fresh ? 'copied' : 'there')
  return { there: experiment_id, here: id, name }
}

/** Copies the active experiments, oldest first. */
export async function copyExperiments(copying: Copying): Promise<CopiedExperiment[]> {
  const { source, progress, signal } = copying
  const found: Experiment[] = []
  const ask = (page_token: string | undefined) =>
    source.post(`${api}/experiments/search`, experimentPage, { max_results: 1_000, view_type: 'ALL', page_token })
  for await (const experiment of paged(ask, ({ experiments }) => experiments)) found.push(experiment)
  const copied: CopiedExperiment[] = []
  for (const [index, experiment] of found.reverse().entries()) {
    progress.show('experiments', index + 1, found.length)
    signal.throwIfAborted()
    if (experiment.lifecycle_stage !== 'active') {
      note(copying.report, 'experiments', 'skipped', experiment.name, 'deleted at the source')
      continue
    }
    await orRefused(copying, 'experiments', experiment.name, async () => {
      const one = await copyExperiment(copying, experiment)
      if (one) copied.push(one)
    })
  }
  return copied
}
