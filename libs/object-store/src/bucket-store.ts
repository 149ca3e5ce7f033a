import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { pipeline, type Readable } from 'node:stream'
import { type Connection, copy, type Target, upload } from './bucket-upload.ts'
import { explained, ObjectStoreError } from './errors.ts'
import { metered, verifying } from './hashing.ts'
import { contentKey, hashOfKey, type KeyRules, ownKeys } from './keys.ts'
import {
  abandonedAfterMs,
  type Content,
  incoming,
  largestPage,
  type ListedObject,
  type ObjectPage,
  type ObjectStore,
  type PutOptions,
  type StoredObject,
} from './object-store.ts'
import { type Place } from './place.ts'

type Bucket = Extract<Place, { kind: 'bucket' }>

const isAbsent = (error: unknown): boolean =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 404

const understood = (error: unknown): unknown => {
  const known = explained(error)
  if (known instanceof ObjectStoreError) return known
  const { name, $metadata } = error as { name?: string; $metadata?: object }
  return $metadata || name === 'CredentialsProviderError' || name === 'TimeoutError' || (error as NodeJS.ErrnoException).syscall
    ? new ObjectStoreError('UNAVAILABLE', `The bucket answers ${name}: ${(error as Error).message}`, error)
    : error
}

const answered = async <Result>(work: Promise<Result>): Promise<Result> => {
  try {
    return await work
  } catch (error) {
    throw understood(error)
  }
}

/** Paths name the bucket, so that servers without wildcard names work. Hashes are ours: servers need no checksums of AWS's own. */
const connect = async ({ endpoint, region }: Bucket): Promise<Connection> => {
  const s3 = await import('@aws-sdk/client-s3')
  const client = new s3.S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  return { s3, client }
}

/**
 * A store in a bucket. What is larger than a part goes in parts to a key of its own, and is copied, within the bucket, to the key of its
 * hash when that is known: neither memory nor a disk here holds it.
 */
export const openBucketStore = async (place: Bucket, keys: KeyRules = ownKeys): Promise<ObjectStore> => {
  const connection = await connect(place)
  const { s3, client } = connection
  const { bucket: Bucket, prefix } = place
  const target = (key: string): Target => ({ Bucket, Key: prefix + keys.key(key) })
  const remove = (at: Target) => client.send(new s3.DeleteObjectCommand(at))

  const head = async (key: string): Promise<ListedObject | undefined> => {
    try {
      const { ContentLength = 0, LastModified = new Date(0) } = await client.send(new s3.HeadObjectCommand(target(key)))
      return { key, size: ContentLength, modifiedAt: LastModified }
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw understood(error)
    }
  }

  const keep = async (key: string, content: Content, options: PutOptions): Promise<StoredObject> => {
    const { content: passing, total } = metered(content, options)
    const at = target(key)
    await answered(upload(connection, passing, { small: () => at, large: at }))
    return { key, ...total() }
  }

  const keepByHash = async (content: Content, options: PutOptions): Promise<StoredObject> => {
    const { content: passing, total } = metered(content, options)
    const aside: Target = { Bucket, Key: `${prefix}${incoming}/${randomUUID()}` }
    const own = () => target(contentKey(total().sha256))
    const at = await answered(upload(connection, passing, { small: own, large: aside }))
    const { sha256, size } = total()
    if (at === aside) {
      try {
        await answered(copy(connection, aside, own(), size))
      } finally {
        await remove(aside).catch(() => {})
      }
    }
    return { key: contentKey(sha256), sha256, size }
  }

  const page = async (start: string, after: string, limit: number): Promise<ObjectPage> => {
    const { Contents = [], IsTruncated = false } = await answered(
      client.send(
        new s3.ListObjectsV2Command({
          Bucket,
          Prefix: prefix + start,
          MaxKeys: limit,
          ...(after === '' ? {} : { StartAfter: prefix + after }),
        }),
      ),
    )
    const objects = Contents.map(({ Key, Size = 0, LastModified = new Date(0) }) => ({
      key: Key!.slice(prefix.length),
      size: Size,
      modifiedAt: LastModified,
    }))
    return IsTruncated && objects.length > 0 ? { objects, next: objects.at(-1)!.key } : { objects }
  }

  /** The next page of objects that are no puts under way: those are skipped wherever the pages meet them. */
  const list: ObjectStore['list'] = async (start, { after = '', limit = largestPage } = {}) => {
    const { objects, next } = await page(keys.prefix(start), after, Math.min(limit, largestPage))
    const kept = objects.filter(({ key }) => !key.startsWith(`${incoming}/`))
    if (kept.length > 0 || next === undefined) return { objects: kept, ...(next === undefined ? {} : { next }) }
    return list(start, { after: next, limit })
  }

  const sweepUploads = async (before: number): Promise<number> => {
    const { Uploads = [] } = await client.send(new s3.ListMultipartUploadsCommand({ Bucket, Prefix: prefix }))
    const abandoned = Uploads.filter(({ Initiated }) => Initiated !== undefined && Initiated.getTime() < before)
    for (const { Key, UploadId } of abandoned) {
      await client.send(new s3.AbortMultipartUploadCommand({ Bucket, Key: Key!, UploadId: UploadId! }))
    }
    return abandoned.length
  }

  const sweepAside = async (before: number): Promise<number> => {
    const { objects } = await page(`${incoming}/`, '', largestPage)
    const abandoned = objects.filter(({ modifiedAt }) => modifiedAt.getTime() < before)
    for (const { key } of abandoned) await remove({ Bucket, Key: prefix + key })
    return abandoned.length
  }

  return {
    head,
    list,
    put: (content, options = {}) => keepByHash(content, options),
    putAs: async (key, content, options = {}) => keep(keys.key(key), content, options),
    async adopt(key, file) {
      await keep(keys.key(key), createReadStream(file, { highWaterMark: 1024 ** 2 }), {})
      await rm(file, { force: true })
    },
    async read(key, { sha256 = hashOfKey(key) } = {}) {
      const at = target(key)
      const { Body } = await client.send(new s3.GetObjectCommand(at)).catch((error: unknown) => {
        throw isAbsent(error) ? new ObjectStoreError('NOT_FOUND', `There is no object ${key}.`, error) : understood(error)
      })
      const content = Body as Readable
      return sha256 === undefined ? content : pipeline(content, verifying(sha256), () => {})
    },
    delete: async (key) => void (await answered(remove(target(key)))),
    pathOf: () => undefined,
    check: async () => void (await page('', '', 1)),
    sweep: async (now = Date.now()) => {
      const before = now - abandonedAfterMs
      return answered((async () => (await sweepUploads(before)) + (await sweepAside(before)))())
    },
    close: () => client.destroy(),
  }
}
