import { describe, expect, it } from 'vitest'
import { InvalidRequest } from '../protocol/invalid-request.ts'
import { predictionTime, requestValue, validatePredict } from './validate-predict.ts'

const codeOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (error instanceof InvalidRequest) return error.code
    throw error
  }
  return 'accepted'
}

describe('a prediction by entity', () => {
  it('has one row for each element', () => {
    expect(
      validatePredict({ entities: { a: ['x', 1], b: [true, 'y'] }, request: { c: [null, {}] }, ids: ['1', '2'] }, 10),
    ).toMatchObject({ rows: 2 })
    expect(validatePredict({ request: { c: [1] } }, 10)).toMatchObject({ rows: 1, entities: {} })
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['entities as a list', { entities: [] }],
    ['a scalar as a list', { entities: { a: 'x' } }],
    ['an object as a key', { entities: { a: [{}] } }],
    ['a list as a key', { entities: { a: [['x']] } }],
    ['a long key', { entities: { a: ['x'.repeat(1_025)] } }],
    ['the prototype', JSON.parse('{"entities":{"__proto__":["x"]}}')],
    ['ids that are numbers', { entities: { a: ['x'] }, ids: [1] }],
    ['an empty id', { entities: { a: ['x'] }, ids: [''] }],
    ['more rows than allowed', { entities: { a: Array(11).fill('x') } }],
  ])('refuses %s', (_name, body) => {
    expect(codeOf(() => validatePredict(body, 10))).toBe('INF_INVALID_ENTITIES')
  })
})

it.each<[string, unknown, unknown]>([
  ['string', 'a', 'a'],
  ['int', 3, 3],
  ['int', 3.0, 3],
  ['int', 3.5, undefined],
  ['int', '3', undefined],
  ['int32', 2 ** 40, undefined],
  ['double', 0.5, 0.5],
  ['double', '0.5', undefined],
  ['double', Infinity, undefined],
  ['bool', true, true],
  ['bool', 1, undefined],
  ['timestamp', '2001-01-01T00:00:00Z', '2001-01-01T00:00:00Z'],
  ['timestamp', '2001-01-01T00:00:00', undefined],
  ['timestamp', 978_307_200_000, undefined],
  ['string', 1, undefined],
  ['int', null, null],
  ['int', undefined, null],
])('reads a request value of type %s from %s', (type, value, expected) => {
  if (expected === undefined) expect(codeOf(() => requestValue('x', type, value))).toBe('INF_REQUEST_VALUE_INVALID')
  else expect(requestValue('x', type, value)).toBe(expected)
})

describe('the time of a prediction', () => {
  const now = Date.parse('2001-01-01T00:00:00Z')
  it('is the clock’s, or the caller’s where the Model says so', () => {
    expect(predictionTime(undefined, 'wall', now)).toBe(now)
    expect(predictionTime('2000-01-01T00:00:00+01:00', 'caller', now)).toBe(Date.parse('1999-12-31T23:00:00Z'))
    expect(predictionTime('2001-01-01T00:05:00Z', 'caller', now)).toBe(now + 300_000)
  })
  it('is refused otherwise', () => {
    expect(codeOf(() => predictionTime('2000-01-01T00:00:00Z', 'wall', now))).toBe('INF_CLOCK_IS_WALL')
    for (const text of ['2001-01-01T00:05:01Z', '2001-01-01', 'now', '', '2001-13-01T00:00:00Z'])
      expect(codeOf(() => predictionTime(text, 'caller', now))).toBe('INF_CLOCK_INVALID')
  })
})
