import { expect, it } from 'vitest'
import { cascata, service } from '../test-shell.ts'

const view = `apiVersion: cascata/v1
kind: FeatureView
metadata: {name: plans}
spec: {source: {topic: flight-plans}, entity: [flight], eventTime: {field: at}, fields: {flight: string, at: timestamp, km: double}}
`
const unchanged = { changed: false, errors: [], unnamed: [], documents: [] }

const planning = async (answer: readonly [number, unknown], ...more: string[]) => {
  const [registry, store] = [await service(() => [200, unchanged]), await service(() => answer)]
  const env = { REGISTRY_URL: registry.url, FEATURE_STORE_URL: store.url }
  const ran = await cascata(['plan', '-f', '-', ...more], { env, stdin: view })
  await Promise.all([registry.close(), store.close()])
  return { ...ran, asked: store.asked[0] }
}

const named = { namespace: 'default', name: 'plans' }
const near = { feature: 'default/airports:miles', by: 'values', keys: 400, equal: 0, agreement: 0, correlation: 1 }
const found = {
  alike: [
    {
      kind: 'FeatureView',
      ...named,
      feature: 'default/plans:km',
      similar: [{ feature: 'default/flights:km', by: 'definition' }, near],
    },
    { kind: 'Model', ...named, feature: 'default/plans:km', similar: [near] },
  ],
  values: { features: 3, looked: 1 },
}

it('tells features that are there under another name, and does not fail for it', async () => {
  const ran = await planning([200, found])
  expect(ran.code).toBe(0)
  expect(ran.asked).toMatchObject({ method: 'POST', url: '/v1/catalogue/similar' })
  expect(JSON.parse(ran.asked!.body)).toEqual({ resources: `${view}---\n` })
  expect(ran.out).toContain(
    'default/plans:km is like default/flights:km (same definition), default/airports:miles (values: agreement 0, correlation 1)',
  )
  expect(ran.out).toContain('default/plans:km is read beside default/airports:miles')
  expect(ran.out).toContain('the values of 2 of 3 features were not compared')
  expect(JSON.parse((await planning([200, found], '--json')).out)).toMatchObject({ similar: found })
})

it('says so when nobody can be asked, and plans all the same', async () => {
  const ran = await planning([403, { code: 'FORBIDDEN', message: 'the token may not', hint: '' }])
  expect(ran).toMatchObject({ code: 0, err: '' })
  expect(ran.out).toContain('similar features were not looked for: the token may not')
})
