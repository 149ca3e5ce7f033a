import { expect, it } from 'vitest'
import { aView } from '../feature-views/a-view.ts'
import { lineageOf } from './feature-lineage.ts'
import { featuresOf } from './features.ts'

const metadata = { owner: '', description: '', tags: [] }
const [distance] = featuresOf(aView({ topic: 'plans' }), metadata)

it('goes from the topic to the versions that read the feature', () => {
  const models = [
    { model: 'default/delay', as: 'feature' as const },
    { model: 'default/delay', as: 'label' as const },
  ]
  expect(lineageOf(distance!, 3, { models, versions: ['default/delay/10', 'default/gone/2'] })).toEqual({
    nodes: [
      { id: 'topic:plans', kind: 'topic', label: 'topic plans' },
      { id: 'view:default/flights', kind: 'view', label: 'view default/flights, revision 3' },
      { id: 'feature:default/flights:distanceKm', kind: 'feature', label: 'feature distanceKm' },
      { id: 'model:default/delay', kind: 'model', label: 'model default/delay (feature, label)' },
      { id: 'version:default/delay/10', kind: 'version', label: 'version default/delay/10' },
      { id: 'version:default/gone/2', kind: 'version', label: 'version default/gone/2' },
    ],
    edges: [
      { from: 'topic:plans', to: 'view:default/flights' },
      { from: 'view:default/flights', to: 'feature:default/flights:distanceKm' },
      { from: 'feature:default/flights:distanceKm', to: 'model:default/delay' },
      { from: 'model:default/delay', to: 'version:default/delay/10' },
      { from: 'feature:default/flights:distanceKm', to: 'version:default/gone/2' },
    ],
  })
})

it('says what an aggregate is made of', () => {
  const aggregations = { far: { fn: 'mean' as const, of: 'distanceKm', windows: [{ name: '3h', ms: 10_800_000 }] } }
  const [far] = featuresOf(aView({ aggregations }), metadata)
  expect(lineageOf(far!, 1, { models: [], versions: [] }).nodes.map(({ label }) => label)).toEqual([
    'topic flights',
    'view default/flights, revision 1',
    'feature far_3h, mean of distanceKm',
  ])
})
