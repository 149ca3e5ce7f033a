import { resourceApplied, type DataOf } from '@cascata/events'
import { latest, latestAll, type Database, type Tx } from '@cascata/messaging'
import { inputsOf, referencedViews, type FeatureView, type Input, type Model, type Views } from '@cascata/resources'
import { type ModelName } from './models.store.ts'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

/** The document of an applied resource: the payload of its event, which also carries its revision. */
export const modelIn = (data: DataOf<typeof resourceApplied>): Model & { revision: number } =>
  data as unknown as Model & { revision: number }

export async function modelSpec(
  db: Executor,
  { namespace, model }: ModelName,
): Promise<(Model & { revision: number }) | undefined> {
  const found = await latest(db, resourceApplied, `Model/${namespace}/${model}`)
  return found && modelIn(found.data)
}

export async function viewsNow(db: Executor): Promise<Views> {
  const resources = await latestAll(db, resourceApplied)
  return new Map(
    resources
      .filter(({ data }) => data.kind === 'FeatureView')
      .map(({ data }) => [`${data.namespace}/${data.name}`, data as unknown as FeatureView]),
  )
}

/** Inputs of a model as of the views that are applied, in the order of its spec. */
export const inputsNow = async (db: Executor, model: Model): Promise<Input[]> => inputsOf(model, await viewsNow(db))

/** Models that read a view, in an order in which they can be locked. */
export async function modelsOfView(db: Executor, namespace: string, view: string): Promise<ModelName[]> {
  const resources = await latestAll(db, resourceApplied)
  return resources
    .filter(({ data }) => data.kind === 'Model' && data.namespace === namespace && referencedViews(modelIn(data)).includes(view))
    .map(({ data }) => ({ namespace, model: data.name }))
}

/** Rows this close to a part's edge may share a label or a window with it: max(`within`, the longest window of the model's features), ms. */
export function embargoOf(model: Model, views: Views): number {
  const windows = referencedViews(model).flatMap((name) => {
    const view = views.get(`${model.metadata.namespace}/${name}`)
    return Object.values(view?.spec.aggregations ?? {}).flatMap(({ windows }) =>
      windows.map((window) => (typeof window === 'number' ? window : (window as { ms: number }).ms)),
    )
  })
  return Math.max(model.spec.label.within, ...windows)
}
