import { Ajv } from 'ajv'
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { everything, flights, lean, outcomes, routes } from './examples.ts'
import { generate, resourceSchemas } from './json-schema.ts'
import { parseResources } from './parse-resources.ts'
import { bytes, duration, share, writeDuration } from './scalars.ts'
import { toYaml } from './write-yaml.ts'

const parse = (text: string) => parseResources(text, { file: 'x.yaml' })
const own = everything
  .replace('trainer: gbdt', 'trainer: {command: [python3, "a b"]}')
  .replace('code: none', 'code: "1234567"')
  .replace('env: {}', 'env: {A: "1", B: {secret: b}}')
  .replace('newLabels: 15%', 'newLabels: 5000')
  .replace('champion: {margin: 0.002, confidence: 95%, minRows: 1000}', 'champion: none')
  .replace('bake: auto', 'bake: none')
  .replace(', at: departsAt, lead: 2h', '')

it.each([flights, outcomes, routes, lean, everything, own])('writes what reads back to the same', (text) => {
  const resources = parse(text)
  expect(parse(toYaml(resources))).toEqual(resources)
  expect(parse(toYaml(resources, { defaults: false }))).toEqual(resources)
})

it('leaves defaults out when asked to', () => {
  expect(parseYaml(toYaml(parse(everything), { defaults: false }))).toEqual({
    apiVersion: 'cascata/v1',
    kind: 'Model',
    metadata: { name: 'flight-delay' },
    spec: {
      task: 'binary',
      observations: { view: 'flights', at: 'departsAt', lead: '2h' },
      label: { field: 'outcomes:delayed', within: '36h' },
      features: ['flights:carrier', 'flights:distanceKm', 'route-delays:*'],
      request: { gateChanges: { type: 'int', history: 'flights:gateChanges' } },
      gates: { require: { auc: '>= 0.6' } },
      rollout: { unit: ['flight'] },
    },
  })
  expect(toYaml(parse(routes), { defaults: false })).toContain('delayMin:\n      type: double\n      nullable: true\n')
})

const reads = <T>(shape: { read: (written: unknown, path: [], report: () => void) => T | undefined }, written: unknown) =>
  shape.read(written, [], () => undefined)

it('keeps durations, shares and sizes through writing and reading', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 36_525 * 86_400_000 }),
      (ms) => void expect(reads(duration(), writeDuration(ms))).toBe(ms),
    ),
  )
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1_000_000 }),
      (ppm) => void expect(reads(share(), share().write(ppm / 1e6))).toBe(ppm / 1e6),
    ),
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 42 }), (size) => {
      const bytesOnly = bytes()
      expect(reads(bytesOnly, bytesOnly.write(size))).toBe(size)
    }),
  )
})

it('refuses every other duration', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), (text) => {
      const ms = reads(duration(), text)
      expect(ms === undefined || /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text)).toBe(true)
    }),
  )
})

const schemaOf = { FeatureView: 'feature-view.json', Model: 'model.json' } as const

it.each([flights, outcomes, routes, lean, everything, own])('has a JSON Schema that takes what is read', (text) => {
  const document = parseYaml(text)
  const ajv = new Ajv({ strict: false })
  for (const name of [schemaOf[document.kind as keyof typeof schemaOf], 'resource.json'] as const) {
    const validate = ajv.compile(resourceSchemas[name])
    expect([validate(document), validate.errors]).toEqual([true, null])
    expect(validate({ ...document, spec: { ...document.spec, entitiy: [] } })).toBe(false)
    expect(validate(parseYaml(toYaml(parse(text))))).toBe(true)
  }
})

it.each(generate())('has committed $path', ({ path, content }) => {
  expect(readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'), 'run `npm run generate`').toBe(content)
})
