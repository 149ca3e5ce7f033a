import {
  columnOf,
  expandFeatures,
  type FeatureView,
  inputsOf,
  type InputType,
  isInputType,
  type Model,
  parseReference,
  servedFields,
  viewOf,
  type Views,
} from '@cascata/resources'

/** A column of entities, by name and type of the observations' view. */
export interface EntityColumn {
  readonly name: string
  readonly type: InputType
}

/** A feature that was served, and that the dataset has as of the same time. */
export interface ComparedFeature {
  readonly column: string
  readonly type: InputType
}

/** What is asked of the feature store about the predictions of a model, and what is made of the answer. */
export interface JoinPlan {
  readonly entities: readonly EntityColumn[]
  /** `view:field`, the inputs and the groups of fairness rules. */
  readonly features: readonly string[]
  readonly compared: readonly ComparedFeature[]
  /** Columns of the groups of fairness rules. */
  readonly groups: readonly string[]
  readonly label: Model['spec']['label']
}

const typeOfKey = ({ spec }: FeatureView, name: string): InputType => {
  const type = spec.fields[name]?.type
  return type !== undefined && isInputType(type) ? type : 'string'
}

/** Plans the join of a model; undefined while one of its views is not applied. */
export const planJoin = (model: Model, views: Views): JoinPlan | undefined => {
  const { observations, gates, label, task } = model.spec
  const view = viewOf(model, observations.view, views)
  if (!view || !viewOf(model, parseReference(label.field).view, views)) return undefined
  const groups = task === 'binary' ? gates.fairness.map(({ by }) => by) : []
  const named = expandFeatures(model, views)
  const compared = inputsOf(model, views).flatMap(({ name, type, from }) =>
    from.is === 'feature' ? [{ column: name, type }] : [],
  )
  const known = [...new Set([...named, ...groups])].filter((reference) => {
    const { view: viewName, field } = parseReference(reference)
    const from = viewOf(model, viewName, views)
    return from !== undefined && servedFields(from).has(field)
  })
  return {
    entities: view.spec.entity.map((name) => ({ name, type: typeOfKey(view, name) })),
    features: known,
    compared: compared.filter(({ column }) => known.some((reference) => columnOf(reference) === column)),
    groups: groups.filter((by) => known.includes(by)).map(columnOf),
    label,
  }
}
