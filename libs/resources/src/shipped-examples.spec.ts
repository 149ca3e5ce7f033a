import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Model } from './model.ts'
import { parseResources } from './parse-resources.ts'
import { inputsOf, viewsByName } from './references.ts'
import { validateModel } from './validate-model.ts'

const folder = join(import.meta.dirname, '../../../examples')
const files = globSync('**/*.yaml', { cwd: folder }).toSorted()
const resources = files.flatMap((file) => parseResources(readFileSync(join(folder, file), 'utf8'), { file }))
const views = viewsByName(resources)

describe('what lies in examples/', () => {
  it.each(resources.filter(({ kind }) => kind === 'Model').map((model) => [model.metadata.name, model as Model]))(
    'has a model %s that its views can feed',
    (_name, model) => expect(validateModel(model, views)).toEqual([]),
  )

  it('has a model with windowed aggregates', () => {
    const model = resources.find(({ metadata }) => metadata.name === 'flight-delay-windows') as Model
    expect(inputsOf(model, views).map(({ name, type }) => `${name}: ${type}`)).toEqual([
      'plans__origin: string',
      'plans__destination: string',
      'plans__distanceMiles: double',
      'plans__hour: int',
      'airport-delays__delay_3h: double',
      'airport-delays__delay_7d: double',
      'airport-delays__landings_3h: int',
      'airport-delays__landings_7d: int',
      'airport-delays__spread_7d: double',
      'airport-delays__worst_24h: double',
    ])
  })
})
