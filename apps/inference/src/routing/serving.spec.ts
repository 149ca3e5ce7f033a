import { describe, expect, it } from 'vitest'
import { type Route } from './decide-route.ts'
import { modelPool } from './model-pool.ts'
import { servingOf } from './serving.ts'

const route: Route = {
  namespace: 'default',
  model: 'm',
  revision: 1,
  generation: 1,
  champion: '1',
  split: [{ version: '1', from: 0, to: 10_000 }],
  warm: [],
}
const name = (version: string) => ({ namespace: 'default', model: 'm', version })

function pool() {
  const open = new Set<string>()
  const engine = {
    load: async (key: string) => (open.add(key), { inputs: [], outputs: [], close: async () => void open.delete(key) }),
  }
  const files = {
    fetch: async ({ version }: { version: string }) => {
      if (version === '13') throw new Error('unlucky')
      return { file: { path: '', sha256: '' }, golden: undefined, signature: undefined, notNull: [], revision: 1 }
    },
  }
  return { open, pool: modelPool({ engine, files } as never) }
}

describe('the pool', () => {
  it('loads a version once, and frees it when the last one lets go', async () => {
    const { open, pool: models } = pool()
    const [first, second] = await Promise.all([models.acquire(name('1')), models.acquire(name('1'))])
    expect([first.fresh, second.fresh, open.size]).toEqual([true, false, 1])
    await first.release()
    await first.release()
    expect(open.size).toBe(1)
    await second.release()
    expect([open.size, models.size]).toEqual([0, 0])
  })
  it('forgets a version that could not be loaded', async () => {
    const { pool: models } = pool()
    await expect(models.acquire(name('13'))).rejects.toThrow('unlucky')
    expect(models.size).toBe(0)
  })
})

describe('a serving', () => {
  it('keeps its versions until nobody holds it any more', async () => {
    const { open, pool: models } = pool()
    const serving = servingOf(route, [await models.acquire(name('1'))])
    serving.hold()
    const retired = serving.retire()
    await new Promise((resolve) => setImmediate(resolve))
    expect([open.size, serving.version('1') !== undefined]).toEqual([1, true])
    serving.drop()
    await retired
    expect(open.size).toBe(0)
  })
  it('lets a version go at once that loaded after it was replaced', async () => {
    const { open, pool: models } = pool()
    const serving = servingOf(route, [await models.acquire(name('1'))])
    await serving.retire()
    serving.add(await models.acquire(name('2')))
    await new Promise((resolve) => setImmediate(resolve))
    expect(open.size).toBe(0)
  })
})
