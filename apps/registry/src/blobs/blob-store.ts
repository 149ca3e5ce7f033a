import { createHash, randomUUID } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { access, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Readable } from 'node:stream'
import { blobNotFound, blobTooLarge, storageFull, uploadBroken } from '../errors.ts'

export interface StoredBlob {
  readonly sha256: string
  readonly size: number
}

/** Immutable files named by their own SHA-256: nothing that a client sends becomes a path. */
export interface BlobStore {
  /**
   * Keeps what a stream carries, complete and on disk, or nothing at all. Memory stays flat.
   * Throws `REG_BLOB_TOO_LARGE`, `REG_UPLOAD_BROKEN` (the stream ended early), `REG_STORAGE_FULL`.
   */
  put(content: Readable): Promise<StoredBlob>
  /** Throws `REG_BLOB_NOT_FOUND`. */
  size(sha256: string): Promise<number>
  read(sha256: string): Readable
  /** Throws when the folder can't be written. */
  check(): Promise<void>
  /** Removes what uploads that were killed have left. */
  sweep(): Promise<void>
}

const name = /^[0-9a-f]{64}$/
const abandonedAfterMs = 86_400_000

/** Writes a stream to a file and makes it durable. */
const writeDurably = async (path: string, content: Readable, limitBytes: number): Promise<StoredBlob> => {
  const hash = createHash('sha256')
  const file = await open(path, 'wx', 0o600)
  let size = 0
  try {
    for await (const chunk of content as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > limitBytes) throw blobTooLarge({ limitBytes })
      hash.update(chunk)
      await file.writeFile(chunk)
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { sha256: hash.digest('hex'), size }
}

const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

const explained = (error: unknown): unknown => {
  const { code = '' } = error as NodeJS.ErrnoException
  if (['ENOSPC', 'EDQUOT'].includes(code)) return storageFull({}, { cause: error })
  if (['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'EPIPE'].includes(code)) return uploadBroken({}, { cause: error })
  return error
}

/** Opens the folder of the blobs; several processes may share it. */
export const openBlobStore = async (folder: string, limitBytes: number): Promise<BlobStore> => {
  const incoming = join(folder, 'incoming')
  await mkdir(incoming, { recursive: true })
  const shelf = (sha256: string): string => join(folder, sha256.slice(0, 2))
  const pathOf = (sha256: string): string => {
    if (!name.test(sha256)) throw blobNotFound({ sha256: sha256.slice(0, 100) })
    return join(shelf(sha256), sha256)
  }

  const put = async (content: Readable): Promise<StoredBlob> => {
    const path = join(incoming, randomUUID())
    try {
      const stored = await writeDurably(path, content, limitBytes)
      await mkdir(shelf(stored.sha256), { recursive: true })
      await rename(path, pathOf(stored.sha256))
      await syncFolder(shelf(stored.sha256))
      return stored
    } catch (error) {
      await rm(path, { force: true })
      throw explained(error)
    }
  }

  return {
    put,
    async size(sha256) {
      try {
        return (await stat(pathOf(sha256))).size
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw blobNotFound({ sha256 })
        throw error
      }
    },
    read: (sha256) => createReadStream(pathOf(sha256)),
    check: () => access(incoming, constants.W_OK),
    async sweep() {
      for (const left of await readdir(incoming)) {
        const path = join(incoming, left)
        const found = await stat(path).catch(() => undefined)
        if (found && Date.now() - found.mtimeMs > abandonedAfterMs) await rm(path, { force: true })
      }
    },
  }
}
