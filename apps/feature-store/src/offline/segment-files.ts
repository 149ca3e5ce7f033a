import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { access, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type ObjectStore } from '@cascata/object-store'

/** A file that lies where segments are kept. */
export interface LyingFile {
  readonly file: string
  /** Unix ms. */
  readonly modifiedAt: number
}

/** Where the files of segments are kept. The engine writes and reads them in a folder; a bucket stands behind it. */
export interface SegmentFiles {
  readonly folder: string
  /** Makes a file of the folder durable where segments are kept: before anything names it. Again it does nothing. */
  keep(file: string): Promise<void>
  /** Brings files into the folder that are not there, for who reads them now. */
  fetch(files: readonly string[]): Promise<void>
  remove(file: string): Promise<void>
  /** All files that are kept, some at a time. */
  lying(): AsyncIterable<LyingFile[]>
}

/** Segments in a folder, which replicas share. */
export const directoryFiles = (folder: string): SegmentFiles => ({
  folder,
  keep: async () => {},
  fetch: async () => {},
  remove: (file) => rm(join(folder, file), { force: true }),
  async *lying() {
    for (const view of await readdir(folder).catch(() => [])) yield await filesOf(folder, view)
  },
})

async function filesOf(folder: string, view: string): Promise<(LyingFile & { bytes: number })[]> {
  const found = []
  for (const name of await readdir(join(folder, view)).catch(() => [])) {
    const known = await stat(join(folder, view, name)).catch(() => null)
    if (known) found.push({ file: join(view, name), modifiedAt: known.mtimeMs, bytes: known.size })
  }
  return found
}

/** Files are not put out of the folder so soon after they were asked for: somebody reads them. In ms. */
const heldFor = 15 * 60_000
/** How often the folder is looked at for what to put out, in ms. */
const tidyEvery = 60_000
const downloadsAtOnce = 4

/**
 * Segments in a bucket, with a folder that keeps those that were used last.
 *
 * @param limit Bytes of the folder. What is being read is never put out, so that it may grow beyond that for a while.
 */
export function bucketFiles(store: ObjectStore, folder: string, limit: number, now: () => number = Date.now): SegmentFiles {
  const kept = new Set<string>()
  const used = new Map<string, number>()
  const underway = new Map<string, Promise<void>>()
  let tidied = Number.NEGATIVE_INFINITY
  const keyOf = (file: string) => `segments/${file}`

  const download = async (file: string): Promise<void> => {
    const path = join(folder, file)
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return
    await mkdir(dirname(path), { recursive: true })
    const half = join(folder, `.${randomUUID()}`)
    try {
      await pipeline(await store.read(keyOf(file)), createWriteStream(half))
      await rename(half, path)
    } finally {
      await rm(half, { force: true })
    }
  }

  const once = (file: string): Promise<void> => {
    const present = underway.get(file)
    if (present) return present
    const work = download(file).finally(() => underway.delete(file))
    underway.set(file, work)
    return work
  }

  /** Puts out what was not asked for the longest, until the rest is within the limit. */
  const tidy = async (): Promise<void> => {
    if (now() - tidied < tidyEvery) return
    tidied = now()
    const files = (await Promise.all((await readdir(folder).catch(() => [])).map((view) => filesOf(folder, view)))).flat()
    const askedAt = ({ file, modifiedAt }: LyingFile) => used.get(file) ?? modifiedAt
    let bytes = files.reduce((sum, file) => sum + file.bytes, 0)
    for (const file of files.sort((a, b) => askedAt(a) - askedAt(b))) {
      if (bytes <= limit || now() - askedAt(file) < heldFor) return
      await rm(join(folder, file.file), { force: true })
      used.delete(file.file)
      bytes -= file.bytes
    }
  }

  return {
    folder,
    async keep(file) {
      if (kept.has(file)) return
      await store.putAs(keyOf(file), createReadStream(join(folder, file)))
      if (kept.size >= 10_000) kept.clear()
      kept.add(file)
      used.set(file, now())
      await tidy()
    },
    async fetch(files) {
      for (const file of files) used.set(file, now())
      for (let from = 0; from < files.length; from += downloadsAtOnce)
        await Promise.all(files.slice(from, from + downloadsAtOnce).map(once))
      await tidy()
    },
    async remove(file) {
      kept.delete(file)
      used.delete(file)
      await rm(join(folder, file), { force: true })
      await store.delete(keyOf(file))
    },
    async *lying() {
      for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
        const page = await store.list(keyOf(''), { after })
        yield page.objects.map(({ key, modifiedAt }) => ({ file: key.slice(keyOf('').length), modifiedAt: modifiedAt.getTime() }))
        after = page.next
      }
    },
  }
}
