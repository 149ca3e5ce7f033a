import { type Decoded, isObject, refused, type RowObject } from './decoded.ts'

/**
 * The row of a Debezium change event, with or without its `{schema, payload}` envelope
 * (https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-events).
 *
 * Create, read (a snapshot) and update carry the row in `after`. A delete names its entity in `before`, or, when the database does not
 * log that, in the record's key. A truncate names no entity and is refused; a message of the log is nothing for a view.
 *
 * @param deletedByKey The deletion that the record's key stands for.
 */
export function unwrapChange(value: RowObject, deletedByKey: () => Decoded): Decoded {
  const change = changeOf(value)
  if (!change) return refused('ENVELOPE_INVALID', 'payload is not an object')
  const { op, before, after } = change
  switch (op) {
    case 'c':
    case 'r':
    case 'u':
      return isObject(after) ? { is: 'row', row: after } : refused('ENVELOPE_INVALID', 'after is not an object')
    case 'd':
      return isObject(before) ? { is: 'delete', entity: before, exact: false } : deletedByKey()
    case 'm':
      return { is: 'nothing' }
    case 't':
      return refused('ENVELOPE_INVALID', 'a truncate names no entity')
    default:
      return refused('ENVELOPE_INVALID', 'op is none of c, r, u, d, t, m')
  }
}

function changeOf(value: RowObject): RowObject | undefined {
  if (Object.hasOwn(value, 'op') || !Object.hasOwn(value, 'payload')) return value
  return isObject(value['payload']) ? value['payload'] : undefined
}
