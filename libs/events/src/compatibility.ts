import { type JsonSchema } from './json-schema.ts'

type Check = (before: JsonSchema, after: JsonSchema, path: string) => string[]

const object = (value: unknown): JsonSchema => (typeof value === 'object' && value !== null ? (value as JsonSchema) : {})
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const same = (left: unknown, right: unknown): boolean => JSON.stringify(left) === JSON.stringify(right)

const types: Check = (before, after, path) => {
  const was = [before['type'] ?? []].flat().map(String).sort()
  const is = [after['type'] ?? []].flat().map(String).sort()
  return same(was, is) ? [] : [`${path}: type ${was.join('|') || 'any'} became ${is.join('|') || 'any'}`]
}

const properties: Check = (before, after, path) => {
  const was = object(before['properties'])
  const is = object(after['properties'])
  return Object.keys(was).flatMap((name) =>
    Object.hasOwn(is, name)
      ? incompatibilities(object(was[name]), object(is[name]), `${path}/${name}`)
      : [`${path}/${name}: was removed`],
  )
}

const required: Check = (before, after, path) => {
  const was = list(before['required'])
  const is = list(after['required'])
  return [
    ...is.filter((name) => !was.includes(name)).map((name) => `${path}/${String(name)}: became required`),
    ...was.filter((name) => !is.includes(name)).map((name) => `${path}/${String(name)}: is no longer promised`),
  ]
}

const values: Check = (before, after, path) => {
  const was = 'const' in before ? [before['const']] : before['enum']
  const is = 'const' in after ? [after['const']] : after['enum']
  if (is === undefined) return was === undefined ? [] : [`${path}: any value became possible`]
  if (was === undefined) return [`${path}: only certain values are possible now`]
  const gone = list(was).filter((value) => !list(is).includes(value))
  return gone.map((value) => `${path}: value ${JSON.stringify(value)} was removed`)
}

/** Bounds may move outwards only; a bound that appears narrows as well. */
const bounds: Check = (before, after, path) => {
  const narrowed = (keyword: string, narrower: (was: number, is: number) => boolean): string[] => {
    const [was, is] = [before[keyword], after[keyword]]
    if (is === undefined || same(was, is)) return []
    return was === undefined || narrower(Number(was), Number(is))
      ? [`${path}: ${keyword} ${String(was ?? 'none')} became ${String(is)}`]
      : []
  }
  const lower = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties']
  const upper = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties']
  return [
    ...lower.flatMap((name) => narrowed(name, (was, is) => is > was)),
    ...upper.flatMap((name) => narrowed(name, (was, is) => is < was)),
  ]
}

/** Keywords that have no order: any change counts, except that a rule may go. */
const rules: Check = (before, after, path) =>
  ['format', 'pattern', 'multipleOf', 'uniqueItems', 'propertyNames'].flatMap((keyword) =>
    after[keyword] === undefined || same(before[keyword], after[keyword])
      ? []
      : [`${path}: ${keyword} ${JSON.stringify(before[keyword] ?? 'none')} became ${JSON.stringify(after[keyword])}`],
  )

const alternatives: Check = (before, after, path) =>
  ['anyOf', 'oneOf', 'allOf'].flatMap((keyword) => {
    const [was, is] = [list(before[keyword]), list(after[keyword])]
    if (was.length !== is.length) return [`${path}: ${keyword} has ${is.length} branches, had ${was.length}`]
    return was.flatMap((branch, index) => incompatibilities(object(branch), object(is[index]), `${path}(${keyword} ${index})`))
  })

const inner = (before: JsonSchema, after: JsonSchema, keyword: string, path: string): string[] => {
  const [was, is] = [before[keyword], after[keyword]]
  if (same(was, is)) return []
  if (is === false) return [`${path}: is no longer allowed`]
  if (Array.isArray(was) || Array.isArray(is)) return [`${path}: changed`]
  return incompatibilities(object(was), object(is), path)
}

const contents: Check = (before, after, path) => [
  ...inner(before, after, 'items', `${path}/*`),
  ...inner(before, after, 'additionalProperties', `${path}/{}`),
]

const checks: readonly Check[] = [types, properties, required, values, bounds, rules, alternatives, contents]

/**
 * Why a changed payload is no longer the same version of an event; empty when the change is additive.
 *
 * Additive is: an optional property more, a value more in an enumeration, a bound or a rule relaxed, other words.
 * Everything else breaks somebody: old events in the log (narrower) or readers (removed, no longer promised, of another type).
 */
export const incompatibilities = (before: JsonSchema, after: JsonSchema, path = ''): string[] =>
  checks.flatMap((check) => check(before, after, path))
