import { pause } from '@cascata/messaging'
import { rm } from 'node:fs/promises'
import { runFolder } from './run-folder.ts'
import { type Tools } from './tools.ts'

const everyMs = 3_600_000

/** Takes the folders of runs away that ended long ago; what they led to is in the registry. */
export const sweeping =
  ({ db, clock, config, log }: Tools) =>
  async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const before = new Date(clock.now() - config.keepRuns)
      const rows = await db.query<{ id: string }>(`select id from run where ended_at < $1 and not details ? 'swept' limit 1000`, [
        before,
      ])
      for (const { id } of rows) {
        await rm(runFolder(config.runs, id).folder, { recursive: true, force: true })
        await db.query(`update run set details = details || '{"swept": true}' where id = $1`, [id])
      }
      if (rows.length > 0) log.info({ runs: rows.length }, 'folders of old runs were taken away')
      await pause(everyMs, signal)
    }
  }
