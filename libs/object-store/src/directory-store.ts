import { randomUUID } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { access, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline, type Readable } from 'node:stream'
import { explained, ObjectStoreError } from './errors.ts'
import { metered, verifying } from './hashing.ts'
import { checkedKey, checkedPrefix, contentKey, hashOfKey } from './keys.ts'
import {
  abandonedAfterMs,
  type Content,
  incoming as incomingName,
  largestPage,
  type ListedObject,
  type ObjectStore,
  type PutOptions,
  type StoredObject,
} from './object-store.ts'

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

/** Makes a file or the names in a folder durable. */
const sync = async (path: string): Promise<void> => {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes all of it, or throws. */
const write = async (path: string, content: AsyncIterable<Uint8Array>): Promise<void> => {
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const chunk of content) await file.writeFile(chunk)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** The keys under a folder, in the order of their bytes: a folder stands where its name and a slash would. */
async function* keysUnder(
  root: string,
  folder: string,
  { prefix, after }: { prefix: string; after: string },
): AsyncGenerator<string> {
  const found = await readdir(join(root, folder), { withFileTypes: true }).catch(() => [])
  const names = found.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort()
  for (const name of names) {
    const key = folder + name
    if (key === `${incomingName}/`) continue
    if (!name.endsWith('/')) {
      if (key.startsWith(prefix) && key > after) yield key
    } else if ((key.startsWith(prefix) || prefix.startsWith(key)) && (key > after || after.startsWith(key))) {
      yield* keysUnder(root, key, { prefix, after })
    }
  }
}

/** A store in a folder, which several processes may share. A file is written aside, synced, and renamed to its key. */
export const openDirectoryStore = async (folder: string): Promise<ObjectStore> => {
  const incoming = join(folder, incomingName)
  await mkdir(incoming, { recursive: true })
  const pathOf = (key: string): string => join(folder, checkedKey(key))

  const settle = async (from: string, key: string): Promise<void> => {
    const to = pathOf(key)
    const made = await mkdir(dirname(to), { recursive: true })
    await rename(from, to)
    await sync(dirname(to))
    if (made !== undefined) await sync(dirname(made))
  }

  const keep = async (keyOf: (sha256: string) => string, content: Content, options: PutOptions): Promise<StoredObject> => {
    const path = join(incoming, randomUUID())
    const { content: passing, total } = metered(content, options)
    try {
      await write(path, passing)
      const { sha256, size } = total()
      const key = keyOf(sha256)
      await settle(path, key)
      return { key, sha256, size }
    } catch (error) {
      await rm(path, { force: true })
      throw explained(error)
    }
  }

  const head = async (key: string): Promise<ListedObject | undefined> => {
    try {
      const { size, mtime } = await stat(pathOf(key))
      return { key, size, modifiedAt: mtime }
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    }
  }

  return {
    pathOf,
    head,
    put: (content, options = {}) => keep(contentKey, content, options),
    putAs: async (key, content, options = {}) => {
      const checked = checkedKey(key)
      return keep(() => checked, content, options)
    },
    async adopt(key, file) {
      await sync(file)
      try {
        await settle(file, key)
      } catch (error) {
        if (codeOf(error) !== 'EXDEV') throw explained(error)
        await keep(() => key, createReadStream(file), {})
        await rm(file, { force: true })
      }
    },
    async read(key, { sha256 = hashOfKey(key) } = {}) {
      const file = await open(pathOf(key), 'r').catch((error: unknown) => {
        throw codeOf(error) === 'ENOENT' ? new ObjectStoreError('NOT_FOUND', `There is no object ${key}.`, error) : error
      })
      const content: Readable = file.createReadStream({ highWaterMark: 256 * 1024 })
      return sha256 === undefined ? content : pipeline(content, verifying(sha256), () => {})
    },
    delete: (key) => rm(pathOf(key), { force: true }),
    async list(prefix, { after = '', limit = largestPage } = {}) {
      const most = Math.min(limit, largestPage)
      const objects: ListedObject[] = []
      for await (const key of keysUnder(folder, '', { prefix: checkedPrefix(prefix), after })) {
        if (objects.length === most) return { objects, next: objects.at(-1)!.key }
        const found = await head(key)
        if (found) objects.push(found)
      }
      return { objects }
    },
    check: () => access(incoming, constants.W_OK),
    async sweep(now = Date.now()) {
      let removed = 0
      for (const left of await readdir(incoming)) {
        const path = join(incoming, left)
        const found = await stat(path).catch(() => undefined)
        if (!found || now - found.mtimeMs <= abandonedAfterMs) continue
        await rm(path, { force: true })
        removed += 1
      }
      return removed
    },
    close: () => {},
  }
}
