import { rowsIngested, rowsRejected } from '@cascata/events'
import { type Database, fact, type Fact, type Tx } from '@cascata/messaging'
import { erasuresOf } from '../erasure/erasures.store.ts'
import { qualified, type View } from '../feature-views/view.ts'
import { countFlush, lockView, type StoredView } from '../feature-views/views.store.ts'
import { logWatermark, type Look, nextWatermark, noteProgress } from '../ingest/progress.store.ts'
import { iso } from '../ingest/validate-times.ts'
import { type SegmentStore } from '../offline/segments.store.ts'
import { importPartition } from './file-rows.ts'
import { endImport, type Import, type ImportSegment, listRejects } from './imports.store.ts'

/** The view was deleted, or something that the import rests on has changed: it has to begin anew. */
export class ImportOvertaken extends Error {
  override readonly name = 'ImportOvertaken'
}

/** Names the rows of an import where records are named by topic, partition and offset. */
export const importTopic = (id: string): string => `import.${id}`

export interface CommitParts {
  readonly db: Database
  readonly segments: SegmentStore
  /** Something was committed. */
  readonly committed: (tx: Tx) => Promise<unknown>
}

/** What there was just before. */
export interface Reached {
  /** The generation of the online store that the rows were written to. */
  readonly online: number
  readonly now: number
  readonly look: Look | null
}

/**
 * Makes all rows of an import count at once: they are in the manifest, move the watermark on and are told.
 *
 * @throws ImportOvertaken
 */
export async function commitImport(
  { db, segments, committed }: CommitParts,
  job: Import,
  written: readonly ImportSegment[],
  { online, now, look }: Reached,
): Promise<View> {
  return db.transaction(async (tx) => {
    const stored = await lockView(tx, job.viewId)
    if (!stored) throw new ImportOvertaken('The view was deleted, or its key has changed.')
    if (stored.state.onlineGeneration !== online) throw new ImportOvertaken('The online store was rebuilt.')
    const erasures = await erasuresOf(tx, stored.view)
    if (erasures.number !== job.erasures) throw new ImportOvertaken('An entity was erased.')
    const ids: number[] = []
    for (const { segment, from, to } of written)
      ids.push(await segments.add(tx, job.viewId, segment, [rangeOf(job, from, to)], { erasures: job.erasures }))
    const watermark = await advance(tx, stored, job, written, now, look)
    await endImport(tx, job.id, null)
    if (watermark !== null && watermark !== stored.state.watermark) await logWatermark(tx, stored.view, watermark)
    await tx.publish([
      ...written.map(({ segment, from, to }, index) => ingested(stored, segment, ids[index]!, rangeOf(job, from, to), watermark)),
      ...(await rejected(tx, stored.view, job)),
    ])
    await committed(tx)
    return stored.view
  })
}

const rangeOf = ({ id }: Import, from: number, to: number) => ({
  topic: importTopic(id),
  partition: importPartition,
  epoch: 0,
  from,
  to,
})

/** What was imported is known as the progress of a partition of its own. */
async function advance(
  tx: Tx,
  { view, state }: StoredView,
  { accepted, rejected, ignored, baseOffset, rows }: Import,
  written: readonly ImportSegment[],
  now: number,
  look: Look | null,
): Promise<number | null> {
  const high = written.reduce((most, { segment }) => Math.max(most, segment.eventTime?.max ?? most), Number.NEGATIVE_INFINITY)
  const { topic } = view.spec.source
  if (high > Number.NEGATIVE_INFINITY) {
    const range = { topic, partition: importPartition, epoch: 0, from: baseOffset!, to: baseOffset! + rows }
    await noteProgress(tx, view.id, [range], new Map([[importPartition, high]]), now)
  }
  const { watermark } = await nextWatermark(tx, view, state.watermark, now, look)
  await countFlush(tx, view.id, { accepted, rejected, deleted: 0, ignored, withUnknownFields: 0 }, watermark, now)
  return watermark
}

function ingested(
  { view: { namespace, name, revision } }: StoredView,
  { rows, eventTime }: ImportSegment['segment'],
  id: number,
  range: ReturnType<typeof rangeOf>,
  watermark: number | null,
): Fact {
  return fact(rowsIngested, {
    namespace,
    view: name,
    revision,
    segment: String(id),
    rows,
    ranges: [range],
    eventTime: eventTime && { min: iso(eventTime.min), max: iso(eventTime.max) },
    watermark: watermark === null ? null : iso(watermark),
  }) as Fact
}

async function rejected(tx: Tx, { namespace, name, revision }: View, job: Import): Promise<Fact[]> {
  if (job.rejected === 0) return []
  const sample = (await listRejects(tx, job.id, 20)).map(({ row, code, field, message }) => ({
    offset: row,
    code,
    ...(field ? { field } : {}),
    ...(message ? { message } : {}),
  }))
  const { rejected: count, reasons } = job
  const said = { namespace, view: name, revision, topic: importTopic(job.id), partition: importPartition, count, reasons, sample }
  return [fact(rowsRejected, said) as Fact]
}

/** For the log: which view an import is for. */
export const importOf = ({ id, namespace, view }: Import) => ({ import: id, view: qualified({ namespace, name: view }) })
