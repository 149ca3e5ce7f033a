import { createRequire } from 'node:module'
import { constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import * as lz4 from 'lz4-napi'
import { describe, expect, it } from 'vitest'
import { unpack } from './codecs.ts'
import { sizeOfLz4Frame, snappyBlocks } from './packed-sizes.ts'

const snappy = createRequire(import.meta.url)('kafkajs-snappy') as () => {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>
}
const block = (buffer: Buffer) => snappy().compress({ buffer })
/** As Java's producers write snappy: in blocks of 32 KiB. */
const xerial = async (buffer: Buffer): Promise<Buffer> => {
  const parts: Buffer[] = [Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])]
  for (let from = 0; from < buffer.length; from += 32_768) {
    const packed = await block(buffer.subarray(from, from + 32_768))
    const size = Buffer.alloc(4)
    size.writeUInt32BE(packed.length)
    parts.push(size, Buffer.from(packed))
  }
  return Buffer.concat(parts)
}
const checked = (buffer: Buffer) => lz4.compressFrame(buffer, { contentChecksum: true, blockChecksums: true })

type Pack = (buffer: Buffer) => Promise<Buffer> | Buffer
const packers: [string, number, Pack][] = [
  ['gzip', 1, gzipSync],
  ['snappy', 2, block],
  ['snappy in frames', 2, xerial],
  ['lz4', 3, (buffer) => lz4.compressFrame(buffer)],
  ['lz4 with checksums', 3, checked],
  ['zstd', 4, (buffer) => zstdCompressSync(buffer)],
]
const limit = 1024 ** 2

describe.each(packers)('%s', (_name, codec, pack) => {
  it('unpacks what was packed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 3_000 }),
        fc.integer({ min: 1, max: 60 }),
        async (bytes, times) => {
          const plain = Buffer.concat(Array.from({ length: times }, () => bytes))
          expect((await unpack(codec, await pack(plain), limit)).equals(plain)).toBe(true)
        },
      ),
      { numRuns: 50 },
    )
  })
  it('takes as much as the limit, and refuses a byte more, or a bomb', async () => {
    expect(await unpack(codec, await pack(Buffer.alloc(limit)), limit)).toHaveLength(limit)
    const refusal = { name: 'CannotUnpack', message: `unpacks to more than ${limit} bytes (KAFKA_MAX_UNPACKED)` }
    await expect(unpack(codec, await pack(Buffer.alloc(limit + 1)), limit)).rejects.toMatchObject(refusal)
    const bomb = await pack(Buffer.alloc(64 * limit))
    const before = process.memoryUsage().rss
    await expect(unpack(codec, bomb, limit)).rejects.toMatchObject(refusal)
    expect(process.memoryUsage().rss - before).toBeLessThan(16 * limit)
  })
  it('refuses what is broken off, or something else', async () => {
    const packed = await pack(Buffer.from('x'.repeat(100_000)))
    // A block of snappy says nothing of where it ends: what is wrong with it shows in its records.
    const broken = codec === 2 ? [] : [packed.subarray(0, packed.length >> 1), Buffer.alloc(40, 7)]
    for (const bytes of [...broken, Buffer.alloc(0)])
      await expect(unpack(codec, bytes, limit)).rejects.toMatchObject({ name: 'CannotUnpack' })
  })
})

it('looks for no second frame behind the first, nor for one within another', async () => {
  const small = await lz4.compressFrame(Buffer.alloc(10))
  expect(sizeOfLz4Frame(small)).toBe(10)
  await expect(unpack(3, Buffer.concat([small, await lz4.compressFrame(Buffer.alloc(64 * limit))]), limit)).rejects.toThrow(
    'is no lz4',
  )
  const inner = await xerial(Buffer.alloc(100))
  const size = Buffer.alloc(4)
  size.writeUInt32BE(inner.length)
  expect(() => snappyBlocks(Buffer.concat([inner.subarray(0, 16), size, inner]))).toThrow('A frame within a frame.')
})

it('makes no room for a window of zstd beyond what producers use', async () => {
  const wide = zstdCompressSync(Buffer.alloc(40 * limit, 'abcdefg'), {
    params: { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_contentSizeFlag]: 0 },
  })
  await expect(unpack(4, wide, 64 * limit)).rejects.toThrow('is no zstd')
})

it('names a codec that nobody knows', async () => {
  await expect(unpack(7, deflateSync('x'), limit)).rejects.toThrow('is no codec 7')
})
