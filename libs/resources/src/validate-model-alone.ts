import { type Model } from './model.ts'
import { metricsOf } from './model-gates.ts'
import { reservedColumns } from './names.ts'
import { type Issue } from './shape.ts'
import { didYouMean } from './suggest.ts'

const issue = (path: Issue['path'], message: string, hint?: string, on: Issue['on'] = 'value'): Issue => ({
  path: ['spec', ...path],
  on,
  message,
  hint,
})

function validateGates({ spec }: Model): Issue[] {
  const known = metricsOf[spec.task]
  const unknown = Object.keys(spec.gates.require).filter((metric) => !known.includes(metric))
  return [
    ...(known.includes(spec.gates.metric)
      ? []
      : [issue(['gates', 'metric'], `${spec.gates.metric} is no metric of ${spec.task}`, didYouMean(spec.gates.metric, known))]),
    ...unknown.map((metric) =>
      issue(['gates', 'require', metric], `is no metric of ${spec.task}`, didYouMean(metric, known), 'key'),
    ),
    ...(spec.task !== 'binary' && spec.gates.fairness.length > 0
      ? [issue(['gates', 'fairness'], 'needs a task with a positive class', 'only for task: binary')]
      : []),
  ]
}

function validateTrain({ spec }: Model): Issue[] {
  const { trainer, code, rows, split, run } = spec.train
  const own = typeof trainer !== 'string'
  const envWithoutUse = !own && Object.keys(run.env).length > 0
  return [
    ...(own && code === null
      ? [
          issue(
            ['train', 'code'],
            'is missing: an own trainer names its git commit or image digest',
            'it is part of the identity of a run',
            'key',
          ),
        ]
      : []),
    ...(!own && code !== null ? [issue(['train', 'code'], 'belongs to own trainers', 'leave it out')] : []),
    ...(envWithoutUse
      ? [issue(['train', 'run', 'env'], `is not read by the trainer ${String(trainer)}`, 'only for own trainers')]
      : []),
    ...(rows.min > rows.max ? [issue(['train', 'rows', 'min'], `is more than max (${rows.max})`)] : []),
    ...(split.validation + split.holdout > 0.8
      ? [issue(['train', 'split'], 'leaves less than 20% of the rows to train on')]
      : []),
  ]
}

function validateRollout({ spec }: Model): Issue[] {
  const { steps, step } = spec.rollout
  const falling = steps.findIndex((share, index) => index > 0 && share <= steps[index - 1]!)
  return [
    ...(falling > 0 ? [issue(['rollout', 'steps', falling], 'is not greater than the step before it')] : []),
    ...(step.min > step.max ? [issue(['rollout', 'step', 'min'], 'is longer than max')] : []),
  ]
}

/** What is wrong with a model by itself, apart from its shape. */
export function validateModelAlone(model: Model): Issue[] {
  const { spec } = model
  return [
    ...(spec.label.missing === 'negative' && spec.task !== 'binary'
      ? [issue(['label', 'missing'], 'negative is for task: binary only')]
      : []),
    ...(spec.observations.at === null && spec.observations.lead > 0
      ? [
          issue(
            ['observations', 'lead'],
            'needs `at`: nothing can be predicted before its row is available',
            'name the timestamp field that the prediction is due at',
          ),
        ]
      : []),
    ...Object.keys(spec.request).flatMap((name) =>
      reservedColumns.includes(name)
        ? [issue(['request', name], 'is the name of a column of every dataset', 'call it something else', 'key')]
        : [],
    ),
    ...validateGates(model),
    ...validateTrain(model),
    ...validateRollout(model),
  ]
}
