import { inputType } from './field-types.ts'
import { metadata, apiVersion, type Metadata } from './metadata.ts'
import { gates, metricOf } from './model-gates.ts'
import { rollout, monitor } from './model-rollout.ts'
import { retrain, train } from './model-train.ts'
import { fieldKey, nameOfField, nameOfResource, reference } from './names.ts'
import { defaulted, object, optional, required } from './object.ts'
import { type Infer, list, oneOf, record } from './shape.ts'
import { bool, duration, whole } from './scalars.ts'

const requestValue = object('a request value such as {type: int, history: "flights:gateChanges"}', {
  type: required(inputType(), 'the type of the value'),
  nullable: defaulted(bool(), false, 'whether a caller may leave it out'),
  history: required(reference(), 'the feature in which training finds past values'),
})

export type RequestValue = Infer<typeof requestValue>

const spec = object('spec: {task: …, observations: …, label: …, features: …}', {
  task: required(oneOf('binary', 'multiclass', 'regression'), 'what is predicted'),
  observations: required(
    object('observations: {view: …}', {
      view: required(nameOfResource(), 'the view whose rows are predicted for'),
      at: optional(
        nameOfField(),
        'the timestamp field of that view at which the prediction is due; else when the row became available',
      ),
      lead: defaulted(duration(), '0s', 'how long before `at` the prediction is made'),
    }),
    'for which rows and when a prediction is made',
  ),
  label: required(
    object('label: {field: …, within: …}', {
      field: required(reference(), 'the feature that says what came true'),
      within: required(duration({ min: 1 }), 'how long after the prediction the label may come'),
      missing: defaulted(oneOf('drop', 'negative'), 'drop', 'what a ripe row without a label means'),
    }),
    'what came true',
  ),
  features: required(list(reference({ wildcard: true }), { min: 1, max: 2000, unique: true }), 'the inputs of the model'),
  request: defaulted(record(requestValue, { ...fieldKey, max: 100 }), {}, 'values that come with the call'),
  onMissing: defaulted(oneOf('passNull', 'fail'), 'passNull', 'what a prediction does when a feature is missing'),
  clock: defaulted(oneOf('wall', 'caller'), 'wall', 'who says what time it is; caller for replays'),
  priority: defaulted(whole({ min: -1000, max: 1000 }), 0, "place in the fleet's queue; the greater goes first"),
  train: defaulted(train, {}, 'how a version is trained'),
  retrain: defaulted(retrain, {}, 'when a new version is trained'),
  gates: defaulted(gates, {}, 'what a version must show before it serves'),
  rollout: defaulted(rollout, {}, 'how a version comes to serve'),
  monitor: defaulted(monitor, {}, 'how what serves is watched'),
})

type WrittenSpec = Infer<typeof spec>

/**
 * What a user says about a model, with every default filled in.
 *
 * Durations are milliseconds, shares fractions, bounds `{op, value}`, `none` is null.
 * `observations.at` null: the row's available at. `rollout.unit` and wildcards are resolved by `pinModel`.
 */
export type ModelSpec = Omit<WrittenSpec, 'observations' | 'gates' | 'rollout'> & {
  observations: { view: string; at: string | null; lead: number }
  gates: Omit<WrittenSpec['gates'], 'metric'> & { metric: string }
  rollout: Omit<WrittenSpec['rollout'], 'bake'> & { bake: number | null }
}

/** A model: what is predicted from which features, when it is trained, and how it comes to serve. */
export interface Model {
  apiVersion: typeof apiVersion
  kind: 'Model'
  metadata: Metadata
  spec: ModelSpec
}

export const modelShape = object('a Model', {
  apiVersion: required(oneOf(apiVersion), 'the version of this format'),
  kind: required(oneOf('Model'), 'what the document describes'),
  metadata: required(metadata, 'its name and who owns it'),
  spec: required(spec, 'what it is'),
})

type WrittenModel = Infer<typeof modelShape>

const dayMs = 86_400_000

/** How long the old version stays warm after a roll-out unless the Model says otherwise: until its labels are ripe, and a day. */
const usualBake = (spec: WrittenSpec | ModelSpec): number => spec.label.within + dayMs

/** Fills in the defaults that depend on other fields. */
export const completed = (model: WrittenModel): Model => ({
  ...model,
  spec: {
    ...model.spec,
    observations: {
      view: model.spec.observations.view,
      at: model.spec.observations.at ?? null,
      lead: model.spec.observations.lead,
    },
    gates: { ...model.spec.gates, metric: metricOf(model.spec.task, model.spec.gates.metric) },
    rollout: {
      ...model.spec.rollout,
      bake: model.spec.rollout.bake === 'auto' ? usualBake(model.spec) : model.spec.rollout.bake,
    },
  },
})

/** The inverse of `completed`, for writing a model down again. */
export const asWritten = (model: Model): WrittenModel => {
  const { at, ...observations } = model.spec.observations
  return {
    ...model,
    spec: {
      ...model.spec,
      observations: at === null ? observations : { ...observations, at },
      rollout: {
        ...model.spec.rollout,
        bake: model.spec.rollout.bake === usualBake(model.spec) ? 'auto' : model.spec.rollout.bake,
      },
    },
  }
}
