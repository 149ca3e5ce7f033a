import { fieldType, fieldTypeExpected, fieldTypeNames, maxListItems } from './field-types.ts'
import { metadata, apiVersion, type Metadata } from './metadata.ts'
import { fieldKey, nameOfField, nameOfTopic } from './names.ts'
import { defaulted, object, optional, required, shorthand } from './object.ts'
import { either, type Infer, list, oneOf, orNone, record, type Shape } from './shape.ts'
import { bool, decimal, duration, namedDuration, text, whole } from './scalars.ts'

const oneValue = either<string | number | boolean>('a text, a number, true or false', [
  { when: (written) => typeof written === 'string', owns: (value) => typeof value === 'string', shape: text({ max: 200 }) },
  { when: (written) => typeof written === 'number', owns: (value) => typeof value === 'number', shape: decimal() },
  { when: (written) => typeof written === 'boolean', owns: (value) => typeof value === 'boolean', shape: bool() },
])

const fieldObject = object('a type, or a mapping with type and rules', {
  type: required(fieldType(), 'the type of the values'),
  nullable: defaulted(bool(), false, 'whether the value may be null or missing'),
  description: optional(text({ max: 1000 }), 'what it is, for readers'),
  min: optional(decimal(), 'the least value that is accepted'),
  max: optional(decimal(), 'the greatest value that is accepted'),
  minLength: optional(whole({ max: 1_048_576 }), 'the least number of characters, or of bytes'),
  maxLength: optional(whole({ max: 1_048_576 }), 'the greatest number of characters, or of bytes'),
  minItems: optional(whole({ max: maxListItems }), 'the least number of items of a list; other rules are for each item'),
  maxItems: optional(whole({ max: maxListItems }), 'the greatest number of items of a list'),
  enum: optional(list(oneValue, { min: 1, max: 1000, unique: true }), 'the values that are accepted'),
  pattern: optional(text({ min: 1, max: 200 }), 'a regular expression (of JavaScript) for the whole text'),
})

export type Field = Infer<typeof fieldObject>

const field: Shape<Field> = shorthand<Field>(fieldObject, {
  expected: `${fieldTypeExpected}, or a mapping with type and rules`,
  schema: { enum: fieldTypeNames },
  short: (type) => ({ type }),
  shorten: (written) => (Object.keys(written).length === 2 && written['nullable'] === false ? written['type'] : written),
})

const aggregation = object('an aggregation such as {fn: mean, of: delayMin, windows: [3h, 24h]}', {
  fn: required(oneOf('count', 'sum', 'mean', 'min', 'max', 'stddev', 'last'), 'the function over the rows of a window'),
  of: optional(nameOfField(), 'the field it is computed from; none for count'),
  windows: required(list(namedDuration({ min: 1000 }), { min: 1, max: 10, unique: true }), 'how far back each window reaches'),
})

export type Aggregation = Infer<typeof aggregation>

const isWindowed = (spec: Record<string, unknown>): boolean =>
  Object.keys((spec['aggregations'] as object | null | undefined) ?? {}).length > 0

const spec = object('spec: {source: …, entity: …, eventTime: …, fields: …}', {
  source: required(
    object('source: {topic: …}', {
      topic: required(nameOfTopic(), 'the topic that the rows come from'),
      format: defaulted(
        oneOf('json', 'cloudevents', 'debezium', 'avro', 'json-schema', 'protobuf'),
        'json',
        'how a row is encoded; avro and json-schema: in the wire format of a schema registry',
      ),
      partitions: defaulted(whole({ min: 1, max: 1000 }), 4, 'partitions of the topic, if apply has to create it'),
      startFrom: defaulted(oneOf('earliest', 'latest'), 'earliest', 'where reading begins the first time'),
      lag: defaulted(duration(), '0s', 'how long after its event time an imported row was known'),
      idleAfter: defaulted(duration({ min: 1000 }), '1m', 'after how long a quiet partition no longer holds the watermark back'),
    }),
    'where the rows come from',
  ),
  entity: required(list(nameOfField(), { min: 1, max: 10, unique: true }), 'the fields that name what a row is about'),
  eventTime: required(
    object('eventTime: {field: …}', {
      field: required(nameOfField(), 'the timestamp field that says when it happened'),
      format: defaulted(oneOf('iso8601', 'unix-s', 'unix-ms', 'unix-us'), 'iso8601', 'how timestamps of this view are written'),
    }),
    'when it happened',
  ),
  ttl: defaulted(
    orNone(duration({ min: 1 })),
    (written: Record<string, unknown>) => (isWindowed(written) ? 'none' : '30d'),
    'after how long a row is no answer any more, online and offline; 30d, none for windowed views',
  ),
  freshness: defaulted(orNone(duration({ min: 1000 })), 'none', 'how far the watermark may lag before it is a finding'),
  fields: required(
    record(field, { ...fieldKey, min: 1, max: 1000 }),
    'the fields of a row; a bare type is required and not null',
  ),
  aggregations: defaulted(record(aggregation, { ...fieldKey, max: 100 }), {}, 'windowed aggregates, served as <name>_<window>'),
})

export type FeatureViewSpec = Infer<typeof spec>

/**
 * A feature view: rows of a topic, validated, served online and offline.
 *
 * Durations are milliseconds, `none` is null, every default is filled in.
 */
export interface FeatureView {
  apiVersion: typeof apiVersion
  kind: 'FeatureView'
  metadata: Metadata
  spec: FeatureViewSpec
}

export const featureViewShape = object('a FeatureView', {
  apiVersion: required(oneOf(apiVersion), 'the version of this format'),
  kind: required(oneOf('FeatureView'), 'what the document describes'),
  metadata: required(metadata, 'its name and who owns it'),
  spec: required(spec, 'what it is'),
})
