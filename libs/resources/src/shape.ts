import { didYouMean } from './suggest.ts'

/** Where a value stands in its document: keys and list positions from the root. */
export type Path = readonly (string | number)[]

/** Something wrong with a document. `on: 'key'` blames the name, `'value'` what stands there. */
export interface Issue {
  path: Path
  on: 'key' | 'value'
  message: string
  hint?: string | undefined
}

export type Report = (issue: Issue) => void

export type JsonSchema = Readonly<Record<string, unknown>>

/**
 * One kind of value: how it is written in YAML, what it becomes, and how editors know it.
 *
 * `read` returns undefined after it has reported at least one issue, else the typed value.
 * `write` is its inverse: `read(write(x))` equals `x`.
 */
export interface Shape<T> {
  readonly expected: string
  readonly schema: JsonSchema
  read(written: unknown, path: Path, report: Report): T | undefined
  write(value: T): unknown
}

export type Infer<S> = S extends Shape<infer T> ? T : never

/** How a value looks in a message: short, on one line. */
export function show(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** Reports that `written` is not what `expected` says. Returns undefined, so that a `read` can end with it. */
export function unexpected(expected: string, written: unknown, path: Path, report: Report, hint?: string): undefined {
  report({ path, on: 'value', message: `expected ${expected}, got ${show(written)}`, hint })
  return undefined
}

/** A value made from one scalar: `parse` returns undefined for what it does not understand. */
export function scalar<T>(of: {
  expected: string
  schema: JsonSchema
  parse: (written: unknown) => T | undefined
  write?: (value: T) => unknown
  hint?: (written: unknown) => string | undefined
}): Shape<T> {
  return {
    expected: of.expected,
    schema: of.schema,
    read: (written, path, report) => of.parse(written) ?? unexpected(of.expected, written, path, report, of.hint?.(written)),
    write: of.write ?? ((value) => value),
  }
}

/** One of a few words. */
export function oneOf<const W extends readonly string[]>(...words: W): Shape<W[number]> {
  return scalar<W[number]>({
    expected: words.length === 1 ? words[0]! : `one of ${words.join(', ')}`,
    schema: { enum: words },
    parse: (written) => (words.includes(written as string) ? (written as W[number]) : undefined),
    hint: (written) => (typeof written === 'string' ? didYouMean(written, words) : undefined),
  })
}

/** `none`, which becomes null, or what `shape` says. */
export function orNone<T>(shape: Shape<T>): Shape<T | null> {
  const expected = `${shape.expected}, or none`
  return {
    expected,
    schema: { anyOf: [shape.schema, { const: 'none' }] },
    read: (written, path, report) =>
      written === 'none'
        ? null
        : shape.read(written, path, (issue) => report({ ...issue, message: issue.message.replace(shape.expected, expected) })),
    write: (value) => (value === null ? 'none' : shape.write(value)),
  }
}

/** A shape whose value is turned into another, and back for writing. */
export function mapped<A, B>(shape: Shape<A>, to: (value: A) => B, from: (value: B) => A): Shape<B> {
  return {
    expected: shape.expected,
    schema: shape.schema,
    read: (written, path, report) => {
      const value = shape.read(written, path, report)
      return value === undefined ? undefined : to(value)
    },
    write: (value) => shape.write(from(value)),
  }
}

/** The first alternative whose `when` accepts what is written; `owns` finds it again for a value. */
export function either<T>(
  expected: string,
  alternatives: readonly { when: (written: unknown) => boolean; owns: (value: T) => boolean; shape: Shape<any> }[], // eslint-disable-line @typescript-eslint/no-explicit-any
  hint?: (written: unknown) => string | undefined,
): Shape<T> {
  return {
    expected,
    schema: { anyOf: alternatives.map(({ shape }) => shape.schema) },
    read: (written, path, report) => {
      const chosen = alternatives.find(({ when }) => when(written))
      return chosen
        ? (chosen.shape.read(written, path, report) as T | undefined)
        : unexpected(expected, written, path, report, hint?.(written))
    },
    write: (value) => alternatives.find(({ owns }) => owns(value))?.shape.write(value),
  }
}

/** A list; `unique` refuses an element that stands there twice. */
export function list<T>(element: Shape<T>, { min = 0, max = 1000, unique = false } = {}): Shape<T[]> {
  const expected = `a list of ${min > 0 ? `at least ${min}: ` : ''}${element.expected}`
  return {
    expected,
    schema: { type: 'array', items: element.schema, minItems: min, maxItems: max, ...(unique ? { uniqueItems: true } : {}) },
    read: (written, path, report) => {
      if (!Array.isArray(written))
        return unexpected(
          expected,
          written,
          path,
          report,
          typeof written === 'string' ? `a list is written [${written}]` : undefined,
        )
      if (written.length < min || written.length > max) {
        report({ path, on: 'value', message: `expected ${min} to ${max} elements, got ${written.length}` })
        return undefined
      }
      const values = written.map((each, index) => element.read(each, [...path, index], report))
      const seen = new Set<unknown>()
      for (const [index, each] of written.entries()) {
        if (unique && seen.has(each))
          report({ path: [...path, index], on: 'value', message: `${show(each)} stands in the list twice` })
        seen.add(each)
      }
      return values.includes(undefined) ? undefined : (values as T[])
    },
    write: (values) => values.map((value) => element.write(value)),
  }
}

/** Whether a written value is a mapping. */
export const isMapping = (written: unknown): written is Record<string, unknown> =>
  typeof written === 'object' && written !== null && !Array.isArray(written)

/** A mapping whose keys the user chooses; `key` says which are legal. */
export function record<T>(
  element: Shape<T>,
  {
    key,
    keySchema = {},
    min = 0,
    max = 1000,
  }: { key: (name: string, path: Path, report: Report) => boolean; keySchema?: JsonSchema; min?: number; max?: number },
): Shape<Record<string, T>> {
  const expected = `a mapping of names to ${element.expected}`
  return {
    expected,
    schema: {
      type: 'object',
      propertyNames: keySchema,
      additionalProperties: element.schema,
      minProperties: min,
      maxProperties: max,
    },
    read: (written, path, report) => {
      if (!isMapping(written)) return unexpected(expected, written, path, report)
      const entries = Object.entries(written)
      if (entries.length < min || entries.length > max) {
        report({ path, on: 'value', message: `expected ${min} to ${max} entries, got ${entries.length}` })
        return undefined
      }
      const read = entries.map(([name, each]) => {
        const place = [...path, name]
        const legal = key(name, place, report)
        const value = element.read(each, place, report)
        return legal && value !== undefined ? ([name, value] as const) : undefined
      })
      return read.includes(undefined) ? undefined : Object.fromEntries(read as [string, T][])
    },
    write: (values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, element.write(value)])),
  }
}
