import { type JsonSchema, type Path, type Report, scalar, type Shape } from './shape.ts'

const resourceName = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const fieldName = /^[A-Za-z](?!.*__)[A-Za-z0-9_]{0,62}$/
const topicName = /^[A-Za-z0-9._-]{1,249}$/

/** Names that every JavaScript object has, so that no map of ours is ever indexed by one. */
const inherited = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype'])

/** Columns that every dataset has of its own. */
export const reservedColumns: readonly string[] = ['at', 'label']

export const isResourceName = (name: string): boolean => resourceName.test(name)

export const isFieldName = (name: string): boolean => fieldName.test(name) && !inherited.has(name)

const spelled = (written: unknown, legal: RegExp, fix: (name: string) => string): string | undefined => {
  if (typeof written === 'number' || typeof written === 'boolean') return `quote it: "${written}"`
  if (typeof written !== 'string') return undefined
  const fixed = fix(written)
  return fixed !== written && legal.test(fixed) ? `did you mean ${fixed}?` : undefined
}

const dashed = (name: string) =>
  name
    .slice(0, 64)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
const underscored = (name: string) =>
  name
    .slice(0, 64)
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .replaceAll(/^[0-9_]+|_+$/g, '')

/** The name of a resource or a namespace: a DNS label, so that it fits URLs, topics, metrics and file names. */
export const nameOfResource = (): Shape<string> =>
  scalar({
    expected: 'a name of lower-case letters, digits and dashes, at most 63 long',
    schema: { type: 'string', pattern: resourceName.source },
    parse: (written) => (typeof written === 'string' && isResourceName(written) ? written : undefined),
    hint: (written) => spelled(written, resourceName, dashed),
  })

const fieldExpected = 'a field name: a letter, then letters, digits and single underscores, at most 63 long'

/** The name of a field of a row. Dots and double underscores are ours: columns are `view__field`. */
export const nameOfField = (): Shape<string> =>
  scalar({
    expected: fieldExpected,
    schema: { type: 'string', pattern: fieldName.source },
    parse: (written) => (typeof written === 'string' && isFieldName(written) ? written : undefined),
    hint: (written) => spelled(written, fieldName, underscored),
  })

/** For mappings whose keys are field names. */
export const fieldKey = {
  key: (name: string, path: Path, report: Report): boolean => {
    if (isFieldName(name)) return true
    report({ path, on: 'key', message: `expected ${fieldExpected}`, hint: spelled(name, fieldName, underscored) })
    return false
  },
  keySchema: { pattern: fieldName.source } satisfies JsonSchema,
}

/** The name of a topic of data rows. Cascata's own topics feed no view: a model fed by predictions would feed itself. */
export const nameOfTopic = (): Shape<string> =>
  scalar({
    expected: 'the name of a topic: letters, digits, dots, dashes and underscores, not starting with cascata.',
    schema: { type: 'string', pattern: topicName.source },
    parse: (written) =>
      typeof written === 'string' &&
      topicName.test(written) &&
      written !== '.' &&
      written !== '..' &&
      !/^(cascata\.|__)/.test(written)
        ? written
        : undefined,
    hint: (written) =>
      typeof written === 'string' && written.startsWith('cascata.')
        ? 'a model that is fed by predictions would feed itself: publish what you need to a topic of your own'
        : undefined,
  })

/** A feature's name: `view:field`, or `view:*` where `wildcard`. */
export const reference = ({ wildcard = false }: { wildcard?: boolean } = {}): Shape<string> =>
  scalar({
    expected: wildcard ? 'a feature written view:field or view:*' : 'a feature written view:field',
    schema: {
      type: 'string',
      pattern: wildcard ? '^[a-z0-9-]+:([A-Za-z][A-Za-z0-9_]*|\\*)$' : '^[a-z0-9-]+:[A-Za-z][A-Za-z0-9_]*$',
    },
    parse: (written) => {
      const [view, field, ...rest] = typeof written === 'string' ? written.split(':') : []
      const legal =
        view !== undefined &&
        field !== undefined &&
        rest.length === 0 &&
        isResourceName(view) &&
        (isFieldName(field) || (wildcard && field === '*'))
      return legal ? `${view}:${field}` : undefined
    },
    hint: (written) => {
      if (typeof written !== 'string') return undefined
      const parts = written.split(/[.:/]|__/)
      return parts.length === 2 && isResourceName(parts[0]!) && isFieldName(parts[1]!)
        ? `did you mean ${parts[0]}:${parts[1]}?`
        : undefined
    },
  })
