import { type Tx } from '@cascata/messaging'
import { groupOf, qualified, type View } from '../feature-views/view.ts'
import { lockView, type StoredView } from '../feature-views/views.store.ts'
import { decideFreshness } from '../findings/decide-freshness.ts'
import { closeFinding, openFinding } from '../findings/findings.store.ts'
import { logWatermark, type Look, nextWatermark, noteEnds, progressOf, pruneWatermarks } from './progress.store.ts'
import { endsOf } from './topic.ts'
import { type IngestionParts } from './view-ingestion.ts'

/**
 * What happens to a view while no row comes: ends of its partitions are looked at, a quiet partition stops holding
 * the watermark back, freshness is judged. Safe on every replica at once.
 */
export async function observeView(parts: IngestionParts, { view, state }: StoredView): Promise<void> {
  const { db, messaging, clock, metrics } = parts
  const { topic } = view.spec.source
  const highs = new Map((await progressOf(db, view)).map(({ partition, high }) => [partition, high]))
  const ends = await endsOf(messaging.topics, topic)
  await noteEnds(db, view.id, topic, ends)
  await db.transaction(async (tx) => {
    const locked = await lockView(tx, view.id)
    if (!locked) return
    const now = clock.now()
    const watermark = await advanceQuiet(tx, locked, now, { ends, highs })
    await judgeFreshness(tx, locked.view, watermark, now)
  })
  await pruneWatermarks(db, view.id)

  const labels = { namespace: view.namespace, view: view.name }
  metrics.halted.set(labels, state.halted ? 1 : 0)
  if (state.watermark !== null) metrics.watermark.set(labels, state.watermark / 1000)
  if (view.spec.freshness === null) metrics.objective.remove(labels)
  else metrics.objective.set(labels, view.spec.freshness / 1000)
  metrics.lag.set(labels, await lagOf(parts, view, ends))
}

/** Forgets what was observed of a view that is gone: its watermark would seem to lag for ever. */
export function forgetObserved({ metrics }: Pick<IngestionParts, 'metrics'>, { namespace, name: view }: View): void {
  for (const gauge of [metrics.halted, metrics.watermark, metrics.objective, metrics.lag]) gauge.remove({ namespace, view })
}

async function advanceQuiet(tx: Tx, { view, state }: StoredView, now: number, look: Look): Promise<number | null> {
  const { watermark } = await nextWatermark(tx, view, state.watermark, now, look)
  if (watermark !== null && watermark !== state.watermark) {
    await tx.query('update view set watermark = $2 where id = $1', [view.id, watermark])
    await logWatermark(tx, view, watermark)
  }
  return watermark
}

async function judgeFreshness(tx: Tx, view: View, watermark: number | null, now: number): Promise<void> {
  const { freshness } = view.spec
  const judged = decideFreshness({ freshness, watermark }, now)
  if (!judged) return closeFinding(tx, view, 'freshness', 'the view has no objective any more')
  if (judged.late)
    return openFinding(tx, view, 'freshness', {
      measure: 'watermark-lag-ms',
      size: judged.lag,
      threshold: freshness,
      evidence: { view: qualified(view) },
    })
  return closeFinding(tx, view, 'freshness', 'recovered', judged.lag)
}

async function lagOf({ db }: IngestionParts, view: View, ends: ReadonlyMap<number, number>): Promise<number> {
  const cursors = await db.query<{ partition: number; next: number }>(
    'select partition, next_offset::float8 as next from cursor where consumer = $1 and topic = $2',
    [groupOf(view), view.spec.source.topic],
  )
  const next = new Map(cursors.map(({ partition, next }) => [partition, next]))
  return [...ends].reduce((sum, [partition, end]) => sum + Math.max(0, end - (next.get(partition) ?? 0)), 0)
}
