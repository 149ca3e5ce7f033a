import { Cron } from 'croner'
import { fieldKey } from './names.ts'
import { defaulted, object, required } from './object.ts'
import { either, isMapping, list, mapped, oneOf, orNone, type Path, record, type Report, scalar, type Shape } from './shape.ts'
import { bool, bytes, decimal, duration, share, text, whole } from './scalars.ts'

/** Who fits the model: a trainer of the platform, a command of yours, or an image. */
export type Trainer = 'gbdt' | 'linear' | { command: string[] } | { image: string }

const trainer: Shape<Trainer> = either<Trainer>('gbdt, linear, {command: [...]} or {image: ...}', [
  { when: (written) => typeof written === 'string', owns: (value) => typeof value === 'string', shape: oneOf('gbdt', 'linear') },
  {
    when: (written) => isMapping(written) && 'image' in written,
    owns: (value) => typeof value === 'object' && 'image' in value,
    shape: object('{image: …}', { image: required(text({ min: 1, max: 500, pattern: /^[^\s]+$/ }), 'an image with its digest') }),
  },
  {
    when: isMapping,
    owns: (value) => typeof value === 'object' && 'command' in value,
    shape: object('{command: [...]}', {
      command: required(list(text({ min: 1, max: 4000 }), { min: 1, max: 100 }), 'program and arguments; no shell'),
    }),
  },
])

/** How far back training rows reach: tried out, all, or a duration in milliseconds. */
export type History = 'auto' | 'all' | number

const history: Shape<History> = either<History>('auto, all, or a duration such as 180d', [
  {
    when: (written) => written === 'auto' || written === 'all',
    owns: (value) => typeof value === 'string',
    shape: oneOf('auto', 'all'),
  },
  { when: () => true, owns: (value) => typeof value === 'number', shape: duration({ min: 1 }) },
])

/** A value of the trainer's environment: text, or a secret by its name. */
export type EnvironmentValue = string | { secret: string }

const environmentValue: Shape<EnvironmentValue> = either<EnvironmentValue>(
  'a text or {secret: name}',
  [
    { when: (written) => typeof written === 'string', owns: (value) => typeof value === 'string', shape: text({ max: 4000 }) },
    {
      when: isMapping,
      owns: (value) => typeof value === 'object',
      shape: object('{secret: name}', {
        secret: required(text({ min: 1, max: 253, pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/ }), 'the name of the secret'),
      }),
    },
  ],
  (written) => (written === null || typeof written === 'object' ? undefined : `quote it: "${String(written)}"`),
)

const environmentKey = {
  key: (name: string, path: Path, report: Report): boolean => {
    const ours = /^(CASCATA_|MLFLOW_)/.test(name)
    if (/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name) && !ours) return true
    report({ path, on: 'key', message: ours ? 'is set by the platform' : 'expected the name of an environment variable' })
    return false
  },
  keySchema: { pattern: '^[A-Za-z_][A-Za-z0-9_]*$' },
}

const parameter: Shape<string | number | boolean> = either<string | number | boolean>('a text, a number, true or false', [
  { when: (written) => typeof written === 'string', owns: (value) => typeof value === 'string', shape: text({ max: 1000 }) },
  { when: (written) => typeof written === 'number', owns: (value) => typeof value === 'number', shape: decimal() },
  { when: (written) => typeof written === 'boolean', owns: (value) => typeof value === 'boolean', shape: bool() },
])

export const train = object('train', {
  trainer: defaulted(trainer, 'gbdt', 'who fits the model'),
  code: defaulted(
    orNone(text({ expected: 'a git commit or an image digest', min: 4, max: 200, pattern: /^[A-Za-z0-9][A-Za-z0-9:@._/-]*$/ })),
    'none',
    "git commit or image digest of your own trainer, part of the run's identity",
  ),
  params: defaulted(record(parameter, { ...fieldKey, max: 100 }), {}, 'parameters of the trainer'),
  seed: defaulted(whole({ max: 2 ** 31 - 1 }), 1, 'same seed, same rows: same model'),
  rows: defaulted(
    object('rows', {
      history: defaulted(history, 'auto', 'how far back rows are used; auto tries several windows'),
      max: defaulted(whole({ min: 100 }), 2_000_000, 'rows of a training at most'),
      min: defaulted(whole({ min: 20 }), 1000, 'ripe labelled rows before the first training'),
    }),
    {},
    'which rows a model is trained on',
  ),
  split: defaulted(
    object('split', {
      validation: defaulted(share({ min: 0.01, max: 0.5 }), '10%', 'rows that the trainer may look at while fitting'),
      holdout: defaulted(share({ min: 0.01, max: 0.5 }), '20%', 'the newest rows, which no trainer sees before the gates'),
    }),
    {},
    'how rows are split by time',
  ),
  refit: defaulted(bool(), true, 'fit once more on all ripe rows after the gates'),
  run: defaulted(
    object('run', {
      executor: defaulted(oneOf('process', 'kubernetes', 'ray'), 'process', 'where the job runs'),
      cpu: defaulted(decimal({ min: 0.1, max: 1024 }), 1, 'cores'),
      memory: defaulted(bytes({ min: 64 * 2 ** 20 }), '2Gi', 'at most'),
      timeout: defaulted(duration({ min: 1000 }), '30m', 'after which a run is ended'),
      retries: defaulted(whole({ max: 20 }), 1, 'further attempts after a failure'),
      env: defaulted(record(environmentValue, { ...environmentKey, max: 100 }), {}, 'environment of your own trainer'),
    }),
    {},
    'the job',
  ),
})

/** Growth of the ripe labelled rows: a share of the last dataset, or a number of rows. */
export type Growth = { share: number } | { rows: number }

const growth: Shape<Growth> = either<Growth>('a share such as 15% or a number of rows', [
  {
    when: (written) => typeof written === 'number',
    owns: (value) => 'rows' in value,
    shape: mapped(
      whole({ min: 1 }),
      (rows) => ({ rows }),
      (value: Growth) => (value as { rows: number }).rows,
    ),
  },
  {
    when: (written) => typeof written === 'string',
    owns: (value) => 'share' in value,
    shape: mapped(
      share({ min: 0.001, max: 100 }),
      (fraction) => ({ share: fraction }),
      (value: Growth) => (value as { share: number }).share,
    ),
  },
])

/** A trigger that is on or off: true, false, or none for false. */
const onOrOff: Shape<boolean> = {
  ...bool(),
  expected: 'true or none',
  schema: { enum: [true, false, 'none'] },
  read: (written, path, report) => (written === 'none' ? false : bool().read(written, path, report)),
  write: (value) => (value ? true : 'none'),
}

const isCron = (written: string): boolean => {
  if (written.trim().split(/\s+/).length !== 5) return false
  try {
    return new Cron(written, { paused: true, timezone: 'UTC' }).nextRun(new Date(0)) !== null
  } catch {
    return false
  }
}

const schedule: Shape<string> = scalar({
  expected: 'a cron expression of five fields, such as "0 3 * * 1"',
  schema: { type: 'string', minLength: 9, maxLength: 200 },
  parse: (written) => (typeof written === 'string' && written.length <= 200 && isCron(written) ? written : undefined),
})

export const retrain = object('retrain', {
  when: defaulted(
    object('when', {
      newLabels: defaulted(orNone(growth), '15%', 'growth of the ripe labelled rows since the last dataset'),
      drift: defaulted(onOrOff, true, 'when the inputs have drifted'),
      performance: defaulted(onOrOff, true, 'when the answers have become worse'),
      maxAge: defaulted(orNone(duration({ min: 1 })), '30d', "data time since the last dataset's cutoff"),
      schedule: defaulted(orNone(schedule), 'none', 'a timetable, in UTC'),
    }),
    {},
    'what asks for a training',
  ),
  limits: defaulted(
    object('limits', {
      debounce: defaulted(duration(), '1m', 'delay from the first cause'),
      cooldown: defaulted(duration(), '1h', 'time between two trainings of the same trigger'),
      perDay: defaulted(whole({ min: 1, max: 10_000 }), 6, 'trainings in 24 hours'),
      minNewLabels: defaulted(whole({ min: 0 }), 500, 'new ripe labels that drift, performance and age wait for'),
    }),
    {},
    'what holds a training back',
  ),
})
