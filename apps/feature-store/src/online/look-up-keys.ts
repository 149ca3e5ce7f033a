import { entityInvalid } from '../errors.ts'
import { type NamedField, type Value } from '../feature-views/view.ts'
import { encodeKey, isTooLong, maxKeyBytes } from '../ingest/entity-key.ts'
import { type FieldReader, isFault } from '../ingest/validate-fields.ts'
import { type LookUp, type ViewColumns } from './look-up.ts'
import { type PlannedView } from './look-up-plans.ts'

/** The keys that there are: mostly all, and then the list itself, by which the store knows that views have it in common. */
export const known = (keys: readonly (string | null)[]): readonly string[] =>
  keys.includes(null) ? keys.filter((key) => key !== null) : (keys as readonly string[])

/** The keys of each view; views that find theirs in the request alike share a list. */
export function keysOfAll(
  views: readonly PlannedView[],
  { entities }: LookUp,
  rows: number,
  found: ReadonlyMap<PlannedView, ViewColumns>,
): (string | null)[][] {
  const shared = new Map<string, (string | null)[]>()
  return views.map((view) => {
    const made = view.givenKey === null ? undefined : shared.get(view.givenKey)
    const keys = made ?? keysOf(view, entities, rows, found)
    if (view.givenKey !== null) shared.set(view.givenKey, keys)
    return keys
  })
}

/** The encoded keys of a view, one an entity; null where a field of another view that is a part of it has no value. */
function keysOf(
  { served: { view, keyReaders }, key: sources }: PlannedView,
  entities: LookUp['entities'],
  rows: number,
  found: ReadonlyMap<PlannedView, ViewColumns>,
): (string | null)[] {
  const columns = sources.map((source) =>
    source.from === 'entities' ? entities[source.name]! : found.get(source.view)!.values[source.column]!,
  )
  const keys: (string | null)[] = []
  for (let row = 0; row < rows; row += 1) {
    const parts: Value[] = []
    for (const [part, { from }] of sources.entries()) {
      const value = columns[part]![row]
      if (from === 'view' && value === null) break
      parts.push(from === 'view' ? (value as Value) : keyPart(value, view.entity[part]!, keyReaders[part]!, row))
    }
    if (parts.length < sources.length) keys.push(null)
    else {
      const key = encodeKey(parts)
      if (isTooLong(key))
        throw entityInvalid({ field: view.spec.entity.join(', '), index: row, problem: `it is longer than ${maxKeyBytes} bytes` })
      keys.push(key)
    }
  }
  return keys
}

function keyPart(value: unknown, { name }: NamedField, read: FieldReader, row: number): Value {
  if (value === null || value === undefined) throw entityInvalid({ field: name, index: row, problem: 'it is null' })
  const stored = read(value)
  if (isFault(stored)) throw entityInvalid({ field: name, index: row, problem: stored.message })
  return stored
}
