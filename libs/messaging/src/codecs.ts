import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import kafkajs from 'kafkajs'
import * as lz4 from 'lz4-napi'

interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>
  decompress(buffer: Buffer): Promise<Buffer>
}

/** More than a broker lets through in one batch (`max.message.bytes`), after unpacking: a bomb is refused. */
const maxUnpacked = 256 * 1024 * 1024

const zstd: Codec = {
  compress: ({ buffer }) => promisify(zstdCompress)(buffer),
  decompress: (buffer) =>
    new Promise((resolve, reject) =>
      zstdDecompress(buffer, { maxOutputLength: maxUnpacked }, (error, unpacked) => (error ? reject(error) : resolve(unpacked))),
    ),
}

/** Kafka uses the LZ4 frame format. */
const lz4Frame: Codec = {
  compress: async ({ buffer }) => lz4.compressFrame(buffer),
  decompress: async (buffer) => Buffer.from(await lz4.decompressFrame(buffer)),
}

/** Teaches kafkajs, which brings gzip alone, the other codecs that producers use. */
export function installCodecs(): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs
  CompressionCodecs[CompressionTypes.ZSTD] = () => zstd
  CompressionCodecs[CompressionTypes.LZ4] = () => lz4Frame
  CompressionCodecs[CompressionTypes.Snappy] = createRequire(import.meta.url)('kafkajs-snappy')
}
