import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Database, pause } from '@cascata/messaging'
import { type Logger } from '@cascata/service'
import { type SegmentFiles } from './segment-files.ts'

/** A file that no manifest row names may belong to a flush under way; so old, it can't. In ms. */
const orphanAge = 60 * 60_000
/** A dropped segment may still be read by a dataset under way for so long. */
const dropAge = '1 hour'

/** What a process works on is never so old. In ms. */
const leftoverAge = 24 * 60 * 60_000

/** Removes the files of dropped segments and those that no manifest row names. Returns how many. */
export async function sweep(db: Database, files: SegmentFiles, now: number): Promise<number> {
  const dropped = await db.query<{ file: string }>(
    `delete from segment where dropped_at < now() - interval '${dropAge}' returning file`,
  )
  for (const { file } of dropped) await files.remove(file)
  let removed = dropped.length
  for await (const lying of files.lying()) {
    const named = new Set(
      (
        await db.query<{ file: string }>(
          `select file from segment where file = any($1) union all select segment->>'file' from import_segment where segment->>'file' = any($1)`,
          [lying.map(({ file }) => file)],
        )
      ).map(({ file }) => file),
    )
    for (const { file, modifiedAt } of lying) {
      if (named.has(file) || now - modifiedAt < orphanAge) continue
      await files.remove(file)
      removed += 1
    }
  }
  return removed
}

/** Removes what replicas that died left behind: half a dataset, an answer on its way, what was spilled to disk. */
async function sweepLeftovers(base: string, now: number): Promise<void> {
  const lying = async (folder: string, names: (name: string) => boolean) =>
    (await readdir(join(base, folder)).catch(() => [])).filter(names).map((name) => join(base, folder, name))
  const hidden = (name: string) => name.startsWith('.')
  const left = [
    ...(await lying('datasets', hidden)),
    ...(await lying('spines', hidden)),
    ...(await lying('answers', () => true)),
    ...(await lying('spill', () => true)),
  ]
  for (const path of left) {
    const age = now - ((await stat(path).catch(() => null))?.mtimeMs ?? now)
    if (age > leftoverAge) await rm(path, { recursive: true, force: true })
  }
}

/** Sweeps from time to time, on one replica. `base` is the service's folder. */
export const sweeping =
  ({ db, base, files, log }: { db: Database; base: string; files: SegmentFiles; log: Logger }) =>
  async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const removed = await sweep(db, files, Date.now())
      if (removed > 0) log.info({ removed }, 'files that nothing names were removed')
      await sweepLeftovers(base, Date.now())
      await pause(10 * 60_000, signal)
    }
  }
