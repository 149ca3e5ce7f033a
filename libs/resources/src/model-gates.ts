import { defaulted, object, required } from './object.ts'
import { either, list, oneOf, orNone, record, type Shape } from './shape.ts'
import { reference } from './names.ts'
import { bound, decimal, duration, share, whole } from './scalars.ts'
import { didYouMean } from './suggest.ts'

export type Task = 'binary' | 'multiclass' | 'regression'

/** The metrics of a task that gates know, the default first. */
export const metricsOf: Readonly<Record<Task, readonly string[]>> = {
  binary: ['auc', 'logLoss', 'accuracy', 'precision', 'recall', 'f1', 'brier'],
  multiclass: ['logLoss', 'accuracy', 'macroF1'],
  regression: ['rmse', 'mae', 'r2'],
}

const lowerIsBetter = new Set(['logLoss', 'brier', 'rmse', 'mae'])

/** Whether a greater or a smaller value of a metric is the better one. */
export const better = (metric: string): 'higher' | 'lower' => (lowerIsBetter.has(metric) ? 'lower' : 'higher')

/** The metric that a task is judged by: the one named, or the task's default for `auto`. */
export const metricOf = (task: Task, named: string): string => (named === 'auto' ? metricsOf[task][0]! : named)

const everyMetric = [...new Set(Object.values(metricsOf).flat())]

const fairness = object('a rule such as {by: "flights:carrier", equalOpportunity: "<= 0.1"}', {
  by: required(reference(), 'the feature whose values are the groups'),
  equalOpportunity: required(bound(), 'the difference of true positive rates between groups'),
  minGroup: defaulted(whole({ min: 1 }), 200, 'rows from which a group counts'),
})

type Champion = { margin: number; confidence: number; minRows: number } | null

const champion: Shape<Champion> = orNone(
  object('champion: {margin: …}', {
    margin: defaulted(decimal({ min: 0 }), 0.002, 'how much worse than the champion is still accepted, in units of the metric'),
    confidence: defaulted(share({ min: 0.5, max: 0.9999 }), '95%', 'of the interval of the difference'),
    minRows: defaulted(whole({ min: 1 }), 1000, 'rows unseen by both from which the comparison decides'),
  }),
)

export const gates = object('gates', {
  metric: defaulted(
    oneOf('auto', ...everyMetric),
    'auto',
    'what versions are compared by: auc for binary, logLoss for multiclass, rmse for regression',
  ),
  require: defaulted(
    record(bound(), {
      key: (name, path, report) => {
        if (everyMetric.includes(name)) return true
        report({ path, on: 'key', message: 'is no metric', hint: didYouMean(name, everyMetric) })
        return false
      },
      keySchema: { enum: everyMetric },
    }),
    {},
    'floors: bounds that the holdout must keep',
  ),
  champion: defaulted(champion, {}, 'the comparison with the version that serves'),
  fairness: defaulted(list(fairness, { max: 20 }), [], 'bounds between groups'),
  latencyP99: defaulted(duration({ min: 1 }), '50ms', 'of one row on this machine'),
  approval: defaulted(oneOf('auto', 'manual'), 'auto', 'whether a person has to say yes'),
})

/** What counts as a bake: `auto`, a duration in data time, or none. */
export const bake: Shape<'auto' | number | null> = either<'auto' | number | null>(
  'auto, none, or a duration such as 36h',
  [
    { when: (written) => written === 'auto', owns: (value) => value === 'auto', shape: oneOf('auto') },
    { when: (written) => typeof written === 'string', owns: (value) => value !== 'auto', shape: orNone(duration({ min: 1 })) },
  ],
  (written) => (typeof written === 'number' ? `write its unit: ${written}h` : undefined),
)
