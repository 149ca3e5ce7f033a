import { columnOf, isInputType, type ModelSpec, parseReference, type RequestValue } from '@cascata/resources'
import { type NamedField, type View } from '../feature-views/view.ts'

/** Where a part of a view's key comes from. */
export type KeySource =
  | { readonly from: 'spine'; readonly column: string }
  /** A field of another view's row, as of the same instant. */
  | { readonly from: 'view'; readonly view: string; readonly field: string }

/** A view that is joined as of `at`. */
export interface JoinedView {
  readonly view: View
  /** In the order of the view's entity. */
  readonly keys: readonly KeySource[]
  /** Fields that the dataset, or the key of a later view, takes from it. */
  readonly fields: readonly string[]
}

/** A column of the dataset after the spine's own ones. */
export interface FeatureColumn {
  readonly column: string
  readonly view: string
  readonly field: string
  readonly type: NamedField['type']
}

/** The label: of which view, and how it is read. Durations in ms. */
export interface LabelPlan {
  readonly view: View
  readonly field: string
  readonly type: NamedField['type']
  readonly within: number
  readonly missing: 'drop' | 'negative' | 'keep'
  readonly keys: readonly string[]
}

/** What a dataset is made of; views in an order in which every key is there before it is needed. */
export interface DatasetPlan {
  readonly joins: readonly JoinedView[]
  readonly columns: readonly FeatureColumn[]
  readonly label: LabelPlan | null
}

/** What was asked for. */
export interface DatasetRequest {
  /** `view:field`. */
  readonly features: readonly string[]
  readonly request: Readonly<Record<string, RequestValue>>
  readonly label: { readonly field: string; readonly within: number; readonly missing: LabelPlan['missing'] } | null
  /** Columns of the spine that may be parts of keys. */
  readonly spine: readonly string[]
  /** Views whose fields may be keys of others, the likeliest first. */
  readonly chain: readonly string[]
}

/** The request of a model's training: its inputs, and the groups that its fairness is judged by. */
export const requestOfModel = (spec: ModelSpec, observations: View): DatasetRequest => ({
  features: [...new Set([...spec.features, ...spec.gates.fairness.map(({ by }) => by)])],
  request: spec.request,
  label: spec.label,
  spine: observations.spec.entity,
  chain: [observations.name],
})

export type Planned = DatasetPlan | { readonly problem: string }

/**
 * Resolves what a dataset needs: each key of each view is a column of the spine, a value of the request (by its history),
 * or a field of a view of the chain.
 *
 * @param views By name, all of one namespace.
 */
export function decidePlan(asked: DatasetRequest, views: ReadonlyMap<string, View>): Planned {
  const joins = new Map<string, { view: View; keys: KeySource[]; fields: Set<string> }>()
  const ordered: string[] = []
  const underway = new Set<string>()

  const fieldOf = (reference: string): { view: View; field: NamedField } => {
    const { view: name, field: fieldName } = parseReference(reference)
    const view = views.get(name) ?? fail(`there is no view ${name}`)
    const field = view.served.find((each) => each.name === fieldName) ?? fail(`view ${name} serves no ${fieldName}`)
    return { view, field }
  }

  const need = (view: View, field: string): void => {
    join(view).fields.add(field)
  }

  const join = (view: View) => {
    const present = joins.get(view.name)
    if (present) return present
    if (underway.has(view.name)) return fail(`the key of ${view.name} needs its own fields`)
    underway.add(view.name)
    const keys = view.spec.entity.map((name) => keySource(view, name))
    underway.delete(view.name)
    const added = { view, keys, fields: new Set<string>() }
    joins.set(view.name, added)
    ordered.push(view.name)
    return added
  }

  const keySource = (view: View, name: string): KeySource => {
    if (asked.spine.includes(name)) return { from: 'spine', column: name }
    const history = Object.hasOwn(asked.request, name) ? asked.request[name]!.history : chained(view, name)
    const source = fieldOf(history)
    need(source.view, source.field.name)
    return { from: 'view', view: source.view.name, field: source.field.name }
  }

  const chained = (view: View, name: string): string => {
    const through = asked.chain
      .map((each) => views.get(each))
      .find(
        (each) => each && each.name !== view.name && !underway.has(each.name) && each.served.some((field) => field.name === name),
      )
    return through
      ? `${through.name}:${name}`
      : fail(`the entity field ${name} of view ${view.name} is neither in the spine nor a field of a view in the chain`)
  }

  try {
    const columns = asked.features.map((reference): FeatureColumn => {
      const { view, field } = fieldOf(reference)
      need(view, field.name)
      return { column: columnOf(reference), view: view.name, field: field.name, type: field.type }
    })
    for (const [column, { history, type }] of Object.entries(asked.request)) {
      const { view, field } = fieldOf(history)
      need(view, field.name)
      columns.push({ column, view: view.name, field: field.name, type })
    }
    return {
      joins: ordered.map((name) => ({ ...joins.get(name)!, fields: [...joins.get(name)!.fields] })),
      columns: [...new Map(columns.map((column) => [column.column, column])).values()],
      label: asked.label && labelPlan(asked.label, asked.spine, fieldOf),
    }
  } catch (error) {
    if (error instanceof Unplannable) return { problem: error.message }
    throw error
  }
}

function labelPlan(
  { field: reference, within, missing }: NonNullable<DatasetRequest['label']>,
  spine: readonly string[],
  fieldOf: (reference: string) => { view: View; field: NamedField },
): LabelPlan {
  const { view, field } = fieldOf(reference)
  if (view.windows) fail(`${reference} is an aggregate of a windowed view, and no label`)
  if (!isInputType(field.type)) fail(`${reference} is a ${field.type}, and no label`)
  const lacking = view.spec.entity.find((name) => !spine.includes(name))
  if (lacking) fail(`the label's view ${view.name} has the entity field ${lacking}, which the spine lacks`)
  return { view, field: field.name, type: field.type, within, missing, keys: view.spec.entity }
}

class Unplannable extends Error {}

const fail = (problem: string): never => {
  throw new Unplannable(problem)
}
