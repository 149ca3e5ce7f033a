import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { backing, uniqueName } from '@cascata/testing'
import { measureMemory } from './measure-memory.ts'

const prefix = `${uniqueName('memory')}:`
let redis: Redis
beforeAll(async () => {
  redis = new Redis(backing().redis)
  const pipeline = redis.pipeline()
  for (let index = 0; index < 2_000; index += 1) {
    pipeline.hset(`${prefix}{eabc.${index % 64}}F${index}`, {
      1: 'x'.repeat(30),
      ...(index % 4 === 0 ? { 2: 'x'.repeat(90) } : {}),
    })
    if (index % 10 === 0) pipeline.hset(`${prefix}w3{7.${index % 64}}F${index}`, { newest: 'x', tile: 'x'.repeat(200) })
  }
  pipeline.hset(`${prefix}f3{7.1}`, { 0: 'x' })
  pipeline.set(`${prefix}{1}whole`, '1')
  await pipeline.exec()
})
afterAll(async () => {
  for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1_000 }))
    if ((keys as string[]).length > 0) await redis.unlink(...(keys as string[]))
  redis.disconnect()
})

it('parts what Redis spends on entities among the views that lie in them', async () => {
  const sizes = await measureMemory([redis], prefix, 10_000_000)
  expect([...sizes].map(([view, { rows }]) => [view, rows]).sort()).toEqual([
    [1, 2_000],
    [2, 500],
    [7, 200],
  ])
  const keys = Array.from({ length: 2_000 }, (_, index) => `${prefix}{eabc.${index % 64}}F${index}`)
  const bytes = await Promise.all(keys.map(async (key) => (await redis.memory('USAGE', key))!))
  const sum = (of: readonly number[]) => of.reduce((all, each) => all + each, 0)
  const shared = sum(bytes.filter((_, index) => index % 4 === 0))
  expect(sizes.get(1)!.bytes).toBe(Math.round(sum(bytes) - shared + shared / 4))
  expect(sizes.get(2)!.bytes).toBe(Math.round((shared * 3) / 4))
  expect(sizes.get(7)!.bytes).toBeGreaterThan(200 * 200)
})

it('says about the same of a sample', async () => {
  const [all, some] = [await measureMemory([redis], prefix, 10_000_000), await measureMemory([redis], prefix, 1_000)]
  expect(Math.abs(some.get(1)!.rows / all.get(1)!.rows - 1)).toBeLessThan(0.3)
  expect(Math.abs(some.get(1)!.bytes / all.get(1)!.bytes - 1)).toBeLessThan(0.3)
})
