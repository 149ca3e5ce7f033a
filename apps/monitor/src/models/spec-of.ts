import { resourceApplied } from '@cascata/events'
import { type Database, latest, latestAll, type Tx } from '@cascata/messaging'
import { type FeatureView, inputsOf, type Model, type Views, viewsByName } from '@cascata/resources'
import { type Client, type Clock, isCodedError, urlPath } from '@cascata/service'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

/** A Model as it is applied, with its revision. */
export interface AppliedModel {
  readonly revision: number
  readonly model: Model
}

const asModel = (data: unknown): Model => data as Model

/** The Model of a name; undefined when it is not applied (any more). */
export const appliedModel = async (db: Executor, namespace: string, name: string): Promise<AppliedModel | undefined> => {
  const found = await latest(db, resourceApplied, `Model/${namespace}/${name}`)
  return found && { revision: found.data.revision, model: asModel(found.data) }
}

/** Finds a Model that is applied, also when its event has not come here yet. */
export type FindModel = (namespace: string, name: string) => Promise<Model | undefined>

/** A model that nobody has applied is not asked for again so soon, in ms. */
const ASK_AGAIN = 2_000

/**
 * Finds Models by what has come here, else by what the registry says: predictions may be read before the event of their Model. Throws while
 * the registry does not answer.
 */
export const modelFinder = ({ db, registry, clock }: { db: Database; registry: Client; clock: Clock }): FindModel => {
  const missed = new Map<string, number>()
  return async (namespace, name) => {
    const known = await appliedModel(db, namespace, name)
    if (known) return known.model
    const key = `${namespace}/${name}`
    if (clock.now() - (missed.get(key) ?? -Infinity) < ASK_AGAIN) return undefined
    try {
      return await registry.get<Model>(urlPath`/v1/resources/Model/${namespace}/${name}`)
    } catch (error) {
      if (!isCodedError(error) || error.status !== 404) throw error
      if (missed.size > 1_000) missed.clear()
      missed.set(key, clock.now())
      return undefined
    }
  }
}

/** Every Model that is applied. */
export const appliedModels = async (db: Executor): Promise<AppliedModel[]> =>
  (await latestAll(db, resourceApplied))
    .filter(({ data }) => data.kind === 'Model')
    .map(({ data }) => ({ revision: data.revision, model: asModel(data) }))

/** Every view that is applied, by `namespace/name`. */
export const appliedViews = async (db: Executor): Promise<Views> =>
  viewsByName(
    (await latestAll(db, resourceApplied))
      .filter(({ data }) => data.kind === 'FeatureView')
      .map(({ data }) => data as unknown as FeatureView),
  )

/** The columns of a model that hold timestamps: they leave the range of a profile by nature. */
export const timestampsOf = (model: Model, views: Views): ReadonlySet<string> =>
  new Set(
    inputsOf(model, views)
      .filter(({ type }) => type === 'timestamp')
      .map(({ name }) => name),
  )
