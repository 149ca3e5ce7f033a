import { type Database } from '@cascata/messaging'
import { type Clock } from '@cascata/service'
import { forgetFindings } from '../findings/findings.store.ts'
import { allModels } from '../models/models.store.ts'
import { appliedModels } from '../models/spec-of.ts'
import { forgetRows } from '../views/view-rows.store.ts'
import { deleteBefore, dropPartition, ensurePartition, partitions } from './predictions.store.ts'

const day = 86_400_000
/** Of a model that is not applied any more. */
const usualKeep = 30 * day
const PIECE = 10_000
const FINDINGS_DAYS = 365
const VIEW_ROWS_DAYS = 120
const WINDOWS_KEPT = 400

const dayOf = (at: number) => new Date(at).toISOString().slice(0, 10)

/**
 * Forgets what is older, by the wall clock, than a model's `monitor.log.keep`: whole days at once where no model keeps them, else piece by
 * piece; and windows, findings and counts that nobody looks at any more. Makes the partitions of today and tomorrow.
 */
export const forgetOld = async ({ db, clock, signal }: { db: Database; clock: Clock; signal: AbortSignal }): Promise<void> => {
  const now = clock.now()
  for (const at of [now, now + day]) await ensurePartition(db, dayOf(at))
  const keeps = new Map(
    (await appliedModels(db)).map(({ model: { metadata, spec } }) => [
      `${metadata.namespace}/${metadata.name}`,
      spec.monitor.log.keep,
    ]),
  )
  const watched = (await allModels(db)).map(({ model }) => ({ model, keep: keeps.get(model) ?? usualKeep }))
  const longest = Math.max(usualKeep, ...keeps.values())
  for (const each of await partitions(db)) if (each < dayOf(now - longest - day)) await dropPartition(db, each)
  for (const { model, keep } of watched) {
    const before = dayOf(now - keep)
    while (!signal.aborted && (await deleteBefore(db, model, before, PIECE)) === PIECE);
  }
  await db.query(
    `delete from version_window w using (
       select model, version, from_at, to_at, row_number() over (partition by model order by from_at desc) as age from version_window
     ) old where old.age > $1 and (w.model, w.version, w.from_at, w.to_at) = (old.model, old.version, old.from_at, old.to_at)`,
    [WINDOWS_KEPT],
  )
  await forgetRows(db, VIEW_ROWS_DAYS)
  await forgetFindings(db, FINDINGS_DAYS)
}
