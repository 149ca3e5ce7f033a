import { bell, type Database } from '@cascata/messaging'
import { type Clock, type Logger } from '@cascata/service'
import { endErasures } from '../erasure/erasures.store.ts'
import { writeTombstones } from '../erasure/tombstones.ts'
import { qualified } from '../feature-views/view.ts'
import { findView, listViews, type StoredView } from '../feature-views/views.store.ts'
import { type FeatureStoreMetrics } from '../metrics.ts'
import { type OnlineStore } from '../online/online-store.ts'
import { compact, type CompactParts } from './compact.ts'
import { type CompactionRules, decideCompaction, isExpired } from './decide-compaction.ts'

export interface UpkeepParts extends CompactParts {
  readonly online: OnlineStore
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: FeatureStoreMetrics
  readonly rules: CompactionRules
  /** How long rows are kept at least, in ms; null: for ever. */
  readonly retention: number | null
  /** How often the views are looked at, in ms. */
  readonly every: number
}

/** What is done for a view from time to time, as a checklist: each line may be begun again. */
export async function keepUp(parts: UpkeepParts, { view }: StoredView, signal?: AbortSignal): Promise<void> {
  const { db, online, segments } = parts
  await writeTombstones(db, online, view)
  await expire(parts, view)
  while (!signal?.aborted && (await compactNext(parts, view))) continue
  await endErasures(db, view.id)
  const labels = { namespace: view.namespace, view: view.name }
  parts.metrics.segments.set(labels, (await segments.list(db, view.id)).length)
}

/** Tells what the views take in the online store. */
export async function measureOnline({ online, metrics }: UpkeepParts, views: readonly StoredView[]): Promise<void> {
  const sizes = await online.sizes()
  for (const gauge of [metrics.onlineRows, metrics.onlineBytes]) gauge.reset()
  for (const { view } of views) {
    const { rows, bytes } = sizes.get(view.id) ?? { rows: 0, bytes: 0 }
    const labels = { namespace: view.namespace, view: view.name }
    metrics.onlineRows.set(labels, rows)
    metrics.onlineBytes.set(labels, bytes)
  }
}

async function expire({ db, segments, retention, clock, log }: UpkeepParts, view: StoredView['view']): Promise<void> {
  const ttl = view.spec.ttl === null ? null : Math.max(view.spec.ttl, view.windows?.longest ?? 0)
  const old = (await segments.list(db, view.id)).filter((segment) => isExpired(segment, { retention, ttl }, clock.now()))
  if (old.length === 0) return
  const dropped = await db.transaction((tx) =>
    segments.drop(
      tx,
      old.map(({ id }) => id),
    ),
  )
  log.info({ view: qualified(view), segments: dropped }, 'segments were dropped: they are older than FEATURE_STORE_RETENTION')
}

/** Merges what is to be merged next; false when there is nothing, or somebody else is at it. */
async function compactNext(parts: UpkeepParts, { namespace, name, id }: StoredView['view']): Promise<boolean> {
  const { db, segments, clock, rules, log, metrics } = parts
  const stored = await findView(db, namespace, name)
  if (stored?.view.id !== id) return false
  const { erasures } = stored.state
  const next = decideCompaction(await segments.list(db, id), erasures, clock.now(), rules)
  if (!next) return false
  const end = metrics.compactionSeconds.startTimer()
  const rows = await compact(parts, stored.view, next.inputs, erasures)
  end()
  if (rows === null) return false
  metrics.compactions.inc({ namespace, view: name, why: next.why })
  log.info({ view: qualified(stored.view), why: next.why, segments: next.inputs.length, rows }, 'segments were merged')
  return true
}

/** Looks after all views, on one replica. */
export function upkeep(parts: UpkeepParts & { readonly db: Database }) {
  const rung = bell()
  const run = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const views = await listViews(parts.db)
      for (const stored of views) {
        if (signal.aborted) return
        await keepUp(parts, stored, signal).catch((error: unknown) =>
          parts.log.warn({ view: qualified(stored.view), err: error }, 'a view could not be looked after, and is again'),
        )
      }
      await measureOnline(parts, views).catch((error: unknown) =>
        parts.log.warn({ err: error }, 'the online store could not be measured, and is again'),
      )
      await rung.wait(parts.every, signal)
    }
  }
  return { run, ring: () => rung.ring() }
}
