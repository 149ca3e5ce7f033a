import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parse as parseYaml, stringify } from 'yaml'
import { everything, flights, outcomes, routes } from './examples.ts'
import { type Model } from './model.ts'
import { parseResources } from './parse-resources.ts'
import { viewsByName } from './references.ts'
import { ResourceErrors } from './resource-errors.ts'
import { validateModel } from './validate-model.ts'
import { toYaml } from './write-yaml.ts'

const parse = (text: string) => parseResources(text, { file: 'x.yaml' })
const views = viewsByName([flights, outcomes, routes].flatMap(parse))

type Tree = Record<string, any>

const pathsIn = (value: unknown, path: string[] = []): string[][] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, each]) => [[...path, name], ...pathsIn(each, [...path, name])])
    : []

const withValue = (document: Tree, path: readonly string[], value: unknown): Tree => {
  const copy = structuredClone(document)
  const parent = path.slice(0, -1).reduce<Tree>((at, step) => at[step], copy)
  parent[path.at(-1)!] = value
  return copy
}

const strange = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    0,
    -1,
    1e308,
    'none',
    'auto',
    '',
    '10%',
    '36h',
    '>= 1',
    '2 of 3',
    'flights:carrier',
    'flights:*',
    'a:b:c',
    [],
    {},
    [[]],
    { secret: 'x' },
    { command: [''] },
    ['flight', 'flight'],
  ),
  fc.string({ maxLength: 20 }),
  fc.double(),
  fc.jsonValue({ maxDepth: 2 }),
)

it.each([flights, everything])('answers every value at every place with a resource or with places', (text) => {
  const document = parseYaml(text) as Tree
  fc.assert(
    fc.property(fc.constantFrom(...pathsIn(document)), strange, (path, value) => {
      try {
        const [resource] = parse(stringify(withValue(document, path, value)))
        expect(parse(toYaml(resource!))).toEqual([resource])
        expect(parse(toYaml(resource!, { defaults: false }))).toEqual([resource])
        if (resource!.kind === 'Model') expect(Array.isArray(validateModel(resource as Model, views))).toBe(true)
      } catch (error) {
        if (!(error instanceof ResourceErrors)) throw error
        expect(error.errors.length).toBeGreaterThan(0)
        for (const { line, column, message } of error.errors)
          expect([line > 0, column > 0, message.length > 3 && message.length < 1500]).toEqual([true, true, true])
      }
    }),
    { numRuns: 150 },
  )
})
