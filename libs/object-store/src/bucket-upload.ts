import { createHash } from 'node:crypto'
import type * as S3 from '@aws-sdk/client-s3'

/** The client of S3 and its commands; loaded where a bucket is named. */
export interface Connection {
  readonly s3: typeof S3
  readonly client: S3.S3Client
}

/** A key of a bucket, as S3's commands name it. */
export interface Target {
  readonly Bucket: string
  readonly Key: string
}

/** A part of an upload; memory holds one of them, and 10,000 make 80 GB. */
const partBytes = 8 * 1024 ** 2
/** The largest object, and the largest part, that S3 copies at once. */
const copyBytes = 5 * 1024 ** 3

type Part = { ETag: string | undefined; PartNumber: number }

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('base64')

/** Content in buffers of the size of a part; the last one may be smaller, and an empty content is one empty buffer. */
async function* inParts(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let waiting: Uint8Array[] = []
  let size = 0
  for await (const chunk of content) {
    waiting.push(chunk)
    size += chunk.length
    if (size < partBytes) continue
    const all = Buffer.concat(waiting)
    const whole = size - (size % partBytes)
    for (let from = 0; from < whole; from += partBytes) yield all.subarray(from, from + partBytes)
    waiting = [Buffer.from(all.subarray(whole))]
    size -= whole
  }
  yield Buffer.concat(waiting)
}

/** Runs uploads of parts as one upload: all are there at its end, or none. */
const multipart = async (
  { s3, client }: Connection,
  target: Target,
  parts: (UploadId: string) => AsyncIterable<Part>,
): Promise<void> => {
  const { UploadId } = await client.send(new s3.CreateMultipartUploadCommand(target))
  const upload = { ...target, UploadId: UploadId! }
  try {
    const Parts: Part[] = []
    for await (const part of parts(upload.UploadId)) Parts.push(part)
    await client.send(new s3.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
  } catch (error) {
    await client.send(new s3.AbortMultipartUploadCommand(upload)).catch(() => {})
    throw error
  }
}

/**
 * Uploads content: what fits into a part at once to where `small` says after all of it has passed, more in parts to `large`.
 * Each part goes with its MD5, so the server refuses what was damaged on the way. Returns where it lies.
 */
export const upload = async (
  connection: Connection,
  content: AsyncIterable<Uint8Array>,
  { small, large }: { small: () => Target; large: Target },
): Promise<Target> => {
  const { s3, client } = connection
  const buffers = inParts(content)
  const first = (await buffers.next()).value as Buffer
  const second = first.length < partBytes ? undefined : await buffers.next()
  if (!second) {
    await client.send(new s3.PutObjectCommand({ ...small(), Body: first, ContentMD5: md5(first) }))
    return small()
  }
  await multipart(connection, large, async function* (UploadId) {
    const send = async (Body: Buffer, PartNumber: number): Promise<Part> => {
      const { ETag } = await client.send(
        new s3.UploadPartCommand({ ...large, UploadId, PartNumber, Body, ContentMD5: md5(Body) }),
      )
      return { ETag, PartNumber }
    }
    yield await send(first, 1)
    let number = 2
    for (let next = second; !next.done; next = await buffers.next()) {
      if (next.value.length > 0) yield await send(next.value, number++)
    }
  })
  return large
}

/** Copies an object within its bucket, without its bytes coming here. */
export const copy = async (connection: Connection, from: Target, to: Target, size: number): Promise<void> => {
  const { s3, client } = connection
  const CopySource = `${from.Bucket}/${from.Key.split('/').map(encodeURIComponent).join('/')}`
  if (size <= copyBytes) {
    await client.send(new s3.CopyObjectCommand({ ...to, CopySource }))
    return
  }
  await multipart(connection, to, async function* (UploadId) {
    for (let start = 0, PartNumber = 1; start < size; start += copyBytes, PartNumber += 1) {
      const CopySourceRange = `bytes=${start}-${Math.min(start + copyBytes, size) - 1}`
      const { CopyPartResult } = await client.send(
        new s3.UploadPartCopyCommand({ ...to, UploadId, PartNumber, CopySource, CopySourceRange }),
      )
      yield { ETag: CopyPartResult?.ETag, PartNumber }
    }
  })
}
