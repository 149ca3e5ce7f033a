import { createHash } from 'node:crypto'
import { type NamedField, type Value } from '../feature-views/view.ts'
import { encodeKey } from '../ingest/entity-key.ts'
import { type RowBatch } from '../ingest/row-batch.ts'

/** What is kept of an erasure for ever: enough to know a row of the entity that comes late, and no more. */
export interface KnownErasure {
  /** Entity fields as they were then. */
  readonly fields: readonly string[]
  readonly keySha256: string
  /** Rows with an event time up to here are gone, in Unix ms. */
  readonly until: number
}

/** The erasures of a view up to a number. */
export interface Erasures {
  readonly number: number
  readonly known: readonly KnownErasure[]
}

export const noErasures: Erasures = { number: 0, known: [] }

/** By which an erased entity is known. */
export const hashOfKey = (values: readonly Value[]): string => createHash('sha256').update(encodeKey(values)).digest('hex')

/** A value as it is written where the type is known besides. */
export const asText = ({ type }: NamedField, value: Value): string => (type === 'bool' ? String(Boolean(value)) : String(value))

/** Indices of the rows of a batch that belong to erased entities. */
export function lateRows(batch: RowBatch, { known }: Erasures): Set<number> {
  const late = new Set<number>()
  if (known.length === 0) return late
  const last = Math.max(...known.map(({ until }) => until))
  const groups = [...Map.groupBy(known, ({ fields }) => fields.join('|')).values()].map((same) => ({
    ordinals: same[0]!.fields.map((name) => batch.view.fields.findIndex((field) => field.name === name)),
    until: new Map(same.map((each) => [each.keySha256, each.until])),
  }))
  for (let index = 0; index < batch.count; index += 1) {
    const eventTime = batch.eventTimes[index]!
    if (eventTime > last) continue
    for (const { ordinals, until } of groups) {
      const hash = hashOfKey(ordinals.map((ordinal) => batch.values[ordinal]![index]!))
      if (eventTime <= (until.get(hash) ?? Number.NEGATIVE_INFINITY)) late.add(index)
    }
  }
  return late
}
