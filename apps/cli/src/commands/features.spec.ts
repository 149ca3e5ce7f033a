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
              values: {
                state: 'measured', rows: 7, nulls: 1, top: [],
                drift: {
                  days: [
                    { day: '2001-01-11', rows: 3, distance: 0.01, noise: 0.1 },
                    { day: '2001-01-13', rows: 3, distance: 0.4, noise: 0.1 },
                    { day: '2001-01-14', rows: 1, distance: null, noise: null },
                  ],
                },
              },
              lineage: {
                nodes: ['topic rows', 'view plans', 'feature hour'].map((label) => ({ id: label, kind: label, label })),
                edges: [{ from: 'topic rows', to: 'view plans' }, { from: 'view plans', to: 'feature hour' }],
              },
            }, // prettier-ignore
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
  expect(shown.out).toContain('▁·█· 2001-01-11 – 2001-01-14, most 0.4 on 2001-01-13 (by chance 0.1)')
  expect(shown.out).toContain('topic rows\n  view plans\n    feature hour')
  expect(store.asked[2]!.url).toBe('/v1/catalogue/default/plans/hour')
  expect((await cascata(['features', 'show', 'hour'], { env })).code).toBe(2)
  expect(JSON.parse((await cascata(['--json', 'features'], { env })).out)).toMatchObject([{ name: 'hour' }])
  await store.close()
})

it('says which features there are when one is unknown', async () => {
  const store = await service(() => [
    404,
    { code: 'FS_FEATURE_NOT_FOUND', message: 'There is no feature plans:huor.', hint: 'Features of the view: hour, seats.' },
  ])
  const ran = await cascata(['features', 'show', 'plans:huor'], { env: { FEATURE_STORE_URL: store.url } })
  expect(ran).toMatchObject({ code: 1, out: '' })
  expect(ran.err).toMatch(/no feature plans:huor[^]*hour, seats/)
  await store.close()
})
