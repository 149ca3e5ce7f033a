import { featureViewShape } from './feature-view.ts'
import { completed, modelShape } from './model.ts'
import { refuseNotYet } from './not-yet.ts'
import { readYaml, type YamlDocument } from './read-yaml.ts'
import { type Resource, kinds, resourceKey } from './resource.ts'
import { type ResourceError, ResourceErrors } from './resource-errors.ts'
import { isMapping, type Issue, type Path, show } from './shape.ts'
import { didYouMean } from './suggest.ts'
import { validateFeatureView } from './validate-feature-view.ts'
import { validateModelAlone } from './validate-model-alone.ts'

/** A resource and the way back to its text, for errors that only show beside other resources. */
export interface SourcedResource {
  resource: Resource
  /** An issue with the file, line and column that it blames. */
  locate: (issue: Issue) => ResourceError
}

/** `['spec', 'features', 2]` → `spec.features[2]` */
export const fieldPath = (path: Path): string =>
  path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`),
    '',
  )

const locator =
  (document: YamlDocument, file: string) =>
  ({ path, on, message, hint }: Issue): ResourceError => ({
    file,
    ...document.place(path, on),
    field: fieldPath(path),
    message,
    hint,
  })

function readTyped(value: Record<string, unknown>, report: (issue: Issue) => void): Resource | undefined {
  const kind = value['kind']
  if (kind !== 'FeatureView' && kind !== 'Model') {
    const hint = typeof kind === 'string' ? didYouMean(kind, kinds) : undefined
    report({ path: ['kind'], on: 'value', message: `expected one of ${kinds.join(', ')}, got ${show(kind)}`, hint })
    return undefined
  }
  refuseNotYet(kind, value, report)
  if (kind === 'FeatureView') {
    const view = featureViewShape.read(value, [], report)
    if (view) validateFeatureView(view).forEach(report)
    return view
  }
  const model = modelShape.read(value, [], report)
  if (model) validateModelAlone(completed(model)).forEach(report)
  return model && completed(model)
}

/** As many problems are told at once; a file with more is another kind of file, and telling all would take long. */
const mostTold = 100

class EnoughTold extends Error {}

function readDocument(
  document: YamlDocument,
  file: string,
  told: { count: number },
): { sourced?: SourcedResource; errors: ResourceError[] } {
  const locate = locator(document, file)
  const errors: ResourceError[] = []
  const report = (issue: Issue) => {
    if (told.count++ >= mostTold) throw new EnoughTold()
    errors.push(locate(issue))
  }
  if (!isMapping(document.value)) {
    report({
      path: [],
      on: 'value',
      message: `expected a resource (apiVersion, kind, metadata, spec), got ${show(document.value)}`,
    })
    return { errors }
  }
  try {
    const resource = readTyped(document.value, report)
    return resource && errors.length === 0 ? { sourced: { resource, locate }, errors } : { errors }
  } catch (error) {
    if (error instanceof EnoughTold) return { errors }
    throw error
  }
}

function twice(read: readonly SourcedResource[]): ResourceError[] {
  const seen = new Set<string>()
  return read.flatMap(({ resource, locate }) => {
    const key = resourceKey(resource)
    if (seen.has(key))
      return [
        locate({ path: ['metadata', 'name'], on: 'value', message: `${key} is described twice`, hint: 'keep one of the two' }),
      ]
    seen.add(key)
    return []
  })
}

/**
 * Reads a YAML stream of resources, with the places of their values.
 *
 * @throws ResourceErrors with what is wrong, in the order of the file: all of it, or the first hundred problems
 */
export function readResources(text: string, { file }: { file: string }): SourcedResource[] {
  const yaml = readYaml(text)
  if (yaml.is === 'refused') {
    throw new ResourceErrors(yaml.problems.map(({ path, ...problem }) => ({ file, ...problem, field: fieldPath(path) })))
  }
  const told = { count: 0 }
  const documents = yaml.documents.map((document) => readDocument(document, file, told))
  const read = documents.flatMap(({ sourced }) => (sourced ? [sourced] : []))
  const errors = [...documents.flatMap((document) => document.errors), ...twice(read)]
  if (errors.length > 0)
    throw new ResourceErrors(errors.toSorted((one, other) => one.line - other.line || one.column - other.column))
  return read
}

/**
 * Reads a YAML stream of resources: typed, with every default.
 *
 * @throws ResourceErrors with everything that is wrong, in the order of the file
 */
export const parseResources = (text: string, from: { file: string }): Resource[] =>
  readResources(text, from).map(({ resource }) => resource)
