import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, truncateSync, writeFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { type S3Server, startS3, testHome, uniqueName } from '@cascata/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { abandonedAfterMs, contentKey, type ObjectStore, openObjectStore } from './index.ts'

const shaOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const text = (words: string): Buffer[] => [Buffer.from(words)]
const MiB = 1024 ** 2

/** Content in chunks of odd sizes, so that parts and chunks never end together. */
const inChunks = function* (bytes: Buffer, size = 700_001) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const brokenOff = async function* (bytes: Buffer) {
  yield bytes
  throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
}

let s3: S3Server
beforeAll(async () => void (s3 = await startS3()), 300_000)
afterAll(() => s3?.stop())

const folders: string[] = []
const directory = (): string => {
  const folder = join(testHome(), uniqueName('objects'))
  folders.push(folder)
  return folder
}

describe.each([
  ['a directory', async () => directory()],
  ['a bucket', () => s3.bucket()],
])('%s', (_kind, place) => {
  let store: ObjectStore
  const everything = async () => (await store.list('')).objects.map(({ key }) => key)
  beforeAll(async () => void (store = await openObjectStore(await place())))
  afterAll(() => store.close())

  it('keeps the same content once, under its hash', async () => {
    const stored = await store.put(text('hello'))
    expect(stored).toEqual({ key: contentKey(shaOf(Buffer.from('hello'))), sha256: shaOf(Buffer.from('hello')), size: 5 })
    expect(await store.put([Buffer.from('hel'), Buffer.from('lo')])).toEqual(stored)
    expect(await everything()).toEqual([stored.key])
    expect((await buffer(await store.read(stored.key))).toString()).toBe('hello')
    expect(await store.head(stored.key)).toEqual({ key: stored.key, size: 5, modifiedAt: expect.any(Date) })
    await store.delete(stored.key)
    await store.delete(stored.key)
    expect(await store.head(stored.key)).toBeUndefined()
    await expect(store.read(stored.key)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it.each([0, 1, 8 * MiB, 17 * MiB + 1])('gives %i bytes back as they were', async (size) => {
    const bytes = randomBytes(size)
    const { key } = await store.put(inChunks(bytes))
    expect(shaOf(await buffer(await store.read(key)))).toBe(shaOf(bytes))
    const named = await store.putAs(`named/${size}`, inChunks(bytes, 9 * MiB), { sha256: shaOf(bytes), limitBytes: size })
    expect(named).toEqual({ key: `named/${size}`, sha256: shaOf(bytes), size })
    expect(shaOf(await buffer(await store.read(named.key, { sha256: named.sha256 })))).toBe(shaOf(bytes))
    for (const each of [key, named.key]) await store.delete(each)
    expect(await everything()).toEqual([])
  })

  it.each([5, 9 * MiB])('keeps nothing of %i bytes that are too many, not what was said, or end early', async (size) => {
    const bytes = randomBytes(size)
    const sha256 = shaOf(Buffer.from('other'))
    for (const put of [store.put, (content: Iterable<Buffer>, options: object) => store.putAs('refused', content, options)]) {
      await expect(put(inChunks(bytes), { limitBytes: size - 1 })).rejects.toMatchObject({ code: 'TOO_LARGE' })
      await expect(put(inChunks(bytes), { sha256 })).rejects.toMatchObject({ code: 'CORRUPT' })
      await expect(put(brokenOff(bytes) as never, {})).rejects.toMatchObject({ code: 'BROKEN_OFF' })
    }
    expect(await everything()).toEqual([])
    expect(await store.sweep(Date.now() + 2 * abandonedAfterMs)).toBe(0)
  })

  it('takes a file over, and puts a key again as a whole', async () => {
    const file = join(testHome(), uniqueName('file'))
    writeFileSync(file, 'from a file')
    await store.adopt('7/segment.parquet', file)
    expect(existsSync(file)).toBe(false)
    expect((await buffer(await store.read('7/segment.parquet'))).toString()).toBe('from a file')
    await store.putAs('7/segment.parquet', text('again'))
    expect((await buffer(await store.read('7/segment.parquet'))).toString()).toBe('again')
    await store.delete('7/segment.parquet')
  })

  it('lists by prefix, in order, page by page', async () => {
    const keys = ['a/1', 'a/2', 'a-b', 'a.b/1', 'ab/1', 'b', 'c/d/e']
    for (const key of keys.toReversed()) await store.putAs(key, text(key))
    expect(await everything()).toEqual(['a-b', 'a.b/1', 'a/1', 'a/2', 'ab/1', 'b', 'c/d/e'])
    const seen: string[] = []
    let after: string | undefined
    do {
      const page = await store.list('a', { after, limit: 2 })
      expect(page.objects.length).toBeLessThanOrEqual(2)
      seen.push(...page.objects.map(({ key }) => key))
      after = page.next
    } while (after !== undefined)
    expect(seen).toEqual(['a-b', 'a.b/1', 'a/1', 'a/2', 'ab/1'])
    expect((await store.list('a/')).objects.map(({ key, size }) => [key, size])).toEqual([
      ['a/1', 3],
      ['a/2', 3],
    ])
    for (const key of keys) await store.delete(key)
  })

  it('says which content is damaged before its last byte is out', async () => {
    const bytes = randomBytes(3 * MiB)
    await store.putAs('damaged', inChunks(Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1)! ^ 1])])))
    const content = await store.read('damaged', { sha256: shaOf(bytes) })
    let seen = 0
    const reading = (async () => {
      for await (const chunk of content) seen += (chunk as Buffer).length
    })()
    await expect(reading).rejects.toMatchObject({ code: 'CORRUPT' })
    expect(seen).toBeLessThan(bytes.length)
    await store.delete('damaged')
  })

  it('refuses keys that lead elsewhere', async () => {
    for (const key of ['../x', '/x', 'incoming/x', 'a/.x', '']) {
      await expect((async () => store.putAs(key, text('x')))()).rejects.toMatchObject({ code: 'BAD_NAME' })
      await expect((async () => store.read(key))()).rejects.toMatchObject({ code: 'BAD_NAME' })
      await expect((async () => store.delete(key))()).rejects.toMatchObject({ code: 'BAD_NAME' })
    }
    await store.check()
  })
})

it('heals a damaged file when its content comes again', async () => {
  const store = await openObjectStore(directory())
  const { key } = await store.put(text('precious'))
  truncateSync(store.pathOf(key)!, 3)
  await expect(store.read(key).then(buffer)).rejects.toMatchObject({ code: 'CORRUPT' })
  await store.put(text('precious'))
  expect((await buffer(await store.read(key))).toString()).toBe('precious')
})

it('sweeps what killed puts have left in a folder', async () => {
  const folder = directory()
  const store = await openObjectStore(folder)
  mkdirSync(join(folder, 'incoming'), { recursive: true })
  writeFileSync(join(folder, 'incoming', 'left'), 'half')
  expect(await store.sweep()).toBe(0)
  expect(await store.sweep(Date.now() + 2 * abandonedAfterMs)).toBe(1)
  expect(readdirSync(join(folder, 'incoming'))).toEqual([])
})

it('says so when the bucket is not there', async () => {
  const store = await openObjectStore(`s3://nowhere?endpoint=${s3.endpoint}&region=us-east-1`)
  await expect(store.check()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await expect(store.put(text('x'))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  store.close()
})
