import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type S3Server, startS3, testHome, uniqueName } from '@cascata/testing'
import { openObjectStore } from '@cascata/object-store'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bucketFiles } from './segment-files.ts'

let s3: S3Server
beforeAll(async () => void (s3 = await startS3()), 300_000)
afterAll(() => s3?.stop())

const replica = async (bucket: string, limit = 1_000, now = Date.now) => {
  const folder = join(testHome(), uniqueName('segments'))
  mkdirSync(join(folder, '1'), { recursive: true })
  const store = await openObjectStore(bucket)
  const write = (name: string, bytes = 400) => {
    writeFileSync(join(folder, '1', name), Buffer.alloc(bytes, name))
    return join('1', name)
  }
  const here = () => readdirSync(join(folder, '1')).sort()
  return { files: bucketFiles(store, folder, limit, now), folder, write, here }
}

const lying = async ({ files }: Awaited<ReturnType<typeof replica>>) => {
  const names: string[] = []
  for await (const some of files.lying()) names.push(...some.map(({ file }) => file))
  return names
}

it('gives every replica what one has kept, and nobody what was removed', async () => {
  const bucket = await s3.bucket()
  const [one, other] = [await replica(bucket), await replica(bucket)]
  await one.files.keep(one.write('a'))
  await one.files.keep('1/a')
  await Promise.all([other.files.fetch(['1/a']), other.files.fetch(['1/a'])])
  expect(other.here()).toEqual(['a'])
  expect(await lying(other)).toEqual(['1/a'])
  await one.files.remove('1/a')
  await one.files.remove('1/a')
  expect([await lying(one), one.here()]).toEqual([[], []])
  await expect((await replica(bucket)).files.fetch(['1/a'])).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

it('puts what was not read for the longest out of the folder, and fetches it again', async () => {
  let now = Date.now()
  const one = await replica(await s3.bucket(), 1_000, () => now)
  for (const name of ['a', 'b', 'c']) {
    await one.files.keep(one.write(name))
    utimesSync(join(one.folder, '1', name), 0, 0)
    now += 20 * 60_000
  }
  expect(one.here()).toEqual(['b', 'c'])
  await one.files.fetch(['1/a', '1/b'])
  now += 120_000
  await one.files.fetch(['1/a', '1/b'])
  expect(one.here()).toEqual(['a', 'b'])
  now += 60 * 60_000
  await one.files.fetch(['1/a', '1/b', '1/c'])
  // More than the limit, but all of it is being read.
  expect(one.here()).toEqual(['a', 'b', 'c'])
})
