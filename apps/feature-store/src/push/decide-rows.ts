import { valueType } from '@cascata/resources'
import { type NamedField, type View } from '../feature-views/view.ts'
import { parseIso, type TimeFormat } from '../ingest/validate-times.ts'

/** Columns of a push: a list a name, as Feast's clients send a data frame. */
export type Frame = Readonly<Record<string, readonly unknown[]>>

/** Feast's clients name these columns themselves, whatever the view calls its event time. */
const feastTime = 'event_timestamp'
const feastCreated = 'created'

/** What is wrong with the lengths of the columns; undefined when nothing is. */
export function lengthFault(frame: Frame): string | undefined {
  const [first, ...others] = Object.entries(frame)
  if (!first) return 'df has no columns'
  const odd = others.find(([, values]) => values.length !== first[1].length)
  return odd && `column ${odd[0]} has ${odd[1].length} values, and ${first[0]} has ${first[1].length}`
}

/**
 * The rows of a frame as a view's topic holds them. A timestamp that is a text is written in the view's format, and is in UTC when it
 * has no zone, as pandas takes it; what is none stays as it is, for the validation to name.
 */
export function rowsOf(frame: Frame, view: View): Record<string, unknown>[] {
  const { field: eventField, format } = view.spec.eventTime
  const types = new Map(view.fields.map(({ name, type }) => [name, type]))
  const columns = Object.entries(frame).flatMap(([name, values]): [string, readonly unknown[]][] => {
    if (types.has(name)) return [[name, columnOf(types.get(name)!, values, format)]]
    if (name === feastTime && !Object.hasOwn(frame, eventField)) return [[eventField, columnOf('timestamp', values, format)]]
    return name === feastTime || name === feastCreated ? [] : [[name, values]]
  })
  const count = columns[0]?.[1].length ?? 0
  return Array.from({ length: count }, (_, index) => Object.fromEntries(columns.map(([name, values]) => [name, values[index]])))
}

const columnOf = (type: NamedField['type'], values: readonly unknown[], format: TimeFormat): readonly unknown[] => {
  if (valueType(type) !== 'timestamp') return values
  const timeOf = (value: unknown): unknown =>
    Array.isArray(value) ? value.map(timeOf) : typeof value === 'string' ? written(value, format) : value
  return values.map(timeOf)
}

const instant = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?) ?(Z|[+-]\d\d(?::?\d\d)?)?)?$/

function written(text: string, format: TimeFormat): unknown {
  const match = instant.exec(text)
  if (!match) return text
  const ms = parseIso(`${match[1]}T${match[2] ?? '00:00'}${match[3] ?? 'Z'}`)
  if (Number.isNaN(ms)) return text
  switch (format) {
    case 'iso8601':
      return new Date(ms).toISOString()
    case 'unix-s':
      return ms / 1000
    case 'unix-ms':
      return ms
    case 'unix-us':
      return ms * 1000
  }
}
