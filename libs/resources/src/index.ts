export { type Aggregation, type FeatureView, type FeatureViewSpec, type Field } from './feature-view.ts'
export {
  type FieldType,
  fieldTypes,
  type InputType,
  isInputType,
  itemType,
  maxListItems,
  type PlainType,
  valueType,
} from './field-types.ts'
export { type Model, type ModelSpec, type RequestValue } from './model.ts'
export { better, metricOf, metricsOf, type Task } from './model-gates.ts'
export { type Persistence } from './model-rollout.ts'
export { type EnvironmentValue, type Growth, type History, type Trainer } from './model-train.ts'
export { type Metadata } from './metadata.ts'
export { notYet } from './not-yet.ts'
export { fieldPath, parseResources, readResources, type SourcedResource } from './parse-resources.ts'
export { yamlLimits } from './read-yaml.ts'
export { type Kind, kindFrom, kinds, qualifiedName, type Resource, resourceKey } from './resource.ts'
export { formatResourceError, type ResourceError, ResourceErrors } from './resource-errors.ts'
export { type Bound, keeps, type Window, writeBound, writeDuration } from './scalars.ts'
export { type Issue, type Path } from './shape.ts'
export { type Change, diffResources, type Effect, refusals } from './diff-resources.ts'
export { generate, resourceSchemas } from './json-schema.ts'
export {
  columnOf,
  expandFeatures,
  type Input,
  inputsOf,
  modelsReading,
  parseReference,
  pinModel,
  referencedViews,
  referencesOf,
  type Served,
  servedFields,
  viewOf,
  type Views,
  viewsByName,
} from './references.ts'
export { topicDangers, topicSettings } from './topic-settings.ts'
export { validateModel } from './validate-model.ts'
export { toYaml, written } from './write-yaml.ts'
export { aggregateName, hopOf, longestWindow } from './windows.ts'
