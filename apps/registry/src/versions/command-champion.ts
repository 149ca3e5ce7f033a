import { type Database } from '@cascata/messaging'
import { type Client, currentPrincipal, isCodedError, requireAccess, roleAllows, urlPath } from '@cascata/service'
import { record } from '../audit/audit.store.ts'
import { permissionDenied, resourceConflict } from '../errors.ts'
import { findResource } from '../resources/resources.store.ts'
import { noteChampion } from './champion.store.ts'
import { decideChampion, type RouteSeen } from './decide-champion.ts'
import { type ModelName } from './model-name.ts'

/** Whether the platform decides what serves under this name: a Model of it is applied. */
export const isPlatformModel = async (db: Pick<Database, 'query'>, { namespace, model }: ModelName): Promise<boolean> => {
  const resource = await findResource(db, { kind: 'Model', namespace, name: model })
  return resource !== undefined && !resource.deleted
}

const routeOf = (deployer: Client, { namespace, model }: ModelName): Promise<RouteSeen | null> =>
  deployer.get<RouteSeen>(urlPath`/v1/routes/${namespace}/${model}`).catch((error: unknown) => {
    if (isCodedError(error) && error.status === 404) return null
    throw error
  })

/** The deployer's word on a command, as MLflow's clients know refusals. */
const refusedBy = (error: unknown): never => {
  if (isCodedError(error) && error.status >= 400 && error.status < 500)
    throw resourceConflict({ message: `${error.message} ${error.hint}` })
  throw error
}

const why = {
  'not approved': 'is not approved. Approve it first: `cascata approve`; it is rolled out then, and can be promoted',
  waits: 'is approved and waits for the rollout before it. It can be promoted once its own rollout has begun',
} as const

/**
 * A client moved `champion` or `Production` of an applied Model: the deployer is told, who alone owns what serves.
 * Throws `MLFLOW_PERMISSION_DENIED` without the role deployer, `MLFLOW_RESOURCE_CONFLICT` when the deployer would not.
 */
export const commandChampion =
  ({ db, deployer }: { db: Database; deployer: Client }) =>
  async (model: ModelName, version: string): Promise<void> => {
    requireAccess(model.namespace, model.model)
    const { name: who, role } = currentPrincipal()
    if (!roleAllows(role, 'deployer'))
      throw permissionDenied({ message: 'Permission denied: what serves is moved by a token of role deployer or admin.' })
    const subject = `${model.namespace}/${model.model}/${version}`
    const decision = decideChampion(await routeOf(deployer, model), version)
    if (decision.is === 'refused') throw resourceConflict({ message: `Version ${subject} ${why[decision.why]}.` })
    if (decision.is !== 'stands') {
      const path = urlPath`/v1/routes/${model.namespace}/${model.model}/${decision.is}`
      await deployer.post(path, decision.is === 'rollback' ? { to: version } : {}).catch(refusedBy)
    }
    await db.transaction(async (tx) => {
      await noteChampion(tx, model, version)
      await record(tx, { who, action: 'champion.moved', namespace: model.namespace, subject, details: { by: decision.is } })
    })
  }

export type CommandChampion = ReturnType<typeof commandChampion>
