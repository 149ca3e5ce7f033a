import { bake } from './model-gates.ts'
import { nameOfField } from './names.ts'
import { defaulted, object } from './object.ts'
import { list, oneOf, scalar, type Shape } from './shape.ts'
import { decimal, duration, share, whole } from './scalars.ts'

export const rollout = object('rollout', {
  unit: defaulted(
    list(nameOfField(), { max: 10, unique: true }),
    [],
    "what sticks to a version: the observations' entity unless named",
  ),
  shadow: defaulted(duration(), '10m', 'how long the candidate answers only beside the champion; 0s skips it'),
  steps: defaulted(
    list(share({ min: 0.0001, max: 0.9999 }), { max: 20, unique: true }),
    ['5%', '25%', '50%'],
    'shares of the traffic before all of it',
  ),
  step: defaulted(
    object('step', {
      min: defaulted(duration(), '10m', 'how long a step lasts at least'),
      units: defaulted(whole({ min: 1 }), 500, 'units that the candidate must have scored'),
      max: defaulted(duration({ min: 1000 }), '24h', 'after which a step without a decision is inconclusive'),
      onInconclusive: defaulted(oneOf('hold', 'promote', 'rollback'), 'hold', 'what happens then'),
    }),
    {},
    'when a step ends',
  ),
  guard: defaulted(
    object('guard', {
      errors: defaulted(share({ signed: true }), '+1%', 'how much more often the candidate may fail, in percentage points'),
      latencyP99: defaulted(share({ signed: true, max: 100 }), '+25%', 'how much slower it may be, relative to the champion'),
      shift: defaulted(decimal({ min: 0, max: 1 }), 0.2, 'Jensen–Shannon distance between the scores of both'),
    }),
    {},
    'what sends a candidate back',
  ),
  bake: defaulted(bake, 'auto', 'how long the old version stays warm, in data time; auto: label.within + 24h'),
})

/** How often a window must drift before it counts: in `hits` of the last `of` windows. */
export interface Persistence {
  hits: number
  of: number
}

const persistence: Shape<Persistence> = scalar<Persistence>({
  expected: 'windows such as "2 of 3"',
  schema: { type: 'string', pattern: '^[0-9]+ of [0-9]+$' },
  parse: (written) => {
    const match = typeof written === 'string' ? /^(\d{1,3}) of (\d{1,3})$/.exec(written) : null
    const [hits, of] = [Number(match?.[1]), Number(match?.[2])]
    return hits >= 1 && hits <= of ? { hits, of } : undefined
  },
  write: ({ hits, of }) => `${hits} of ${of}`,
})

export const monitor = object('monitor', {
  window: defaulted(duration({ min: 60_000 }), '1d', 'one season of the data'),
  drift: defaulted(
    object('drift', {
      size: defaulted(decimal({ min: 0 }), 0.1, 'effect size from which a feature drifts'),
      share: defaulted(share(), '30%', 'share of the features, weighted by importance, that must drift'),
      persist: defaulted(persistence, '2 of 3', 'in how many of the last windows'),
      minRows: defaulted(whole({ min: 1 }), 500, 'rows from which a window counts'),
    }),
    {},
    'when the inputs have changed',
  ),
  performance: defaulted(
    object('performance', {
      drop: defaulted(share(), '5%', "relative to the holdout's metric"),
      minLabels: defaulted(whole({ min: 1 }), 500, 'labels from which a window counts'),
    }),
    {},
    'when the answers have become worse',
  ),
  log: defaulted(
    object('log', {
      sample: defaulted(share(), '100%', 'of the predictions that are logged'),
      keep: defaulted(duration({ min: 3_600_000 }), '30d', 'how long the monitor keeps them'),
    }),
    {},
    'the log of predictions',
  ),
})
