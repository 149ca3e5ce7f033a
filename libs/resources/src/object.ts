import { didYouMean } from './suggest.ts'
import { isMapping, type Infer, type JsonSchema, type Path, type Report, type Shape, unexpected } from './shape.ts'

/** A member of an object: its shape, and what holds when it is not written. */
export type Member<T, P extends 'required' | 'defaulted' | 'optional' = 'required' | 'defaulted' | 'optional'> = {
  presence: P
  shape: Shape<T>
  fallback?: unknown
  doc: string
}

export const required = <T>(shape: Shape<T>, doc: string): Member<T, 'required'> => ({ presence: 'required', shape, doc })

/** A member with a default, given as a user would write it, or as a function of the mapping that it is missing from. */
export const defaulted = <T>(shape: Shape<T>, fallback: unknown, doc: string): Member<T, 'defaulted'> => ({
  presence: 'defaulted',
  shape,
  fallback,
  doc,
})

export const optional = <T>(shape: Shape<T>, doc: string): Member<T, 'optional'> => ({ presence: 'optional', shape, doc })

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Members = Record<string, Member<any>>
type Simplify<T> = { [K in keyof T]: T[K] } & {}
type OptionalKeys<M extends Members> = { [K in keyof M]: M[K]['presence'] extends 'optional' ? K : never }[keyof M]

/** The type of an object with these members. */
export type ObjectOf<M extends Members> = Simplify<
  { [K in Exclude<keyof M, OptionalKeys<M>>]: Infer<M[K]['shape']> } & { [K in OptionalKeys<M>]?: Infer<M[K]['shape']> }
>

const fallbackOf = (member: Member<unknown>, among: Record<string, unknown>): unknown =>
  typeof member.fallback === 'function'
    ? (member.fallback as (among: Record<string, unknown>) => unknown)(among)
    : member.fallback

function objectSchema(members: Members): JsonSchema {
  const properties = Object.entries(members).map(([name, member]) => {
    const fixed = member.presence === 'defaulted' && typeof member.fallback !== 'function' ? { default: member.fallback } : {}
    return [name, { ...member.shape.schema, description: member.doc, ...fixed }]
  })
  const needed = Object.keys(members).filter((name) => members[name]!.presence === 'required')
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(properties),
    ...(needed.length > 0 ? { required: needed } : {}),
  }
}

/** A mapping with known members; unknown ones are refused with the nearest known name. */
export function object<M extends Members>(expected: string, members: M): Shape<ObjectOf<M>> {
  const names = Object.keys(members)

  const readMember = (name: string, written: Record<string, unknown>, path: Path, report: Report): unknown => {
    const member = members[name]!
    if (Object.hasOwn(written, name)) return member.shape.read(written[name], [...path, name], report)
    if (member.presence === 'defaulted') return member.shape.read(fallbackOf(member, written), [...path, name], report)
    if (member.presence === 'required') {
      report({
        path: [...path, name],
        on: 'key',
        message: `is missing: ${member.doc}`,
        hint: `expected ${member.shape.expected}`,
      })
    }
    return undefined
  }

  return {
    expected,
    schema: objectSchema(members),
    read: (written, path, report) => {
      if (!isMapping(written)) return unexpected(expected, written, path, report)
      let sound = true
      const listen: Report = (issue) => {
        sound = false
        report(issue)
      }
      for (const name of Object.keys(written)) {
        if (!names.includes(name))
          listen({ path: [...path, name], on: 'key', message: 'is no field here', hint: didYouMean(name, names) })
      }
      const entries = names.map((name) => [name, readMember(name, written, path, listen)] as const)
      return sound ? (Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as ObjectOf<M>) : undefined
    },
    write: (value) => {
      const values = value as Record<string, unknown>
      return Object.fromEntries(
        names.filter((name) => values[name] !== undefined).map((name) => [name, members[name]!.shape.write(values[name])]),
      )
    },
  }
}

/** A mapping as `shape`, or one scalar that stands for it: `short` makes the mapping, `shorten` the scalar where it says the same. */
export function shorthand<T>(
  shape: Shape<T>,
  {
    expected,
    schema,
    short,
    shorten,
  }: {
    expected: string
    schema: JsonSchema
    short: (written: string) => unknown
    shorten: (written: Record<string, unknown>) => unknown
  },
): Shape<T> {
  return {
    expected,
    schema: { anyOf: [schema, shape.schema] },
    read: (written, path, report) => {
      if (typeof written === 'string') return shape.read(short(written), path, (issue) => report({ ...issue, path }))
      return isMapping(written) ? shape.read(written, path, report) : unexpected(expected, written, path, report)
    },
    write: (value) => shorten(shape.write(value) as Record<string, unknown>),
  }
}
