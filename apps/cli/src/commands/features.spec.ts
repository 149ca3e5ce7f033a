import { expect, it } from 'vitest'
import { cascata, service } from '../test-shell.ts'

it('finds features, and shows one', async () => {
  const feature = {
    namespace: 'default', view: 'plans', name: 'hour', type: 'int', owner: 'ops', tags: [], description: '',
    definition: { topic: 'rows', field: 'hour', fn: null },
    similar: [{ feature: 'default/other:h', by: 'definition' }],
  } // prettier-ignore
  const store = await service(({ url }) =>
    url.includes('after=')
      ? [200, { features: [], next: null }]
      : url.startsWith('/v1/catalogue?')
        ? [200, { total: 1, features: [{ ...feature, uses: { models: 2, versions: 5 } }], next: 'default/plans:hour' }]
        : [
            200,
            {
              ...feature,
              uses: { models: [{ model: 'default/late', as: 'label' }], versions: ['default/late/7'], versionCount: 5 },
              freshness: { objectiveMs: null, lagMs: 5, lastRowAt: '2001-01-14T09:30:05.123Z' },
              values: { state: 'measured', rows: 7, nulls: 1, top: [] },
            },
          ],
  )
  const env = { FEATURE_STORE_URL: store.url }
  const listed = await cascata(['features', 'ho ur', '--view', 'plans', '--unused'], { env })
  expect(listed.out).toMatch(/plans:hour\s+int\s+ops\s+rows\s+2\s+5\s+1/)
  expect(store.asked[0]!.url).toMatch(/q=ho(\+|%20)ur&view=plans&unused=true/)
  expect(store.asked[1]!.url).toContain('after=default%2Fplans%3Ahour')
  const shown = await cascata(['features', 'show', 'plans:hour'], { env })
  expect(shown.out).toMatch(
    /late \(label\)[^]*5, the newest: default\/late\/7[^]*2001-01-14 09:30:05[^]*7 rows, 1 null[^]*other:h \(same definition\)/,
  )
  expect(store.asked[2]!.url).toBe('/v1/catalogue/default/plans/hour')
  expect((await cascata(['features', 'show', 'hour'], { env })).code).toBe(2)
  expect(JSON.parse((await cascata(['--json', 'features'], { env })).out)).toMatchObject([{ name: 'hour' }])
  await store.close()
})
