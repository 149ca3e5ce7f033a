import { type Tx } from '@cascata/messaging'
import { currentPrincipal, requireAccess } from '@cascata/service'
import { record } from '../audit/audit.store.ts'
import { resourceAlreadyExists, resourceConflict } from '../errors.ts'
import { isPlatformModel } from '../versions/command-champion.ts'
import { modelOf, registeredName } from '../versions/model-name.ts'
import { type Endpoint, endpoint, type Tracking } from './endpoints.ts'
import { byVersion, findVersion } from './model-versions.ts'
import { checkName, getRegisteredModel, named, type RegisteredModel, sayModel } from './registered-models.ts'
import { text } from './wire.ts'

/** Locks a model that clients may change in whole: none of whose versions the platform serves. */
const lockOwn = async (tx: Tx, name: string): Promise<RegisteredModel> => {
  const model = await getRegisteredModel(tx, name)
  await tx.query('select 1 from registered_model where name = $1 for update', [model.name])
  if (!(await isPlatformModel(tx, model))) return model
  throw resourceConflict({
    message: `A Model named ${model.namespace}/${model.model} is applied, and the platform serves it. Delete that first: \`cascata apply --prune\`.`,
  })
}

/** Hides a model with its versions. Its numbers go on where they ended when a model of the name is made again: a version is never another one. */
const deleteModel =
  ({ db }: Tracking) =>
  async ({ name }: { name: string }): Promise<object> =>
    db.transaction(async (tx) => {
      const model = await lockOwn(tx, name)
      const of = [model.namespace, model.model]
      await tx.query('update registered_model set deleted_at = clock_timestamp() where namespace = $1 and model = $2', of)
      await tx.query(
        'update model_version set deleted_at = clock_timestamp() where namespace = $1 and model = $2 and deleted_at is null',
        of,
      )
      await tx.query('delete from registered_model_alias where name = $1', [model.name])
      await tx.query('delete from registered_model_tag where name = $1', [model.name])
      const subject = `${model.namespace}/${model.model}`
      await record(tx, { who: currentPrincipal().name, action: 'model.deleted', namespace: model.namespace, subject })
      return {}
    })

const renameModel =
  ({ db, clock }: Tracking) =>
  async ({ name, new_name }: { name: string; new_name: string }): Promise<object> => {
    checkName(new_name, 'new_name')
    const next = modelOf(new_name)
    requireAccess(next.namespace, next.model)
    const renamed = await db.transaction(async (tx) => {
      const { namespace, model } = await lockOwn(tx, name)
      if (await isPlatformModel(tx, next))
        throw resourceConflict({
          message: `A Model named ${next.namespace}/${next.model} is applied; its versions come from the platform.`,
        })
      const taken = await tx.query('select 1 as one from registered_model where name = $1', [registeredName(next)])
      if (taken.length > 0) throw resourceAlreadyExists({ message: `Registered Model (name=${new_name}) already exists.` })
      await tx.query(
        'update registered_model set name = $3, namespace = $4, model = $5, last_updated_time = $6 where namespace = $1 and model = $2',
        [namespace, model, registeredName(next), next.namespace, next.model, clock.now()],
      )
      await tx.query(
        'update model_version set namespace = $3, model = $4, last_updated_time = $5 where namespace = $1 and model = $2',
        [namespace, model, next.namespace, next.model, clock.now()],
      )
      await record(tx, {
        who: currentPrincipal().name,
        action: 'model.renamed',
        namespace: next.namespace,
        subject: `${next.namespace}/${next.model}`,
        details: { from: `${namespace}/${model}` },
      })
      return registeredName(next)
    })
    return { registered_model: await sayModel(db, await getRegisteredModel(db, renamed)) }
  }

/** Hides a version; it can be restored until it is purged, and what serves stays. */
const deleteVersion =
  ({ db, clock }: Tracking) =>
  async (asked: { name: string; version: string }): Promise<object> => {
    const { namespace, model, version, stage, aliases } = await findVersion(db, asked)
    if ((await isPlatformModel(db, { namespace, model })) && (stage === 'Production' || aliases.includes('champion')))
      throw resourceConflict({ message: `Version ${version} serves. Roll back to another one first: \`cascata rollback\`.` })
    return db.transaction(async (tx) => {
      const of = [namespace, model, version]
      await tx.query(
        `update model_version set deleted_at = clock_timestamp(), stage = 'None', last_updated_time = $4
          where namespace = $1 and model = $2 and version = $3`,
        [...of, clock.now()],
      )
      await tx.query('delete from registered_model_alias where name = $1 and version = $2', [
        registeredName({ namespace, model }),
        version,
      ])
      const subject = of.join('/')
      await record(tx, { who: currentPrincipal().name, action: 'version.deleted', namespace, subject })
      return {}
    })
  }

/** Renaming and deleting of registered models and their versions. */
export const retiringEndpoints = (tracking: Tracking): Endpoint[] => [
  endpoint('POST', 'registered-models/rename', 'trainer', named.extend({ new_name: text.default('') }), renameModel(tracking)),
  endpoint('DELETE', 'registered-models/delete', 'trainer', named, deleteModel(tracking)),
  endpoint('DELETE', 'model-versions/delete', 'trainer', byVersion, deleteVersion(tracking)),
]
