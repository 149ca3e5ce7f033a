import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Database, pause } from '@cascata/messaging'
import { type Logger } from '@cascata/service'

/** A file that no manifest row names may belong to a flush under way; so old, it can't. In ms. */
const orphanAge = 60 * 60_000
/** A dropped segment may still be read by a dataset under way for so long. */
const dropAge = '1 hour'

/** Removes the files of dropped segments and those that no manifest row names. Returns how many. */
export async function sweep(db: Database, folder: string, now: number): Promise<number> {
  const dropped = await db.query<{ file: string }>(
    `delete from segment where dropped_at < now() - interval '${dropAge}' returning file`,
  )
  for (const { file } of dropped) await rm(join(folder, file), { force: true })
  let removed = dropped.length
  for (const view of await readdir(folder).catch(() => [])) {
    const files = (await readdir(join(folder, view))).map((name) => join(view, name))
    const named = new Set(
      (await db.query<{ file: string }>('select file from segment where file = any($1)', [files])).map(({ file }) => file),
    )
    for (const file of files.filter((each) => !named.has(each))) {
      const age = now - ((await stat(join(folder, file)).catch(() => null))?.mtimeMs ?? now)
      if (age < orphanAge) continue
      await rm(join(folder, file), { force: true })
      removed += 1
    }
  }
  return removed
}

/** Sweeps from time to time, on one replica. */
export const sweeping =
  ({ db, folder, log }: { db: Database; folder: string; log: Logger }) =>
  async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const removed = await sweep(db, folder, Date.now())
      if (removed > 0) log.info({ removed }, 'files that nothing names were removed')
      await pause(10 * 60_000, signal)
    }
  }
