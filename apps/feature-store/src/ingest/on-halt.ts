import { viewHalted, viewResumed } from '@cascata/events'
import { fact, type Gap, type IngestSettings, type Tx } from '@cascata/messaging'
import { groupOf, type View } from '../feature-views/view.ts'
import { lockView } from '../feature-views/views.store.ts'
import { closeFinding, openFinding } from '../findings/findings.store.ts'
import { type SegmentStore } from '../offline/segments.store.ts'
import { logWatermark } from './progress.store.ts'

const words: Record<Gap['reason'], string> = {
  recreated: 'the topic was deleted and created again',
  retention: 'retention has overtaken the cursor',
  truncated: 'the topic ends before the cursor',
}

/** A partition stands still: the view says so, and nothing is skipped in silence. */
export const onHalt =
  (view: View) =>
  async (tx: Tx, gap: Gap): Promise<void> => {
    const stored = await lockView(tx, view.id)
    if (!stored) return
    await tx.query('update view set halted = true where id = $1', [view.id])
    const { topic, partition, epoch, next: expected, low: start, high: end } = gap
    const told = { topic, partition, epoch, expected, start, end }
    const { namespace, name, revision } = stored.view
    await tx.publish(fact(viewHalted, { namespace, view: name, revision, reason: words[gap.reason], gap: told }))
    const size = gap.reason === 'retention' ? start - expected : null
    await openFinding(tx, stored.view, 'data-gap', {
      measure: 'offsets',
      size,
      threshold: 0,
      evidence: { reason: gap.reason, ...told },
    })
  }

type Resumed = Parameters<NonNullable<IngestSettings<unknown>['onResume']>>[1]

/** Partitions go on in a new epoch; the watermark keeps its value. The view is whole again when no other one is halted. */
export const onResume =
  (view: View, { from = 'earliest', by }: { from?: 'earliest' | 'latest'; by?: string } = {}) =>
  async (tx: Tx, partitions: Resumed): Promise<void> => {
    const stored = await lockView(tx, view.id)
    if (!stored) return
    const halted = await tx.query('select 1 as one from cursor where consumer = $1 and halted is not null limit 1', [
      groupOf(view),
    ])
    await tx.query('update view set halted = $2 where id = $1', [view.id, halted.length > 0])
    await buildTilesAnew(tx, stored.view)
    await noteFloors(tx, view, partitions)
    if (halted.length === 0) await closeFinding(tx, stored.view, 'data-gap', 'resumed')
    const { namespace, name, revision } = stored.view
    await tx.publish(
      fact(viewResumed, { namespace, view: name, revision, reason: 'resumed by hand', from, ...(by ? { by } : {}) }),
    )
  }

/** Tiles may know rows of the log that is gone, or know rows that come again: they are made of what the segments hold now. */
export const buildTilesAnew = async (tx: Tx, view: View): Promise<void> => {
  if (view.windows) await tx.query('update view set online_generation = online_generation + 1 where id = $1', [view.id])
}

/** Offsets of earlier epochs are those of a log that is gone. */
const noteFloors = async (tx: Tx, view: View, partitions: Resumed): Promise<void> => {
  await tx.query(
    `update view_partition set floor_epoch = floor.epoch
       from unnest($2::text[], $3::int[], $4::int[]) as floor (topic, partition, epoch)
      where view_id = $1 and view_partition.topic = floor.topic and view_partition.partition = floor.partition`,
    [
      view.id,
      partitions.map(({ topic }) => topic),
      partitions.map(({ partition }) => partition),
      partitions.map(({ epoch }) => epoch),
    ],
  )
}

/**
 * Everything is read again from the first offset, in a new epoch: what the segments held is dropped, counters begin anew,
 * and what was derived from the old rows is void. Online rows stay: the rows that come again overwrite them or lose to newer ones.
 */
export const onReplay =
  (view: View, segments: SegmentStore) =>
  async (tx: Tx, partitions: Resumed): Promise<void> => {
    const stored = partitions.length === 0 ? null : await lockView(tx, view.id)
    if (!stored) return
    await buildTilesAnew(tx, stored.view)
    await tx.query(
      `update view set halted = false, history_generation = history_generation + 1, accepted = 0, rejected = 0, deleted = 0,
              ignored = 0, with_unknown_fields = 0 where id = $1`,
      [view.id],
    )
    await noteFloors(tx, view, partitions)
    await tx.query('delete from rejected where view_id = $1', [view.id])
    await tx.query('delete from rejected_payload where view_id = $1', [view.id])
    await tx.query('delete from watermark_log where view_id = $1', [view.id])
    // It stays, and holds for whatever is read up to the end that the topic has now: datasets begin with that.
    if (stored.state.watermark !== null) await logWatermark(tx, view, stored.state.watermark)
    await segments.dropAll(tx, view.id)
  }
