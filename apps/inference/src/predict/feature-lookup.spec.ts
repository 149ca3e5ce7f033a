import { expect, it } from 'vitest'
import { createRegistry, defineError, type Client } from '@cascata/service'
import { createMetrics } from '../metrics.ts'
import { featureLookup } from './feature-lookup.ts'
import { type Scalar } from './columns.ts'

const refused = defineError({ code: 'FS_ENTITY_INVALID', status: 422, retry: false, message: 'no such key', hint: '' })
const away = defineError({ code: 'UPSTREAM_UNREACHABLE', status: 503, retry: true, message: 'away', hint: '' })

/** A feature store whose answers are `view:field/key`. */
function store(answer?: (keys: Scalar[]) => void) {
  const calls: Scalar[][] = []
  const post = async (_path: string, { features, entities }: { features: string[]; entities: Record<string, Scalar[]> }) => {
    const keys = entities['k']!
    calls.push(keys)
    await new Promise((resolve) => setImmediate(resolve))
    answer?.(keys)
    return {
      names: [...features].reverse(),
      values: keys.map((key) => [...features].reverse().map((feature) => `${feature}/${key}`)),
      statuses: keys.map(() => features.map(() => 'PRESENT')),
    }
  }
  const lookup = featureLookup({
    store: { post, close: () => undefined } as unknown as Client,
    maxRows: 5,
    timeoutMs: 200,
    metrics: createMetrics(createRegistry('inference')),
  })
  const find = (...keys: string[]) =>
    lookup.find({ namespace: 'default', features: ['v:a', 'v:b'], keys: ['k'], rows: keys.map((key) => [key]), at: undefined })
  return { calls, find }
}

it('shares a call among concurrent look-ups, and gives each its rows in the order of its features', async () => {
  const { calls, find } = store()
  const found = await Promise.all([find('x'), find('y', 'z'), find('w')])
  expect(calls.length).toBeLessThanOrEqual(2)
  expect(found[1]!.map(({ values }) => values)).toEqual([
    ['v:a/y', 'v:b/y'],
    ['v:a/z', 'v:b/z'],
  ])
  expect(found[2]![0]!.values).toEqual(['v:a/w', 'v:b/w'])
})

it('keeps a call within its rows', async () => {
  const { calls, find } = store()
  await Promise.all(Array.from({ length: 12 }, (_, at) => find(`k${at}`)))
  expect(Math.max(...calls.map((keys) => keys.length))).toBeLessThanOrEqual(5)
  expect(calls.flat()).toHaveLength(12)
})

it('lets a refused key harm nobody else', async () => {
  const { find } = store((keys) => {
    if (keys.includes('bad')) throw refused()
  })
  const [good, bad] = await Promise.allSettled([find('x'), find('bad')])
  expect(good).toMatchObject({ status: 'fulfilled' })
  expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'FS_ENTITY_INVALID' } })
})

it('waits for a store that is away, for so long', async () => {
  let failures = 2
  const comesBack = store(() => {
    if (failures-- > 0) throw away()
  })
  await expect(comesBack.find('x')).resolves.toHaveLength(1)
  const gone = store(() => {
    throw away()
  })
  await expect(gone.find('x')).rejects.toMatchObject({ code: 'INF_FEATURES_UNAVAILABLE', status: 503, retry: true })
})
