import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'

/** A JSON value on disk, replaced as a whole: after a crash it is the old or the new one. */
export interface Kept<T> {
  read(): Promise<T | undefined>
  /** Writes the newest value; calls while a write is under way are answered by the next one. */
  write(value: T): Promise<void>
}

export function keptJson<T>(folder: string, name: string): Kept<T> {
  const path = join(folder, name)
  let next: { value: T } | undefined
  let writing: Promise<void> | undefined

  const writeAll = async () => {
    await mkdir(folder, { recursive: true })
    while (next) {
      const text = JSON.stringify(next.value)
      next = undefined
      const file = await open(`${path}.new`, 'w')
      try {
        await file.writeFile(text)
        await file.datasync()
      } finally {
        await file.close()
      }
      await rename(`${path}.new`, path)
    }
  }
  return {
    read: async () => {
      try {
        return JSON.parse(await readFile(path, 'utf8')) as T
      } catch {
        return undefined
      }
    },
    write: (value) => {
      next = { value }
      writing ??= writeAll().finally(() => (writing = undefined))
      return writing
    },
  }
}
