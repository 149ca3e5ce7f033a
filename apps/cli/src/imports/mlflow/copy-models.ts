import { z } from 'zod'
import { api, type Copying, foreign, ifThere, importedTag, made, orRefused, paged, tagOf } from './copying.ts'
import { decideSource } from './decide-source.ts'
import { note } from './report.ts'
import { type Query } from './server.ts'
import { type ModelVersion, modelPage, oneRun, type RegisteredModel, versionPage } from './shapes.ts'

const promptTag = 'mlflow.prompt.is_prompt'
const nothing = z.unknown()
const oneVersion = z.object({ model_version: versionPage.shape.model_versions.def.innerType.element })
const oneModel = z.object({ registered_model: modelPage.shape.registered_models.def.innerType.element })

async function versionsOf({ source }: Copying, name: string): Promise<ModelVersion[]> {
  const versions: ModelVersion[] = []
  // A name may hold either quote, so the answer is looked through too.
  const quote = name.includes("'") ? '"' : "'"
  const ask = (token: string | undefined) =>
    source.get(`${api}/model-versions/search`, versionPage, {
      ...{ filter: `name=${quote}${name}${quote}`, max_results: 1_000 },
      ...(token ? { page_token: token } : {}),
    })
  for await (const version of paged(ask, (page) => page.model_versions)) if (version.name === name) versions.push(version)
  return versions.sort((one, other) => Number(one.version) - Number(other.version))
}

/** What the copy of a version is made from. */
async function sourceOf({ source }: Copying, version: ModelVersion): Promise<string | undefined> {
  const direct = decideSource(version, undefined)
  if (direct !== undefined || version.run_id === '') return direct
  const run = await ifThere(source.get(`${api}/runs/get`, oneRun, { run_id: version.run_id, run_uuid: version.run_id }))
  return decideSource(version, run?.run.info.artifact_uri)
}

async function copyVersion(copying: Copying, version: ModelVersion): Promise<void> {
  const { source, target, report } = copying
  const { name, version: number, run_id, description, tags, current_stage } = version
  const what = `${name}/${number}`
  const from = await sourceOf(copying, version)
  if (from === undefined)
    return note(
      report,
      'versions',
      'refused',
      what,
      `its files lie outside of runs and logged models: ${version.source.slice(0, 200)}`,
    )
  const known = { name, version: number }
  const find = () => ifThere(target.get(`${api}/model-versions/get`, oneVersion, known))
  let here = await find()
  if (!here) {
    const body = {
      name,
      source: from,
      ...(run_id ? { run_id } : {}),
      description,
      tags: foreign(tags),
      imported: { version: number },
    }
    await made(target.post(`${api}/model-versions/create`, nothing, body))
    here = await find()
  }
  if (!here) return note(report, 'versions', 'skipped', what, 'deleted here since an earlier import')
  if (tagOf(here.model_version.tags, importedTag) !== undefined) return note(report, 'versions', 'there')
  if (here.model_version.source !== from)
    return note(report, 'versions', 'refused', what, 'there is another version of this number here')
  const hasStage = current_stage !== 'None' && here.model_version.current_stage === 'None'
  if (hasStage) {
    await orRefused(copying, 'versions', `${what} to stage ${current_stage}`, () =>
      target.tell('POST', `${api}/model-versions/transition-stage`, { ...known, stage: current_stage }),
    )
  }
  await target.tell('POST', `${api}/model-versions/set-tag`, { ...known, key: importedTag, value: source.base })
  note(report, 'versions', 'copied')
}

/** Sets what is not set here; an alias that was moved here since stays where it is. */
async function copyAliases(copying: Copying, { name, aliases }: RegisteredModel): Promise<void> {
  const { target, report } = copying
  const { registered_model: here } = await target.get(`${api}/registered-models/get`, oneModel, { name })
  for (const { alias, version } of aliases) {
    const what = `${name}@${alias}`
    const now = here.aliases.find((each) => each.alias === alias)?.version
    if (now === version) note(report, 'aliases', 'there')
    else if (now !== undefined) note(report, 'aliases', 'skipped', what, `it is on version ${now} here`)
    else {
      const set = () => target.tell('POST', `${api}/registered-models/alias`, { name, alias, version })
      if (await orRefused(copying, 'aliases', what, set)) note(report, 'aliases', 'copied')
    }
  }
}

async function copyModel(copying: Copying, model: RegisteredModel): Promise<void> {
  const { source, target, report, signal } = copying
  const { name, description, tags } = model
  const fresh = await made(target.post(`${api}/registered-models/create`, nothing, { name, description, tags: foreign(tags) }))
  note(report, 'models', fresh ? 'copied' : 'there')
  for (const version of await versionsOf(copying, name)) {
    signal.throwIfAborted()
    await orRefused(copying, 'versions', `${name}/${version.version}`, () => copyVersion(copying, version))
  }
  const { registered_model: whole } = await source.get(`${api}/registered-models/get`, oneModel, { name })
  await copyAliases(copying, whole)
}

/** The registered models that a search finds; without a filter, newer servers leave prompts out. */
async function modelsOf({ source }: Copying, query: Query): Promise<RegisteredModel[]> {
  const models: RegisteredModel[] = []
  const ask = (token: string | undefined) =>
    source.get(`${api}/registered-models/search`, modelPage, {
      ...{ ...query, max_results: 100 },
      ...(token ? { page_token: token } : {}),
    })
  for await (const model of paged(ask, (page) => page.registered_models)) models.push(model)
  return models
}

/** Copies registered models, their versions under the same numbers, stages and aliases. */
export async function copyModels(copying: Copying): Promise<void> {
  const { progress, report } = copying
  await orRefused(copying, 'models', 'prompts', async () => {
    for (const { name } of await modelsOf(copying, { filter: `tag.\`${promptTag}\` = 'true'` }))
      note(report, 'models', 'skipped', name, 'a prompt: those are not kept here')
  })
  const models = (await modelsOf(copying, {})).filter(({ tags }) => tagOf(tags, promptTag) !== 'true')
  for (const [index, model] of models.entries()) {
    await orRefused(copying, 'models', model.name, () => copyModel(copying, model))
    progress.show('models', index + 1, models.length)
  }
}
