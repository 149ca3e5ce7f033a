import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { glob, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type ForeignStore, ObjectStoreError, openForeignBucket } from '@cascata/object-store'
import { CommandError, wrongUsage } from '../errors.ts'

/** A file to be imported. */
export interface SourceFile {
  /** As people know it. */
  readonly name: string
  readonly path: string
  readonly format: 'parquet' | 'csv' | 'ndjson'
  readonly bytes: number
}

const formats: readonly (readonly [ending: RegExp, format: SourceFile['format']])[] = [
  [/\.(parquet|pq)$/i, 'parquet'],
  [/\.csv$/i, 'csv'],
  [/\.(ndjson|jsonl)$/i, 'ndjson'],
]

const formatOf = (name: string): SourceFile['format'] => {
  const found = formats.find(([ending]) => ending.test(name))
  if (!found) throw wrongUsage(`${name} ends in none of .parquet, .csv, .ndjson`, 'give the file the ending of its format')
  return found[1]
}

/**
 * The files that sources mean, sorted by name: paths, globs, `s3://bucket/key` (`*` for any characters; credentials as AWS's tools find
 * them, an endpoint as `?endpoint=https://…`). Objects are fetched into `folder`.
 *
 * @throws CommandError when a source means no file
 */
export async function filesOf(
  sources: readonly string[],
  cwd: string,
  folder: string,
  signal: AbortSignal,
): Promise<SourceFile[]> {
  const files: SourceFile[] = []
  for (const source of sources) {
    const found = source.startsWith('s3://') ? await objectsOf(source, folder, signal) : await pathsOf(source, cwd)
    if (found.length === 0) throw new CommandError('CLI_NO_FILE', `there is no file ${source}`)
    files.push(...found)
  }
  return files
}

async function pathsOf(source: string, cwd: string): Promise<SourceFile[]> {
  const path = resolve(cwd, source)
  const there = await stat(path).catch(() => null)
  if (there?.isDirectory()) throw wrongUsage(`${source} is a folder`, `write ${join(source, '*.parquet')}`)
  const paths: string[] = there ? [path] : []
  if (!there) for await (const found of glob(source, { cwd })) paths.push(resolve(cwd, found))
  const files: SourceFile[] = []
  for (const each of paths.sort()) {
    const { size, isFile } = await stat(each).then((found) => ({ size: found.size, isFile: found.isFile() }))
    if (!isFile) continue
    if (size === 0) throw new CommandError('CLI_EMPTY_FILE', `${each} is empty`)
    files.push({ name: there ? source : basename(each), path: each, format: formatOf(each), bytes: size })
  }
  return files
}

async function objectsOf(source: string, folder: string, signal: AbortSignal): Promise<SourceFile[]> {
  if (!URL.canParse(source)) throw wrongUsage(`${source} is no s3://bucket/key`)
  const { hostname, pathname, search } = new URL(source)
  const wanted = decodeURIComponent(pathname.slice(1))
  try {
    const store = await openForeignBucket(`s3://${hostname}${search}`)
    try {
      const files: SourceFile[] = []
      for (const key of await keysOf(store, wanted)) {
        const path = join(folder, randomUUID())
        const format = formatOf(key)
        await pipeline(await store.read(key), createWriteStream(path), { signal })
        files.push({ name: `s3://${hostname}/${key}`, path, format, bytes: (await stat(path)).size })
      }
      return files
    } finally {
      store.close()
    }
  } catch (error) {
    if (error instanceof ObjectStoreError) throw new CommandError('CLI_SOURCE', `${source} can't be read: ${error.message}`)
    throw error
  }
}

/** Keys that a pattern means. */
async function keysOf(store: ForeignStore, wanted: string): Promise<string[]> {
  const star = wanted.indexOf('*')
  if (star < 0) return [wanted]
  const shape = new RegExp(
    `^${wanted
      .split('*')
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  )
  const keys: string[] = []
  let after: string | undefined
  do {
    const { objects, next } = await store.list(wanted.slice(0, star), { after })
    keys.push(...objects.map(({ key }) => key).filter((key) => shape.test(key)))
    after = next
  } while (after !== undefined)
  return keys
}
