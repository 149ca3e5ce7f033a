import { describe, expect, it } from 'vitest'
import { everything, flights, lean, routeDelays } from './examples.ts'
import { notYet } from './not-yet.ts'
import { parseResources } from './parse-resources.ts'
import { ResourceErrors } from './resource-errors.ts'

const parse = (text: string) => parseResources(text, { file: 'views.yaml' })

/** What is wrong with a text, as `line:column field message (hint)`. */
const complaints = (text: string): string[] => {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof ResourceErrors) {
      return error.errors.map(
        ({ line, column, field, message, hint }) => `${line}:${column} ${field} ${message}${hint ? ` (${hint})` : ''}`,
      )
    }
    throw error
  }
  return []
}

const complaint = (text: string): string => complaints(text).join('\n')

/** With bytes and lists. */
const wide = flights.replace(
  '    origin: string\n',
  `    origin: string
    photo: {type: bytes, maxLength: 8}
    stops: {type: list<string>, maxItems: 3, maxLength: 4}
    delays: {type: list<int>, max: 900}
    cancelled: boolean
`,
)

describe('a view', () => {
  it('has every default of the documentation', () => {
    const [view] = parse(flights)
    expect(view).toMatchObject({
      metadata: { name: 'flights', namespace: 'default', owner: 'ops-ml', tags: [] },
      spec: {
        source: { topic: 'flights', format: 'json', partitions: 4, startFrom: 'earliest', lag: 0, idleAfter: 60_000 },
        entity: ['flight'],
        eventTime: { field: 'publishedAt', format: 'iso8601' },
        ttl: 30 * 86_400_000,
        freshness: null,
        aggregations: {},
      },
    })
  })

  it('takes a bare type as required and not null, and rules in a mapping', () => {
    const [view] = parse(flights)
    expect(view).toMatchObject({
      spec: {
        fields: {
          flight: { type: 'string', nullable: false },
          carrier: { type: 'string', nullable: false, maxLength: 2, description: 'IATA code' },
          distanceKm: { type: 'double', nullable: false, min: 0 },
          gateChanges: { type: 'int', nullable: true },
        },
      },
    })
  })

  it('refuses what is not there yet, but takes it as a default', () => {
    expect(complaint(flights.replace('format: json', 'format: protobuf'))).toContain('not supported yet: protobuf')
  })

  it.each([
    ['entity: [flight]', 'entity: [flihgt]', '6:12 spec.entity[0] flihgt is not among the fields (did you mean flight?)'],
    ['entity: [flight]', 'entity: [gateChanges]', 'gateChanges is nullable, and an entity never is'],
    ['entity: [flight]', 'entity: [distanceKm]', 'distanceKm is a double: keys have to compare exactly'],
    ['entity: [flight]', 'entity: [flight, flight]', '"flight" stands in the list twice'],
    ['field: publishedAt', 'field: origin', 'origin is a string, expected a timestamp'],
    [
      'ttl: 30d',
      'ttl: 30',
      '8:8 spec.ttl expected a duration with its unit, such as 90s, 15m, 36h or 7d, or none, got 30 (write its unit, for example 30s)',
    ],
    ['ttl: 30d', 'ttl: 2w', 'write weeks as days'],
    ['ttl: 30d', 'ttl:', 'got nothing'],
    ['flight: string', 'flight: str', '11:13 spec.fields.flight expected a type (string, bytes, int, int32'],
    ['flight: string', 'flight: str', '(did you mean string?)'],
    ['origin: string', 'origin: double[]', '(did you mean list<double>?)'],
    ['origin: string', 'origin: Array(int64)', '(did you mean list<int>?)'],
    ['origin: string', 'origin: list<list<int>>', 'expected a type (string, bytes'],
    ['entity: [flight]', 'entity: [flight, photo]', 'photo is a bytes, and no key (use string or int)'],
    ['entity: [flight]', 'entity: [flight, stops]', 'stops is a list<string>, and no key (use string or int)'],
    ['maxLength: 8', 'maxLength: 8, pattern: a', 'is no rule for a bytes (only for string, and lists of them)'],
    [
      'maxItems: 3',
      'maxItems: 3, min: 1',
      'is no rule for a list<string> (only for int, int32, float, double, and lists of them)',
    ],
    ['maxItems: 3', 'maxItems: 3, minItems: 4', 'is less than minItems (4)'],
    ['maxItems: 3', 'maxItems: 20000', 'expected a whole number from 0 to 16384'],
    ['maxLength: 2', 'maxItems: 2', 'is no rule for a string (only for lists)'],
    ['min: 0', 'minimum: 0', 'spec.fields.distanceKm.minimum is no field here (did you mean min?)'],
    ['min: 0', 'min: 5, max: 1', 'is less than min (5)'],
    ['maxLength: 2', 'min: 2', 'is no rule for a string'],
    ['maxLength: 2', 'pattern: "(a+)+b"', 'can take exponential time'],
    ['maxLength: 2', 'pattern: "["', 'is no regular expression'],
    ['maxLength: 2', 'enum: [AA, 1]', 'expected a value of type string'],
    ['origin: string', 'o__rigin: string', 'expected a field name'],
    ['origin: string', 'toString: string', 'expected a field name'],
    ['origin: string', 'a b: string', '(did you mean a_b?)'],
    ['origin: string', '__proto__: string', '__proto__ may not be a key'],
    ['origin: string', 'destination: string', 'Map keys must be unique'],
    ['name: flights', 'name: Flights Plan', '(did you mean flights-plan?)'],
    ['name: flights', 'name: 7', 'quote it: "7"'],
    ['name: flights', 'name: ../../etc', 'expected a name of lower-case letters'],
    ['topic: flights', 'topic: cascata.predictions', 'a model that is fed by predictions would feed itself'],
    ['topic: flights, ', '', 'spec.source.topic is missing: the topic that the rows come from'],
    [
      'kind: FeatureView',
      'kind: featureview',
      'expected one of FeatureView, Model, got "featureview" (did you mean FeatureView?)',
    ],
    ['apiVersion: cascata/v1', 'apiVersion: v1', 'expected cascata/v1, got "v1"'],
  ])('says what is wrong: %s → %s', (right, wrong, expected) => {
    expect(wide).toContain(right)
    expect(complaint(wide.replace(right, wrong))).toContain(expected)
  })

  it('takes bytes and lists, whose rules are for each item, and other names for two types', () => {
    const [view] = parse(
      wide.replace('gateChanges: {type: int, ', 'gateChanges: {type: int64, ').replace('list<int>', 'list<int64>'),
    )
    expect(view).toEqual(parse(wide)[0])
    expect(view).toMatchObject({
      spec: {
        fields: {
          photo: { type: 'bytes', maxLength: 8 },
          stops: { type: 'list<string>', maxItems: 3, maxLength: 4 },
          delays: { type: 'list<int>', max: 900 },
          cancelled: { type: 'bool', nullable: false },
        },
      },
    })
  })

  it('has windowed aggregates, and then no ttl unless one is written', () => {
    expect(parse(routeDelays)[0]).toMatchObject({
      spec: { ttl: null, aggregations: { delay: { fn: 'mean', of: 'delayMin', windows: [{ name: '3h', ms: 10_800_000 }, {}] } } },
    })
    expect(parse(routeDelays.replace('  fields:', '  ttl: 7d\n  fields:'))[0]).toMatchObject({ spec: { ttl: 7 * 86_400_000 } })
  })

  it.each([
    [
      'of: delayMin',
      'of: delayMins',
      '10:27 spec.aggregations.delay.of delayMins is not among the fields (did you mean delayMin?)',
    ],
    ['of: delayMin', 'of: origin', 'origin is a string, and mean needs a number'],
    ['of: delayMin, ', '', 'spec.aggregations.delay.of is missing: mean needs a field'],
    ['fn: mean', 'fn: median', 'expected one of count, sum, mean, min, max, stddev, last'],
    ['[3h, 24h]', '[3h, 180m]', 'spec.aggregations.delay.windows[1] is as long as 3h'],
    ['[3h, 24h]', '[2m]', 'is shorter than the hop of its tail (5m)'],
    ['[3h, 24h]', '[1001d]', 'is longer than 1000d'],
    ['[3h, 24h]', '[1.5h]', 'would be served as delay_1.5h, which is no field name'],
    ['[3h, 24h]', '[]', 'spec.aggregations.delay.windows'],
  ])('says what is wrong with an aggregation: %s → %s', (right, wrong, expected) => {
    expect(routeDelays).toContain(right)
    expect(complaint(routeDelays.replace(right, wrong))).toContain(expected)
  })

  it('reports everything at once, in the order of the file', () => {
    const found = complaints(
      flights
        .replace('30d', '30')
        .replace('kind: F', 'kind: F')
        .replace('distanceKm: {type: double', 'distanceKm: {typ: double')
        .replace('topic: flights', 'topc: flights'),
    )
    expect(found.map((line) => line.split(' ')[1])).toEqual([
      'spec.source.topic',
      'spec.source.topc',
      'spec.ttl',
      'spec.fields.distanceKm.type',
      'spec.fields.distanceKm.typ',
    ])
  })
})

describe('a model', () => {
  it('needs few words', () => {
    expect(parse(lean)).toEqual(
      [parse(everything)[0]].map((model) => ({
        ...model,
        spec: { ...model!.spec, request: {}, gates: { ...(model!.spec as any).gates, require: {} } },
      })),
    )
  })

  it('has units turned into numbers', () => {
    expect(parse(everything)[0]).toMatchObject({
      spec: {
        observations: { view: 'flights', at: 'departsAt', lead: 7_200_000 },
        label: { field: 'outcomes:delayed', within: 129_600_000, missing: 'drop' },
        request: { gateChanges: { type: 'int', nullable: false, history: 'flights:gateChanges' } },
        train: {
          trainer: 'gbdt',
          code: null,
          rows: { history: 'auto', max: 2_000_000, min: 1000 },
          split: { validation: 0.1, holdout: 0.2 },
          run: { memory: 2 ** 31 },
        },
        retrain: { when: { newLabels: { share: 0.15 }, drift: true, maxAge: 30 * 86_400_000, schedule: null } },
        gates: {
          metric: 'auc',
          require: { auc: { op: '>=', value: 0.6 } },
          champion: { margin: 0.002, confidence: 0.95, minRows: 1000 },
          latencyP99: 50,
        },
        rollout: {
          unit: ['flight'],
          shadow: 600_000,
          steps: [0.05, 0.25, 0.5],
          guard: { errors: 0.01, latencyP99: 0.25, shift: 0.2 },
          bake: 216_000_000,
        },
        monitor: { window: 86_400_000, drift: { persist: { hits: 2, of: 3 } }, log: { sample: 1, keep: 30 * 86_400_000 } },
      },
    })
  })

  it('is switched off with none where that is allowed, and nowhere else', () => {
    const off = everything
      .replace(
        'newLabels: 15%, drift: true, performance: true, maxAge: 30d',
        'newLabels: none, drift: none, performance: none, maxAge: none',
      )
      .replace(/champion: .*/, 'champion: none')
      .replace('bake: auto', 'bake: none')
      .replace('shadow: 10m', 'shadow: 0s')
      .replace('steps: [5%, 25%, 50%]', 'steps: []')
    expect(parse(off)[0]).toMatchObject({
      spec: {
        retrain: { when: { newLabels: null, drift: false, performance: false, maxAge: null, schedule: null } },
        gates: { champion: null },
        rollout: { bake: null, shadow: 0, steps: [] },
      },
    })
    expect(complaint(everything.replace('cooldown: 1h', 'cooldown: none'))).toContain(
      'spec.retrain.limits.cooldown expected a duration',
    )
    expect(complaint(everything.replace('within: 36h', 'within: none'))).toContain('spec.label.within expected a duration')
  })

  it.each([
    ['binary', 'multiclass', 'spec.gates.metric auc is no metric of multiclass (known: logLoss'],
    ['{auc: ">= 0.60"}', '{auc: 0.6}', 'write its direction: ">= 0.6" or "<= 0.6"'],
    ['{auc: ">= 0.60"}', '{acu: ">= 0.6"}', 'spec.gates.require.acu is no metric (did you mean auc?)'],
    ['errors: "+1%"', 'errors: 1%', 'write its direction: "+1%"'],
    ['errors: "+1%"', 'errors: 0.01', 'write the percent sign: "+1%"'],
    ['validation: 10%', 'validation: 0.1', 'write the percent sign: 10%'],
    ['persist: 2 of 3', 'persist: 4 of 3', 'expected windows such as "2 of 3"'],
    ['steps: [5%, 25%, 50%]', 'steps: [25%, 5%]', 'is not greater than the step before it'],
    ['refit: true', 'refit: yes', '(write true)'],
    ['schedule: none', 'schedule: "* * * *"', 'expected a cron expression of five fields'],
    [
      'trainer: gbdt',
      'trainer: {command: [python, train.py]}',
      'spec.train.code is missing: an own trainer names its git commit',
    ],
    ['trainer: gbdt', 'trainer: xgboost', 'expected one of gbdt, linear'],
    ['trainer: gbdt', 'trainer: {image: "x@sha256:1"}', 'not supported yet: trainers from an image'],
    ['executor: process', 'executor: ray', 'not supported yet: executors other than process'],
    ['"flights:carrier", ', '"flights.carrier", ', 'did you mean flights:carrier?'],
    ['missing: drop', 'missing: negativ', 'did you mean negative?'],
    [', at: departsAt', '', 'needs `at`'],
    ['env: {}', 'env: {CASCATA_JOB: x}', 'is set by the platform'],
    ['seed: 1', 'seed: 1.5', 'expected a whole number'],
    ['seed: 1', 'seed: .nan', 'expected a whole number'],
    ['window: 1d', 'window: 400000000d', 'expected a duration'],
  ])('says what is wrong: %s → %s', (right, wrong, expected) => {
    expect(everything).toContain(right)
    expect(complaint(everything.replace(right, wrong))).toContain(expected)
  })

  it('takes schedules, own trainers with their commit, secrets, and rows as growth', () => {
    const text = everything
      .replace('schedule: none', 'schedule: "0 3 * * 1"')
      .replace('newLabels: 15%', 'newLabels: 5000')
      .replace('trainer: gbdt', 'trainer: {command: [python3, train.py]}')
      .replace('code: none', 'code: 4f2a91c')
      .replace('env: {}', 'env: {MODE: fast, TOKEN: {secret: warehouse}}')
      .replace('history: auto', 'history: 180d')
    expect(parse(text)[0]).toMatchObject({
      spec: {
        train: {
          trainer: { command: ['python3', 'train.py'] },
          code: '4f2a91c',
          rows: { history: 180 * 86_400_000 },
          run: { env: { MODE: 'fast', TOKEN: { secret: 'warehouse' } } },
        },
        retrain: { when: { newLabels: { rows: 5000 }, schedule: '0 3 * * 1' } },
      },
    })
  })
})

describe('a stream', () => {
  it('holds many documents, and each resource once', () => {
    expect(parse(`${flights}---\n---\n${lean}`).map(({ kind }) => kind)).toEqual(['FeatureView', 'Model'])
    expect(complaint(`${flights}---\n${flights}`)).toMatch(
      /^22:\d+ metadata.name FeatureView\/default\/flights is described twice/,
    )
    expect(parse('')).toEqual([])
    expect(parse('# nothing\n')).toEqual([])
  })

  it.each(['- a\n- b', 'just text', '7', 'null: 1'])('refuses a document that is no resource: %s', (text) => {
    expect(complaint(text)).toMatch(/expected/)
  })

  it('tells a hundred problems at most', () => {
    const unknown = (count: number) =>
      flights.replace('spec:\n', `spec:\n${Array.from({ length: count }, (_, n) => `  no${n}: 1\n`).join('')}`)
    expect(complaints(unknown(100))).toHaveLength(100)
    expect(complaints(`${unknown(150)}---\n${lean}`)).toHaveLength(100)
  })

  it('lists each thing that is not there yet with a hint', () => {
    for (const { what, hint } of notYet) expect([what, hint]).toEqual([expect.stringMatching(/\w/), expect.stringMatching(/\w/)])
  })
})
