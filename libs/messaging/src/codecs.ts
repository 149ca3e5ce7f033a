import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { constants, gzip, unzip, zstdCompress, zstdDecompress } from 'node:zlib'
import kafkajs from 'kafkajs'
import * as lz4 from 'lz4-napi'
import { sizeOfLz4Frame, snappyBlocks } from './packed-sizes.ts'

interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>
  decompress(buffer: Buffer): Promise<Buffer>
}

/** A batch that can't be unpacked, or not within its limit; the message says which. */
export class CannotUnpack extends Error {
  override readonly name = 'CannotUnpack'
}

const tooLarge = (limit: number) => new CannotUnpack(`unpacks to more than ${limit} bytes (KAFKA_MAX_UNPACKED)`)

/** Unpacks a batch; never more than `limit` bytes of it are held. */
type Unpack = (packed: Buffer, limit: number) => Promise<Buffer>

const load = createRequire(import.meta.url)
const snappyCodec = load('kafkajs-snappy') as () => Codec

/** No batch of a producer looks back further than 32 MiB; an unpacker would make room for what its header names. */
const zstdWindow = { [constants.ZSTD_d_windowLogMax]: 25 }

const snappy: Unpack = async (packed, limit) => {
  const { blocks, size } = snappyBlocks(packed)
  if (size > limit) throw tooLarge(limit)
  return Buffer.concat(await Promise.all(blocks.map((block) => snappyCodec().decompress(block))))
}

/** Kafka uses the LZ4 frame format. */
const lz4Frame: Unpack = async (packed, limit) => {
  if (sizeOfLz4Frame(packed) > limit) throw tooLarge(limit)
  return lz4.decompressFrame(packed)
}

const unpackers: Readonly<Record<number, readonly [name: string, Unpack]>> = {
  1: ['gzip', (packed, limit) => promisify(unzip)(packed, { maxOutputLength: limit })],
  2: ['snappy', snappy],
  3: ['lz4', lz4Frame],
  4: ['zstd', (packed, limit) => promisify(zstdDecompress)(packed, { maxOutputLength: limit, params: zstdWindow })],
}

/**
 * Unpacks the records of a batch.
 *
 * @param codec As a batch names it in its attributes: 1 gzip, 2 snappy, 3 lz4, 4 zstd.
 * @param limit Bytes, at most.
 * @throws CannotUnpack
 */
export async function unpack(codec: number, packed: Buffer, limit: number): Promise<Buffer> {
  const [name, work] = unpackers[codec] ?? [`codec ${codec}`, () => Promise.reject(new Error('unknown'))]
  try {
    return await work(packed, limit)
  } catch (error) {
    if (error instanceof CannotUnpack) throw error
    throw (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(limit) : new CannotUnpack(`is no ${name}`)
  }
}

/** Teaches kafkajs, which brings gzip alone, the other codecs that producers use. */
export function installCodecs(limit: number): void {
  const codecs = kafkajs.CompressionCodecs as unknown as Record<number, () => Codec>
  const { GZIP, Snappy, LZ4, ZSTD } = kafkajs.CompressionTypes
  const install = (codec: number, compress: Codec['compress']): void => {
    codecs[codec] = () => ({ compress, decompress: (buffer) => unpack(codec, buffer, limit) })
  }
  install(GZIP, ({ buffer }) => promisify(gzip)(buffer))
  install(Snappy, snappyCodec().compress)
  install(LZ4, async ({ buffer }) => lz4.compressFrame(buffer))
  install(ZSTD, ({ buffer }) => promisify(zstdCompress)(buffer))
}
