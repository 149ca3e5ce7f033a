import { z } from 'zod'
import { invalidParameterValue, resourceConflict } from '../errors.ts'
import { championAlias } from '../versions/champion.store.ts'
import { type CommandChampion, isPlatformModel } from '../versions/command-champion.ts'
import { sayToWebhooks } from '../webhooks/webhooks.store.ts'
import { type Endpoint, endpoint, type Tracking } from './endpoints.ts'
import { canonicalStage, getVersion, sayVersion, type VersionRow } from './model-versions.store.ts'
import { byVersion, findVersion } from './model-versions.ts'
import { getRegisteredModel, named } from './registered-models.ts'
import { refuse, text } from './wire.ts'

interface Settings extends Tracking {
  readonly champion: CommandChampion
}

const checkAlias = (alias: string): void => {
  if (alias === '') refuse('Registered model alias name cannot be empty.')
  if (!/^[\w-]*$/.test(alias)) {
    refuse(`Invalid alias name: '${alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-).`)
  }
  if (alias.length > 255) refuse(`'Registered model alias name' exceeds the maximum length of 255 characters`)
}

const checkNewAlias = (alias: string): void => {
  checkAlias(alias)
  if (alias.toLowerCase() === 'latest') refuse(`'latest' alias name (case insensitive) is reserved.`)
  if (/^v\d+$/i.test(alias)) refuse(`Version alias name '${alias}' is reserved.`)
}

const serves = (what: string): never => {
  throw resourceConflict({ message: `${what} says what serves, which the deployer decides. Move it to another version instead.` })
}

const aliased = named.extend({ alias: text })

const aliasEndpoints = ({ db, clock, champion }: Settings): Endpoint[] => [
  endpoint('GET', 'registered-models/alias', 'viewer', aliased, async ({ name, alias }) => {
    checkAlias(alias)
    const model = await getRegisteredModel(db, name)
    const version = model.aliases.find((each) => each.alias === alias)?.version
    if (version === undefined) throw invalidParameterValue({ message: `Registered model alias ${alias} not found.` })
    return { model_version: sayVersion(await getVersion(db, model, version)) }
  }),
  endpoint('POST', 'registered-models/alias', ['trainer', 'deployer'], byVersion.extend({ alias: text }), async (asked) => {
    checkNewAlias(asked.alias)
    const model = await getRegisteredModel(db, asked.name)
    const { version } = await getVersion(db, model, asked.version)
    if (asked.alias === championAlias && (await isPlatformModel(db, model))) await champion(model, version)
    else {
      await db.transaction(async (tx) => {
        await tx.query(
          `insert into registered_model_alias (name, alias, version) values ($1, $2, $3)
           on conflict (name, alias) do update set version = excluded.version`,
          [model.name, asked.alias, version],
        )
        const data = { name: model.name, alias: asked.alias, version }
        await sayToWebhooks(tx, { entity: 'MODEL_VERSION_ALIAS', action: 'CREATED', data }, clock.now())
      })
    }
    return {}
  }),
  endpoint('DELETE', 'registered-models/alias', ['trainer', 'deployer'], aliased, async ({ name, alias }) => {
    checkAlias(alias)
    const model = await getRegisteredModel(db, name)
    if (alias === championAlias && (await isPlatformModel(db, model))) serves(`The alias ${championAlias}`)
    await db.transaction(async (tx) => {
      await tx.query('delete from registered_model_alias where name = $1 and alias = $2', [model.name, alias])
      const data = { name: model.name, alias }
      await sayToWebhooks(tx, { entity: 'MODEL_VERSION_ALIAS', action: 'DELETED', data }, clock.now())
    })
    return {}
  }),
]

const transition = byVersion.extend({ stage: text, archive_existing_versions: z.boolean().default(false) })

const moveToStage = async (
  { db, clock }: Settings,
  { namespace, model, version }: VersionRow,
  stage: string,
  archive: boolean,
): Promise<void> => {
  await db.query(
    `update model_version set stage = case when version = $3 then $4 else 'Archived' end, last_updated_time = $6
      where namespace = $1 and model = $2 and deleted_at is null and (version = $3 or ($5 and stage = $4))`,
    [namespace, model, version, stage, archive, clock.now()],
  )
}

const stageEndpoint = (settings: Settings): Endpoint =>
  endpoint('POST', 'model-versions/transition-stage', ['trainer', 'deployer'], transition, async (asked) => {
    const { db, champion } = settings
    const stage = canonicalStage(asked.stage)
    const active = ['Staging', 'Production']
    if (asked.archive_existing_versions && !active.includes(stage)) {
      refuse(
        `Model version transition cannot archive existing model versions because '${asked.stage}' is not an Active stage. Valid stages are ['Staging', 'Production']`,
      )
    }
    const version = await findVersion(db, asked)
    const ofPlatform = await isPlatformModel(db, version)
    if (ofPlatform && version.stage === 'Production' && stage !== 'Production') serves('The stage Production')
    if (ofPlatform && stage === 'Production') await champion(version, version.version)
    else await moveToStage(settings, version, stage, asked.archive_existing_versions)
    return { model_version: sayVersion(await findVersion(db, asked)) }
  })

/**
 * Aliases and stages. `champion` and `Production` of a model that the platform serves are commands to the deployer; all others are plain data.
 */
export const aliasAndStageEndpoints = (settings: Settings): Endpoint[] => [...aliasEndpoints(settings), stageEndpoint(settings)]
