import { type FeatureView } from './feature-view.ts'
import { type FieldType, type InputType, isInputType } from './field-types.ts'
import { type Model } from './model.ts'
import { type Resource, qualifiedName } from './resource.ts'
import { aggregateName } from './windows.ts'

/** Views by `namespace/name`. */
export type Views = ReadonlyMap<string, FeatureView>

/** The views among resources, by `namespace/name`. */
export const viewsByName = (resources: Iterable<Resource>): Map<string, FeatureView> =>
  new Map([...resources].flatMap((each) => (each.kind === 'FeatureView' ? [[qualifiedName(each.metadata), each] as const] : [])))

/** The view of a model's own namespace. */
export const viewOf = (model: Model, name: string, views: Views): FeatureView | undefined =>
  views.get(`${model.metadata.namespace}/${name}`)

/** `flights:carrier` → `{view: 'flights', field: 'carrier'}`; the field may be `*`. */
export function parseReference(reference: string): { view: string; field: string } {
  const colon = reference.indexOf(':')
  return { view: reference.slice(0, colon), field: reference.slice(colon + 1) }
}

/** The column of a feature in datasets, job files and ONNX inputs: `flights:carrier` → `flights__carrier`. */
export const columnOf = (reference: string): string => reference.replace(':', '__')

/** What a feature holds. */
export interface Served {
  type: FieldType
  nullable: boolean
}

/** What a view serves by name: its fields, or for a windowed view its aggregates as `<name>_<window>`. */
export function servedFields({ spec }: FeatureView): Map<string, Served> {
  const aggregates = Object.entries(spec.aggregations)
  if (aggregates.length === 0)
    return new Map(Object.entries(spec.fields).map(([name, { type, nullable }]) => [name, { type, nullable }]))
  return new Map(
    aggregates.flatMap(([name, { fn, of, windows }]) => {
      const input = of === undefined ? undefined : spec.fields[of]?.type
      const keepsType = fn === 'min' || fn === 'max' || fn === 'last'
      const type: FieldType = fn === 'count' ? 'int' : keepsType && input ? input : 'double'
      return windows.map((window) => [aggregateName(name, window), { type, nullable: true }] as const)
    }),
  )
}

/** Every feature that a model names by view and field, wildcards included, each once. */
export function referencesOf({ spec }: Model): string[] {
  const histories = Object.values(spec.request).map(({ history }) => history)
  const groups = spec.gates.fairness.map(({ by }) => by)
  return [...new Set([...spec.features, spec.label.field, ...histories, ...groups])]
}

/** The views (of its own namespace) that a model reads, each once: observations, label, features, request history, groups. */
export const referencedViews = (model: Model): string[] => [
  ...new Set([model.spec.observations.view, ...referencesOf(model).map((each) => parseReference(each).view)]),
]

/** The models that read a view, or with `field` that very field of it. */
export function modelsReading(view: FeatureView, models: Iterable<Model>, field?: string): Model[] {
  const { namespace, name } = view.metadata
  return [...models].filter((model) => {
    if (model.metadata.namespace !== namespace) return false
    if (field === undefined) return referencedViews(model).includes(name)
    const named = referencesOf(model).some((each) => each === `${name}:${field}` || each === `${name}:*`)
    return (
      named ||
      (model.spec.observations.view === name && (model.spec.observations.at === field || view.spec.entity.includes(field)))
    )
  })
}

/**
 * What `view:*` stands for: what the view serves, without entity, event time, due time and label, which tell a model nothing it may know,
 * and without bytes and lists, which no model takes in. By name, so that it is the same however the view's fields are ordered.
 */
function wildcard(model: Model, view: FeatureView): string[] {
  const { name } = view.metadata
  const { observations, label } = model.spec
  const left = new Set([
    ...view.spec.entity,
    view.spec.eventTime.field,
    ...(observations.view === name && observations.at !== null ? [observations.at] : []),
  ])
  const windowed = Object.keys(view.spec.aggregations).length > 0
  return [...servedFields(view)]
    .filter(([field, { type }]) => isInputType(type) && (windowed || !left.has(field)))
    .map(([field]) => `${name}:${field}`)
    .filter((each) => each !== label.field)
    .toSorted()
}

/** A model's features with `view:*` written out, each once, in the order in which they are named. Unknown views stay as they are. */
export const expandFeatures = (model: Model, views: Views): string[] => [
  ...new Set(
    model.spec.features.flatMap((each) => {
      const { view: name, field } = parseReference(each)
      const view = viewOf(model, name, views)
      return field === '*' && view ? wildcard(model, view) : [each]
    }),
  ),
]

/** A model as it is kept: `view:*` expanded, and the rollout's unit the observations' entity unless another is named. */
export function pinModel(model: Model, views: Views): Model {
  const { unit } = model.spec.rollout
  const entity = viewOf(model, model.spec.observations.view, views)?.spec.entity ?? []
  return {
    ...model,
    spec: {
      ...model.spec,
      features: expandFeatures(model, views),
      rollout: { ...model.spec.rollout, unit: unit.length > 0 ? unit : [...entity] },
    },
  }
}

/** One input of a model: the column that datasets, job files and ONNX call it by, and where it comes from. */
export interface Input extends Served {
  type: InputType
  name: string
  from: { is: 'feature'; reference: string } | { is: 'request'; history: string }
}

/** The inputs of a pinned model, features first, in the order of its spec. */
export function inputsOf(model: Model, views: Views): Input[] {
  const features = expandFeatures(model, views).flatMap((reference): Input[] => {
    const { view: name, field } = parseReference(reference)
    const view = viewOf(model, name, views)
    const served = view && servedFields(view).get(field)
    if (!served || !isInputType(served.type)) return []
    return [{ name: columnOf(reference), type: served.type, nullable: served.nullable, from: { is: 'feature', reference } }]
  })
  const request = Object.entries(model.spec.request).map(([name, { type, nullable, history }]): Input => ({
    name,
    type,
    nullable,
    from: { is: 'request', history },
  }))
  return [...features, ...request]
}
