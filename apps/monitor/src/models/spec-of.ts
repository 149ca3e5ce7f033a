import { resourceApplied } from '@cascata/events'
import { type Database, latest, latestAll, type Tx } from '@cascata/messaging'
import { type FeatureView, inputsOf, type Model, type Views, viewsByName } from '@cascata/resources'

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
