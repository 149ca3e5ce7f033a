import { expect, it } from 'vitest'
import { aView } from '../feature-views/a-view.ts'
import { featuresOf, matches, pageOf } from './features.ts'

const metadata = { owner: 'Ops-ML', description: 'flight plans', tags: ['aviation'] }
const hours = (count: number) => ({ name: `${count}h`, ms: count * 3_600_000 })
const plain = featuresOf(aView(), metadata)

it('lists what is served, without what names a row', () => {
  expect(plain.map(({ id }) => id)).toEqual(['default/flights:distanceKm'])
  expect(plain[0]!.definition).toEqual({ topic: 'flights', entity: ['flight'], field: 'distanceKm', fn: null, window: null })
})

it('lists aggregates by what they are made of', () => {
  const aggregations = {
    far: { fn: 'mean' as const, of: 'distanceKm', windows: [hours(3)] },
    n: { fn: 'count' as const, windows: [hours(24)] },
  }
  expect(
    featuresOf(aView({ aggregations }), metadata).map(({ name, definition: { field, fn, window } }) => [name, field, fn, window]),
  ).toEqual([
    ['far_3h', 'distanceKm', 'mean', 10_800_000],
    ['n_24h', null, 'count', 86_400_000],
  ])
})

it.each([
  [{ q: 'distance' }, true],
  [{ q: 'flights:dist' }, true],
  [{ q: 'PLANS' }, true],
  [{ q: "' or 1=1 --" }, false],
  [{ name: 'km' }, true],
  [{ name: 'flights' }, false],
  [{ tag: 'Aviation' }, true],
  [{ tag: 'avia' }, false],
  [{ owner: 'ops' }, true],
  [{ type: 'double', topic: 'flights' }, true],
  [{ type: 'double', topic: 'flight' }, false],
  [{ namespace: 'team' }, false],
])('searches by %j: %s', (search, found) => {
  expect(matches(search, plain[0]!)).toBe(found)
})

it('gives every feature on one page', () => {
  const items = ['c', 'a', 'd', 'b', 'e'].map((id) => ({ id }))
  const seen: string[] = []
  for (let after: string | undefined; ;) {
    const { page, next } = pageOf(items, { after, limit: 2 })
    seen.push(...page.map(({ id }) => id))
    if (next === null) break
    after = next
  }
  expect(seen).toEqual(['a', 'b', 'c', 'd', 'e'])
})
