import { type Readable } from 'node:stream'
import { type Content, contentKey, type ObjectPage, ObjectStoreError, openObjectStore } from '@cascata/object-store'
import { type CodedError } from '@cascata/service'
import { blobDamaged, blobNotFound, blobTooLarge, storageDown, storageFull, uploadBroken } from '../errors.ts'

export interface StoredBlob {
  readonly sha256: string
  readonly size: number
}

/** Immutable content named by its own SHA-256: nothing that a client sends becomes a path. */
export interface BlobStore {
  /**
   * Keeps what a stream carries, complete and durable, or nothing at all. Memory stays flat.
   * Throws `REG_BLOB_TOO_LARGE`, `REG_UPLOAD_BROKEN` (the stream ended early), `REG_STORAGE_FULL`, `REG_STORAGE_DOWN`.
   */
  put(content: Content): Promise<StoredBlob>
  /** Throws `REG_BLOB_NOT_FOUND`. */
  size(sha256: string): Promise<number>
  holds(sha256: string): Promise<boolean>
  /** The content, checked on its way: damaged content breaks off before its end. Throws `REG_BLOB_NOT_FOUND`. */
  read(sha256: string): Promise<Readable>
  remove(sha256: string): Promise<void>
  /** A page of everything that is kept. */
  list(after?: string): Promise<ObjectPage>
  /** Throws when nothing can be kept. */
  check(): Promise<void>
  /** Removes what uploads that were killed have left. */
  sweep(): Promise<unknown>
  close(): void
}

const coded = (error: unknown, { sha256, limitBytes }: { sha256: string; limitBytes: number }): unknown => {
  if (!(error instanceof ObjectStoreError)) return error
  const because = { cause: error }
  const errors: Record<ObjectStoreError['code'], () => CodedError> = {
    NOT_FOUND: () => blobNotFound({ sha256 }, because),
    BAD_NAME: () => blobNotFound({ sha256 }, because),
    TOO_LARGE: () => blobTooLarge({ limitBytes }, because),
    CORRUPT: () => blobDamaged({ sha256 }, because),
    BROKEN_OFF: () => uploadBroken({}, because),
    NO_SPACE: () => storageFull({}, because),
    UNAVAILABLE: () => storageDown({}, because),
  }
  return errors[error.code]()
}

/** Opens the place of the blobs, a folder or a bucket; several processes may share it. */
export const openBlobStore = async (place: string, limitBytes: number): Promise<BlobStore> => {
  const objects = await openObjectStore(place)
  const explained = async <Result>(sha256: string, work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work()
    } catch (error) {
      throw coded(error, { sha256: sha256.slice(0, 100), limitBytes })
    }
  }
  const head = (sha256: string) => explained(sha256, async () => objects.head(contentKey(sha256)))

  return {
    put: (content) =>
      explained('', async () => {
        const { sha256, size } = await objects.put(content, { limitBytes })
        return { sha256, size }
      }),
    async size(sha256) {
      const found = await head(sha256)
      if (!found) throw blobNotFound({ sha256 })
      return found.size
    },
    holds: async (sha256) => (await head(sha256)) !== undefined,
    read: (sha256) => explained(sha256, async () => objects.read(contentKey(sha256))),
    remove: (sha256) => explained(sha256, async () => objects.delete(contentKey(sha256))),
    list: (after) => objects.list('', { after }),
    check: () => explained('', () => objects.check()),
    sweep: () => objects.sweep(),
    close: () => objects.close(),
  }
}
