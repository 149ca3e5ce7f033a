import { isMapping, type Path, type Report } from './shape.ts'

interface NotYet {
  kind: 'FeatureView' | 'Model'
  field: string
  what: string
  /** Whether what is written there asks for the behaviour; without it, a change of the field does. */
  asks?: (written: unknown) => boolean
  hint: string
}

const among =
  (...words: string[]) =>
  (written: unknown): boolean =>
    words.includes(written as string)

/**
 * What the documents already have a place for, but no service does yet.
 *
 * Written, it is refused; as a default it is off. The one place to change when a service learns it: remove the entry.
 */
export const notYet: readonly NotYet[] = [
  {
    kind: 'FeatureView',
    field: 'spec.source.format',
    what: 'protobuf',
    asks: among('protobuf'),
    hint: 'json, cloudevents, debezium, avro and json-schema are',
  },
  {
    kind: 'Model',
    field: 'spec.train.run.executor',
    what: 'executors other than process',
    asks: among('kubernetes', 'ray'),
    hint: 'executor: process',
  },
  {
    kind: 'Model',
    field: 'spec.train.trainer',
    what: 'trainers from an image',
    asks: (written) => isMapping(written) && 'image' in written,
    hint: 'start your trainer with {command: [...]}',
  },
]

const at = (document: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, step) => (isMapping(value) && Object.hasOwn(value, step) ? value[step] : undefined), document)

/** Reports what is written in a document although no service does it yet. */
export function refuseNotYet(kind: string, document: unknown, report: Report): void {
  for (const entry of notYet) {
    const path = entry.field.split('.')
    if (entry.kind === kind && entry.asks?.(at(document, path))) {
      report({ path, on: 'value', message: `not supported yet: ${entry.what}`, hint: entry.hint })
    }
  }
}

/** What no service does yet when this field of an applied resource changes. */
export const changeNotYet = (kind: string, field: string): NotYet | undefined =>
  notYet.find((entry) => entry.kind === kind && entry.asks === undefined && entry.field === field)
