import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readYaml, yamlLimits } from './read-yaml.ts'

const problem = (text: string): string => {
  const result = readYaml(text)
  if (result.is === 'read') return 'read'
  const [first] = result.problems
  return `${first!.line}:${first!.column} ${first!.message}`
}

/** Each level names the one below ten times. */
const laughs = (levels: number): string =>
  [
    'a0: &a0 [x, x, x, x, x, x, x, x, x, x]',
    ...Array.from({ length: levels }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(10)}]`),
  ].join('\n')

describe('limits', () => {
  it.each([
    ['10 MB of text', `a: ${'x'.repeat(10_000_000)}`, /^1:1 the file has 10000003 bytes, more than 1048576/],
    ['a million brackets', '['.repeat(1_000_000), /^1:33 nested deeper than 32 levels/],
    ['a million braces', '{a: '.repeat(200_000), /nested deeper than 32 levels/],
    ['half a million dashes', '- '.repeat(500_000), /nested deeper than 32 levels/],
    ['a staircase', Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'), /nested deeper than 32 levels/],
    ['a billion laughs', laughs(9), /more than 100000 values, with aliases expanded/],
    ['many commas', `[${'1,'.repeat(500_000)}]`, /more than 400000 tokens/],
    ['many documents', '---\na: 1\n'.repeat(600), /more than 500 documents/],
    ['an anchor inside itself', 'a: &a [*a]', /contains itself|no anchor/],
    ['an anchor that is not there', 'a: *b', /b/],
  ])('refuses %s, quickly', (_, text, expected) => {
    const began = performance.now()
    expect(problem(text)).toMatch(expected)
    expect(performance.now() - began).toBeLessThan(3000)
  })

  it('takes anchors and documents within the limits', () => {
    const result = readYaml('a: &x {b: 1}\nc: *x\n---\nd: 2\n')
    expect(result.is === 'read' && result.documents.map(({ value }) => value)).toEqual([{ a: { b: 1 }, c: { b: 1 } }, { d: 2 }])
    expect(readYaml(`a: ${'x'.repeat(yamlLimits.bytes - 10)}`).is).toBe('read')
  })
})

describe('what is no plain data', () => {
  it.each([
    ['a: 1\na: 2', /2:1 Map keys must be unique/],
    ['__proto__: {polluted: true}', /1:1 __proto__ may not be a key/],
    ['a: {constructor: 1}', /constructor may not be a key/],
    ['a: !!js/function "x"', /Unresolved tag/],
    ['a: !secret x', /Unresolved tag/],
    ['? [a, b]\n: 1', /expected a name as the key/],
    ['a: [1, 2', /./],
    ['a: "x', /./],
    ['\ta: 1', /./],
    ['%YAML 9.9\n---\na: 1', /./],
  ])('refuses %j', (text, expected) => {
    expect(problem(text)).toMatch(expected)
    expect(problem(text)).not.toBe('read')
    expect(({} as any).polluted).toBeUndefined()
  })

  it('keeps yes, no and on as words', () => {
    const result = readYaml('a: [yes, no, on, 012, 1_000, 2001-01-01]')
    expect(result.is === 'read' && result.documents[0]!.value).toEqual({ a: ['yes', 'no', 'on', 12, '1_000', '2001-01-01'] })
  })
})

describe('places', () => {
  it('finds values, keys, list elements, and the parent of what is missing', () => {
    const result = readYaml('a:\n  b: [1, {c: 2}]\n  d: &x {e: 3}\nf: *x\n')
    if (result.is !== 'read') throw new Error('not read')
    const at = (path: (string | number)[], on: 'key' | 'value') => Object.values(result.documents[0]!.place(path, on)).join(':')
    expect(at(['a', 'b'], 'key')).toBe('2:3')
    expect(at(['a', 'b', 1, 'c'], 'value')).toBe('2:14')
    expect(at(['a', 'missing'], 'key')).toBe('1:1')
    expect(at(['f', 'e'], 'value')).toBe('3:13')
    expect(at([], 'value')).toBe('1:1')
  })
})

it('answers every text, and never throws', () => {
  const alphabet = fc.constantFrom(
    ...'abc: -[]{}#&*!|>\'"%@`,\n\t?=~0\\'.split(''),
    '---\n',
    '&a ',
    '*a',
    '<<: ',
    '__proto__: ',
    '\u0000',
    '\uFEFF',
  )
  fc.assert(
    fc.property(fc.string({ unit: alphabet, maxLength: 80 }), (text) => {
      expect(['read', 'refused']).toContain(readYaml(text).is)
    }),
    { numRuns: 2000 },
  )
})
