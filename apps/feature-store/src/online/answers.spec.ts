import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aView } from '../feature-views/a-view.ts'
import { type Value } from '../feature-views/view.ts'
import { feastAnswer, ownAnswer } from './json-answers.ts'
import { JsonBytes } from './json-bytes.ts'
import { type FeatureAnswer, type Status } from './look-up.ts'
import { packedAnswer, statusCodes } from './messagepack.ts'
import { unpack } from './unpack-for-test.ts'

const at = Date.parse('2001-01-10T00:00:00Z')
const { fields } = aView({
  fields: {
    id: 'int',
    publishedAt: 'timestamp',
    count: 'int',
    small: 'int32',
    weight: 'double',
    share: 'float',
    name: 'string',
    good: 'bool',
    seen: 'timestamp',
    photo: 'bytes',
    vector: 'list<float>',
    tags: 'list<string>',
    sums: 'list<int>',
  },
  entity: ['id'],
})
const column = (name: string, values: Value[], statuses: Status[], eventTimes: (number | null)[]): FeatureAnswer => ({
  view: 'plans',
  revision: 3,
  field: fields.find((field) => field.name === name)!,
  values,
  statuses,
  eventTimes,
})
const statuses: Status[] = ['PRESENT', 'NOT_FOUND', 'OUTSIDE_MAX_AGE', 'PRESENT']
const times = [at, null, at + 1, at + 500]
const answers = [
  column('count', [9_223_372_036_854_775_807n, null, null, 12], statuses, times),
  column('weight', [1, null, null, 0.1], statuses, times),
  column('share', [0, null, null, Math.fround(0.1)], statuses, times),
  column('name', ['Zürich "Kloten" 𝄞', null, null, ''], statuses, times),
  column('good', [true, null, null, null], ['PRESENT', 'NOT_FOUND', 'OUTSIDE_MAX_AGE', 'NULL_VALUE'], times),
  column('seen', [at, null, null, at + 1_999], statuses, times),
]
const names = answers.map(({ field }) => `plans:${field.name}`)

describe('Feast’s answer', () => {
  const text = feastAnswer({ id: [1, 2, 9_007_199_254_740_993n, 4] }, answers, { fullNames: true, versions: null }).toString()
  it('is column by column, the join keys first with the epoch', () => {
    const { metadata, results } = JSON.parse(text) as {
      metadata: { feature_names: string[] }
      results: { values: unknown[]; statuses: string[]; event_timestamps: string[] }[]
    }
    expect(metadata.feature_names).toEqual(['id', ...names.map((name) => name.replace(':', '__'))])
    expect(results[0]!.statuses).toEqual(['PRESENT', 'PRESENT', 'PRESENT', 'PRESENT'])
    expect(new Set(results[0]!.event_timestamps)).toEqual(new Set(['1970-01-01T00:00:00Z']))
    expect(results[5]!.statuses).toEqual(['PRESENT', 'NOT_FOUND', 'OUTSIDE_MAX_AGE', 'NULL_VALUE'])
    expect(results[1]!.event_timestamps).toEqual([
      '2001-01-10T00:00:00Z',
      '1970-01-01T00:00:00Z',
      '2001-01-10T00:00:00.001Z',
      '2001-01-10T00:00:00.500Z',
    ])
    expect(results[4]!.values).toEqual(['Zürich "Kloten" 𝄞', null, null, ''])
  })
  it.each([
    ['join keys beyond 2^53 as they were sent', '[1,2,9007199254740993,4]'],
    ['integers with all digits', '[9223372036854775807,null,null,12]'],
    ['floats with their point', '[1.0,null,null,0.1]'],
    ['32-bit floats with no more digits than they have', '[0.0,null,null,0.1]'],
    ['times in whole seconds', `[${at / 1000},null,null,${at / 1000 + 1}]`],
  ])('has %s', (_name, expected) => expect(text).toContain(`"values":${expected}`))
  it('names the revisions of views for who asks', () =>
    expect(
      JSON.parse(feastAnswer({ id: [] }, [], { fullNames: false, versions: [{ name: 'plans', version: 3 }] }).toString()),
    ).toEqual({
      metadata: { feature_names: ['id'], feature_view_metadata: [{ name: 'plans', version: 3 }] },
      results: [{ values: [], statuses: [], event_timestamps: [] }],
    }))
})

it('answers in our own way row by row', () => {
  const {
    names: named,
    values,
    statuses: said,
    eventTimes,
  } = JSON.parse(ownAnswer(names, answers).toString()) as Record<string, unknown[]>
  expect(named).toEqual(names)
  expect(values![3]).toEqual([12, 0.1, 0.1, '', null, '2001-01-10T00:00:01.999Z'])
  expect(said).toHaveLength(4)
  expect(said![3]).toEqual(['PRESENT', 'PRESENT', 'PRESENT', 'PRESENT', 'NULL_VALUE', 'PRESENT'])
  expect(eventTimes![1]).toEqual([null, null, null, null, null, null])
  const none = answers.map((answer) => ({ ...answer, values: [], statuses: [], eventTimes: [] }))
  expect(JSON.parse(ownAnswer(names, none).toString())).toEqual({ names, values: [], statuses: [], eventTimes: [] })
})

it('writes any integer and any text as JSON does', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.maxSafeInteger(), fc.nat(2_000_000_000), fc.string({ unit: 'grapheme' })), { maxLength: 10 }),
      (values) => {
        const json = new JsonBytes(1)
        for (const value of values) {
          if (typeof value === 'number') json.int(value)
          else json.text(JSON.stringify(value))
          json.comma()
        }
        expect(json.done().toString()).toBe(values.map((value) => `${JSON.stringify(value)},`).join(''))
      },
    ),
  )
})

it('packs what a reader of MessagePack unpacks', () => {
  expect(unpack(packedAnswer(names, answers))).toEqual({
    names,
    values: answers.map(({ values }) => values),
    statuses: answers.map((answer) => Buffer.from(answer.statuses.map((status) => statusCodes.indexOf(status)))),
    eventTimes: { plans: times },
  })
})
it('answers bytes and lists, each in its own way', () => {
  const photo = Buffer.from([0, 1, 255])
  const many = [
    column('photo', [photo, null, null, Buffer.alloc(0)], statuses, times),
    column('vector', [[1, 0.5], null, null, []], statuses, times),
    column('tags', [['a', 'b"c'], null, null, []], statuses, times),
    column('sums', [[1, 9_223_372_036_854_775_807n], null, null, []], statuses, times),
  ]
  const own = ownAnswer(['a', 'b', 'c', 'd'], many).toString()
  expect(own).toContain('"values":[["AAH/",[1.0,0.5],["a","b\\"c"],[1,9223372036854775807]],[null,null,null,null],')
  expect(own).toContain('["",[],[],[]]]')
  const feast = feastAnswer({ id: [1, 2, 3, 4] }, many, { fullNames: false, versions: null }).toString()
  expect(feast).toContain('"values":["AAH/",null,null,""]')
  expect(feast).toContain('"values":[[1.0,0.5],null,null,null]')
  expect(feast).toContain('"values":[[1,9223372036854775807],null,null,null]')
  expect((unpack(packedAnswer(['a', 'b', 'c', 'd'], many)) as { values: unknown }).values).toEqual(
    many.map(({ values }) => values),
  )
})
it('packs any integer, double, text and length', () => {
  const check = (ints: (number | bigint)[], texts: string[]) => {
    const column = (name: string, values: Value[]) => ({
      ...answers[0]!,
      field: fields.find((each) => each.name === name)!,
      values,
    })
    const packed = packedAnswer(
      ['a', 'b', 'c'],
      [column('count', ints), column('name', texts), column('weight', ints.map(Number))],
    )
    const { values } = unpack(packed) as { values: unknown[][] }
    expect(values[0]!.map(String)).toEqual(ints.map(String))
    expect(values[1]).toEqual(texts)
    expect(values[2]).toEqual(ints.map(Number))
  }
  const int = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.nat(70_000), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
  fc.assert(fc.property(fc.array(int, { maxLength: 40 }), fc.array(fc.string({ maxLength: 300 }), { maxLength: 5 }), check))
  const many = Array.from({ length: 70_000 }, (_, index) => index)
  check(many, ['x'.repeat(70_000), ...many.slice(0, 20).map(String)])
})
