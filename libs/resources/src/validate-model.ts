import { type FeatureView } from './feature-view.ts'
import { type FieldType, isInputType } from './field-types.ts'
import { type Model } from './model.ts'
import { expandFeatures, parseReference, type Served, servedFields, viewOf, type Views } from './references.ts'
import { qualifiedName } from './resource.ts'
import { type Issue } from './shape.ts'
import { didYouMean } from './suggest.ts'

const issue = (path: Issue['path'], message: string, hint?: string): Issue => ({
  path: ['spec', ...path],
  on: 'value',
  message,
  hint,
})

const namesIn = (model: Model, views: Views): string[] =>
  [...views.values()]
    .filter(({ metadata }) => metadata.namespace === model.metadata.namespace)
    .map(({ metadata }) => metadata.name)

interface Found {
  view: FeatureView
  served: Served
}

/** The view and field of a reference, or why there is none. */
function find(model: Model, reference: string, views: Views, path: Issue['path']): Found | Issue {
  const { view: name, field } = parseReference(reference)
  const view = viewOf(model, name, views)
  if (!view) return issue(path, `there is no view ${model.metadata.namespace}/${name}`, didYouMean(name, namesIn(model, views)))
  const served = servedFields(view)
  const found = served.get(field)
  return found
    ? { view, served: found }
    : issue(path, `the view ${name} serves no ${field}`, didYouMean(field, [...served.keys()]))
}

/** The feature that a reference names, which a model can take in; or why not. */
function findInput(model: Model, reference: string, views: Views, path: Issue['path']): Found | Issue {
  const found = find(model, reference, views, path)
  return isIssue(found) || isInputType(found.served.type)
    ? found
    : issue(
        path,
        `${reference} is a ${found.served.type}, and a model takes in single numbers, texts, truth values and times`,
        'make what it needs of it a field of its own; look-ups and datasets of a spine serve it as it is',
      )
}

const isIssue = (found: Found | Issue): found is Issue => 'message' in found

const whole: readonly FieldType[] = ['int', 'int32']
const numeric: readonly FieldType[] = [...whole, 'float', 'double']

/** Whether values of `from` can stand for values of `to` without loss. */
const fits = (from: FieldType, to: FieldType): boolean =>
  from === to ||
  (from === 'int32' && to === 'int') ||
  (numeric.includes(from) && to === 'double') ||
  (from === 'int32' && to === 'float')

const labelTypes: Readonly<Record<Model['spec']['task'], readonly FieldType[]>> = {
  binary: ['bool', 'int', 'int32'],
  multiclass: ['string', 'int', 'int32', 'bool'],
  regression: numeric,
}

/** Where a value for a key of a joined view can come from: the observation's row or the request. */
function keyTypes(model: Model, observed: FeatureView): Map<string, FieldType> {
  const request = Object.entries(model.spec.request).map(([name, { type }]) => [name, type] as const)
  const row = Object.entries(observed.spec.fields).map(([name, { type }]) => [name, type] as const)
  return new Map([...request, ...row])
}

function underivable(view: FeatureView, known: ReadonlyMap<string, FieldType>, model: Model, path: Issue['path']): Issue[] {
  const observed = model.spec.observations.view
  return view.spec.entity.flatMap((key) => {
    const [type, wanted] = [known.get(key), view.spec.fields[key]?.type]
    if (type === undefined) {
      const hint = `add ${key} to the view ${observed}, or to request`
      return [
        issue(
          path,
          `the view ${view.metadata.name} is keyed by ${key}, which neither the view ${observed} nor the request has`,
          hint,
        ),
      ]
    }
    return type === wanted || (whole.includes(type) && wanted !== undefined && whole.includes(wanted))
      ? []
      : [issue(path, `the view ${view.metadata.name} is keyed by ${key} of type ${wanted}, but here it is a ${type}`)]
  })
}

function validateObservations(model: Model, observed: FeatureView): Issue[] {
  const { at } = model.spec.observations
  if (Object.keys(observed.spec.aggregations).length > 0) {
    return [
      issue(
        ['observations', 'view'],
        `${observed.metadata.name} is a windowed view: its aggregates are no observations`,
        'name a view of rows',
      ),
    ]
  }
  if (at === null) return []
  const field = observed.spec.fields[at]
  if (!field)
    return [
      issue(
        ['observations', 'at'],
        `the view ${observed.metadata.name} has no field ${at}`,
        didYouMean(at, Object.keys(observed.spec.fields)),
      ),
    ]
  return field.type === 'timestamp' ? [] : [issue(['observations', 'at'], `${at} is a ${field.type}, expected a timestamp`)]
}

function validateLabel(model: Model, observed: FeatureView, views: Views): Issue[] {
  const path = ['label', 'field']
  const { task, label } = model.spec
  const found = find(model, label.field, views, path)
  if (isIssue(found)) return [found]
  const { view, served } = found
  if (Object.keys(view.spec.aggregations).length > 0)
    return [issue(path, `${view.metadata.name} is a windowed view: an aggregate is no label`)]
  const issues = labelTypes[task].includes(served.type)
    ? []
    : [issue(path, `${label.field} is a ${served.type}; a label of task ${task} is one of ${labelTypes[task].join(', ')}`)]
  const [mine, theirs] = [observed.spec.entity, view.spec.entity]
  const sameKey =
    mine.length === theirs.length &&
    mine.every((key) => theirs.includes(key) && fits(view.spec.fields[key]!.type, observed.spec.fields[key]!.type))
  if (sameKey) return issues
  const message = `the view ${view.metadata.name} is keyed by ${theirs.join(', ')}, and the observations by ${mine.join(', ')}`
  return [...issues, issue(path, message, "a label is found by the observation's own key, with the same types")]
}

function validateFeatures(model: Model, observed: FeatureView, views: Views): Issue[] {
  const known = keyTypes(model, observed)
  const judged = new Set<string>()
  return model.spec.features.flatMap((reference, index) => {
    const path = ['features', index]
    const { view: name, field } = parseReference(reference)
    const view = viewOf(model, name, views)
    const found = view && field === '*' ? undefined : findInput(model, reference, views, path)
    if (found && isIssue(found)) return [found]
    if (!view || judged.has(name)) return []
    judged.add(name)
    return underivable(view, known, model, path)
  })
}

function validateRequest(model: Model, observed: FeatureView, views: Views): Issue[] {
  const row = new Map(Object.entries(observed.spec.fields).map(([name, { type }]) => [name, type] as const))
  return Object.entries(model.spec.request).flatMap(([name, { type, history }]) => {
    if (observed.spec.entity.includes(name))
      return [{ ...issue(['request', name], 'is part of the entity, which every call names already'), on: 'key' as const }]
    const path = ['request', name, 'history']
    const found = find(model, history, views, path)
    if (isIssue(found)) return [found]
    const issues = fits(found.served.type, type)
      ? []
      : [issue(path, `${history} is a ${found.served.type}, and the request value a ${type}`)]
    return [...issues, ...underivable(found.view, row, model, path)]
  })
}

function validateGroups(model: Model, observed: FeatureView, views: Views): Issue[] {
  const known = keyTypes(model, observed)
  return model.spec.gates.fairness.flatMap(({ by }, index) => {
    const path = ['gates', 'fairness', index, 'by']
    const found = findInput(model, by, views, path)
    return isIssue(found) ? [found] : underivable(found.view, known, model, path)
  })
}

function validateUnit(model: Model, observed: FeatureView): Issue[] {
  const known = [...new Set([...Object.keys(observed.spec.fields), ...Object.keys(model.spec.request)])]
  return model.spec.rollout.unit.flatMap((name, index) =>
    known.includes(name)
      ? []
      : [
          issue(
            ['rollout', 'unit', index],
            `neither the view ${observed.metadata.name} nor the request has ${name}`,
            didYouMean(name, known),
          ),
        ],
  )
}

/**
 * What is wrong with a model beside the views it reads: unknown views and fields, types that do not fit,
 * and keys that can be derived neither from the observation's row nor from the request.
 *
 * @param views every view that will exist when the model does
 */
export function validateModel(model: Model, views: Views): Issue[] {
  const { view: name } = model.spec.observations
  const observed = viewOf(model, name, views)
  if (!observed) {
    return [
      issue(
        ['observations', 'view'],
        `there is no view ${model.metadata.namespace}/${name}`,
        didYouMean(name, namesIn(model, views)),
      ),
    ]
  }
  const issues = [
    ...validateObservations(model, observed),
    ...validateLabel(model, observed, views),
    ...validateFeatures(model, observed, views),
    ...validateRequest(model, observed, views),
    ...validateGroups(model, observed, views),
    ...validateUnit(model, observed),
  ]
  if (issues.length > 0 || expandFeatures(model, views).length > 0) return issues
  return [
    issue(
      ['features'],
      `nothing is left of ${model.spec.features.join(', ')} without entity, event time and label in ${qualifiedName(model.metadata)}`,
    ),
  ]
}
