import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { catalogue } from './catalogue.ts'
import { incompatibilities } from './compatibility.ts'
import { compile, type JsonSchema } from './json-schema.ts'

const schema = (shape: z.ZodType): JsonSchema => compile(shape).schema()
const between = (before: z.ZodType, after: z.ZodType): string[] => incompatibilities(schema(before), schema(after))

const base = z.object({
  version: z.string(),
  rows: z.int().min(0).max(10),
  state: z.enum(['built', 'failed']),
  at: z.string().regex(/^a/),
  note: z.string().max(10).optional(),
  parts: z.array(z.object({ from: z.int() })),
  byName: z.record(z.string(), z.number()),
  either: z.union([z.object({ one: z.string() }), z.null()]),
})

describe('additive changes pass', () => {
  it.each<[string, z.ZodType]>([
    ['nothing', base],
    ['an optional field', base.extend({ more: z.string().optional() })],
    ['an optional field deep inside', base.extend({ parts: z.array(z.object({ from: z.int(), to: z.int().optional() })) })],
    ['a further value', base.extend({ state: z.enum(['built', 'failed', 'building']) })],
    ['wider bounds', base.extend({ rows: z.int().min(-1).max(11) })],
    ['a bound that goes', base.extend({ note: z.string().optional() })],
    ['a pattern that goes', base.extend({ at: z.string() })],
    ['words', base.describe('more words')],
  ])('%s', (_, after) => expect(between(base, after)).toEqual([]))
})

describe('everything else is a new version', () => {
  it.each<[string, z.ZodType, RegExp]>([
    ['a removed field', base.omit({ version: true }), /^\/version: was removed/],
    ['a removed optional field', base.omit({ note: true }), /^\/note: was removed/],
    ['a required field', base.extend({ more: z.string() }), /^\/more: became required/],
    ['an optional field that becomes required', base.extend({ note: z.string().max(10) }), /^\/note: became required/],
    [
      'a required field that becomes optional',
      base.extend({ version: z.string().optional() }),
      /^\/version: is no longer promised/,
    ],
    ['another type', base.extend({ version: z.number() }), /^\/version: type string became number/],
    ['a narrower type', base.extend({ byName: z.record(z.string(), z.int()) }), /^\/byName\/\{\}: type number became integer/],
    ['a type that widens', base.extend({ version: z.string().nullable() }), /^\/version: type string became null\|string/],
    ['a value less', base.extend({ state: z.enum(['built']) }), /^\/state: value "failed" was removed/],
    ['values where there were none', base.extend({ version: z.enum(['1']) }), /^\/version: only certain values/],
    ['any value where there were some', base.extend({ state: z.string() }), /^\/state: any value/],
    ['a higher minimum', base.extend({ rows: z.int().min(1).max(10) }), /^\/rows: minimum 0 became 1/],
    ['a lower maximum', base.extend({ rows: z.int().min(0).max(9) }), /^\/rows: maximum 10 became 9/],
    ['a bound that appears', base.extend({ version: z.string().max(5) }), /^\/version: maxLength none became 5/],
    ['another pattern', base.extend({ at: z.string().regex(/^b/) }), /^\/at: pattern/],
    ['a format', base.extend({ version: z.iso.datetime() }), /^\/version: format/],
    ['a removed field in an array', base.extend({ parts: z.array(z.object({})) }), /^\/parts\/\*\/from: was removed/],
    [
      'a change in one branch',
      base.extend({ either: z.union([z.object({ one: z.number() }), z.null()]) }),
      /anyOf 0\)\/one: type/,
    ],
    ['a branch less', base.extend({ either: z.object({ one: z.string() }) }), /^\/either:/],
  ])('%s', (_, after, expected) => expect(between(base, after).join('\n')).toMatch(new RegExp(expected.source, 'm')))

  it('notices when any field of any event goes away', () => {
    for (const event of catalogue) {
      const properties = event.schema['properties'] as Record<string, JsonSchema>
      for (const name of Object.keys(properties)) {
        const { [name]: _gone, ...rest } = properties
        expect(incompatibilities(event.schema, { ...event.schema, properties: rest })).not.toEqual([])
      }
    }
  })
})
