import { type Messaging, type Tx } from '@cascata/messaging'
import { groupOf, type View } from '../feature-views/view.ts'
import { lockView, type StoredView } from '../feature-views/views.store.ts'
import { type CompactParts, mergedRanges, Overtaken, rewrite, swap } from '../upkeep/compact.ts'
import { beforeSql, type Cut, cutThrough, rangesBefore } from './decide-cut.ts'
import { buildTilesAnew } from './on-halt.ts'
import { logWatermark } from './progress.store.ts'

/** Where a replay begins: with the first record that came at a time (Unix ms) or later, or at an offset of each partition. */
export type ReplayFrom = { readonly time: number } | { readonly offsets: ReadonlyMap<number, number> }

/** How often merges of the segments may be faster. */
const attempts = 3

/**
 * Reads a part of a topic again: rows from the cut on are dropped and come anew, in a new epoch, those before it stay. Segments with
 * rows of both sides are written without the later ones.
 */
export async function replayPart(
  parts: CompactParts & { readonly messaging: Messaging },
  { view, state }: StoredView,
  from: ReplayFrom,
): Promise<Awaited<ReturnType<Messaging['resumeHalted']>>> {
  const { db, segments, messaging } = parts
  const cut = await cutOf(messaging, view, from)
  for (let attempt = 1; ; attempt += 1) {
    const inputs = cutThrough(await segments.list(db, view.id), cut).through
    const written = await rewrite(parts, view, inputs, beforeSql(cut))
    const onResume = async (tx: Tx) => {
      const stored = await lockView(tx, view.id)
      if (!stored) return
      const { beyond, through } = cutThrough(await segments.list(tx, view.id), cut)
      const ids = new Set(inputs.map(({ id }) => id))
      if (through.some(({ id }) => !ids.has(id))) throw new Overtaken()
      const ranges = rangesBefore(mergedRanges(inputs), cut)
      await countedAnew(tx, view, async () => {
        if (inputs.length > 0) await swap(tx, segments, view, { inputs, written, erasures: state.erasures, ranges })
        await segments.drop(
          tx,
          beyond.map(({ id }) => id),
        )
      })
      await forgetRejects(tx, view, cut)
      await buildTilesAnew(tx, stored.view)
      await tx.query('update view set history_generation = history_generation + 1 where id = $1', [view.id])
      await tx.query('delete from watermark_log where view_id = $1', [view.id])
      if (stored.state.watermark !== null) await logWatermark(tx, view, stored.state.watermark)
    }
    try {
      return await messaging.resumeHalted({ consumer: groupOf(view), onResume }, cut.offsets, true)
    } catch (error) {
      await Promise.all(written.map(segments.remove))
      if (!(error instanceof Overtaken) || attempt >= attempts) throw error
    }
  }
}

/** Never behind what was read, nor before what the topic still holds: rows that it has no more stay. */
async function cutOf({ topics, partitions }: Messaging, view: View, from: ReplayFrom): Promise<Cut> {
  const { topic } = view.spec.source
  const [states, bounds] = [await partitions(groupOf(view)), await topics.bounds(topic)]
  const wanted = 'time' in from ? await topics.offsetsAt(topic, from.time) : from.offsets
  return {
    topic,
    offsets: new Map(
      states.flatMap(({ partition, nextOffset }) => {
        const offset = wanted.get(partition)
        if (offset === undefined) return []
        return [[partition, Math.min(nextOffset, Math.max(offset, bounds.get(partition)?.low ?? 0))] as const]
      }),
    ),
  }
}

/** What rows are gone from the manifest is gone from the counters of the view, which counts it again when it comes. */
async function countedAnew(tx: Tx, view: View, change: () => Promise<void>): Promise<void> {
  const held = async () => {
    const [counted] = await tx.query<{ rows: number; deletes: number }>(
      `select coalesce(sum(rows), 0)::float8 as rows, coalesce(sum(deletes), 0)::float8 as deletes
         from segment where view_id = $1 and dropped_at is null`,
      [view.id],
    )
    return counted!
  }
  const before = await held()
  await change()
  const after = await held()
  await tx.query('update view set accepted = greatest(0, accepted - $2), deleted = greatest(0, deleted - $3) where id = $1', [
    view.id,
    before.rows - after.rows,
    before.deletes - after.deletes,
  ])
}

async function forgetRejects(tx: Tx, view: View, { topic, offsets }: Cut): Promise<void> {
  const cut = 'unnest($3::int[], $4::bigint[]) as cut (partition, from_offset)'
  const values = [view.id, topic, [...offsets.keys()], [...offsets.values()]]
  const again = `select o from unnest(offsets) as o where o`
  await tx.query(
    `update view set rejected = greatest(0, rejected - (
       select coalesce(sum(cardinality(array(${again} >= cut.from_offset))), 0) from rejected join ${cut} using (partition)
        where view_id = $1 and topic = $2)) where id = $1`,
    values,
  )
  await tx.query(
    `update rejected set offsets = array(${again} < cut.from_offset) from ${cut}
      where view_id = $1 and topic = $2 and rejected.partition = cut.partition`,
    values,
  )
  await tx.query(`delete from rejected where view_id = $1 and cardinality(offsets) = 0`, [view.id])
  await tx.query(
    `delete from rejected_payload using ${cut}
      where view_id = $1 and topic = $2 and rejected_payload.partition = cut.partition and record_offset >= cut.from_offset`,
    values,
  )
}
