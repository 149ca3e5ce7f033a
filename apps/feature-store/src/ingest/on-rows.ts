import { randomUUID } from 'node:crypto'
import { rowsIngested, rowsRejected } from '@cascata/events'
import { fact, type Fact, type OffsetRange, type RawRow, type RowSink, type Tx } from '@cascata/messaging'
import { type Clock } from '@cascata/service'
import { erasuresOf } from '../erasure/erasures.store.ts'
import { type Erasures, lateRows } from '../erasure/late-rows.ts'
import { qualified, type View } from '../feature-views/view.ts'
import { countFlush, lockView, type StoredView } from '../feature-views/views.store.ts'
import { type FeatureStoreMetrics } from '../metrics.ts'
import { type SegmentWriter, type WrittenSegment } from '../offline/segment-writer.ts'
import { type SegmentStore } from '../offline/segments.store.ts'
import { type OnlineWriter } from '../windows/online-writer.ts'
import { logWatermark, type Look, nextWatermark, noteEnds, noteProgress } from './progress.store.ts'
import { addPayloads, addRejects, perMinute } from './rejects.store.ts'
import { type Intake, type Rejected, withoutRows } from './row-batch.ts'
import { iso } from './validate-times.ts'
import { type RowValidator } from './validate-rows.ts'

/** What a flush has written, and what it will say. */
export interface Prepared {
  intake: Intake
  segment: WrittenSegment | null
  /** How many erasures of the view were known: their rows are not among those that were written. */
  erasures: number
  /** The generation of the online store that was written to. */
  generation: number
  /** Rows that were too late for any tile of a windowed view. */
  late: number
  readonly now: number
  /** Taken after the rows were read; null: none was needed, or Kafka did not answer. */
  readonly look: Look | null
  readonly samples: readonly { reject: Rejected; record: Pick<RawRow, 'key' | 'value'> }[]
}

export interface OnRowsParts {
  readonly view: View
  readonly validator: RowValidator
  readonly writer: SegmentWriter
  readonly online: OnlineWriter
  readonly segments: SegmentStore
  /** Removes a segment that does not count. */
  readonly remove: (segment: WrittenSegment) => Promise<void>
  /** The online generation as last seen; the commit looks for itself. */
  readonly generation: () => number
  /** The erasures as last seen; the commit looks for itself. */
  readonly erasures: () => Erasures
  /** Where the partitions of the topic end. */
  readonly ends: () => Promise<Look['ends']>
  readonly clock: Clock
  readonly metrics: FeatureStoreMetrics
  readonly payloadsPerMinute: number
  /** In the transaction that makes a flush count: wakes, once it is committed, what follows from rows. */
  readonly committed: (tx: Tx) => Promise<unknown>
}

const sampleSize = 20

/**
 * One flush of a view: validate, write to both stores, and make it count in the transaction that moves the cursors.
 * Redis is written before: a crash in between repeats an idempotent write.
 */
export function onRows(parts: OnRowsParts): RowSink<Prepared> {
  const { validator, online, clock, metrics, payloadsPerMinute } = parts
  const grant = perMinute(payloadsPerMinute)
  let needsLook = true
  const timed = async <T>(part: string, work: () => T | Promise<T>): Promise<T> => {
    const end = metrics.flushSeconds.startTimer({ part })
    try {
      return await work()
    } finally {
      end()
    }
  }

  return {
    async write(rows) {
      await validator.prepare?.(rows)
      const now = clock.now()
      const erasures = parts.erasures()
      const intake = withoutErased(await timed('validate', () => validator.take(rows, now)), erasures)
      const kept = grant(now, intake.rejects.length)
      const samples = intake.rejects.slice(0, kept).map((reject) => ({ reject, record: rows[reject.record]! }))
      const generation = parts.generation()
      const outcomes = await Promise.allSettled([
        intake.batch.count > 0 ? timed('segment', () => written(parts, intake.batch, now)) : null,
        timed('online', () => online.write(intake.batch, generation)),
        needsLook ? parts.ends() : null,
      ])
      const [segment, online_, ends] = outcomes
      if (segment.status === 'fulfilled' && online_.status === 'fulfilled')
        return {
          intake,
          segment: segment.value,
          erasures: erasures.number,
          generation,
          late: online_.value,
          now,
          look: lookOf(ends),
          samples,
        }
      if (segment.status === 'fulfilled' && segment.value) await parts.remove(segment.value)
      throw segment.status === 'rejected' ? segment.reason : (online_ as PromiseRejectedResult).reason
    },

    commit: (tx, prepared, ranges) => timed('commit', async () => void (needsLook = await commit(parts, tx, prepared, ranges))),

    async discard({ segment }) {
      if (segment) await parts.remove(segment)
    },
  }
}

const lookOf = (ends: PromiseSettledResult<Look['ends'] | null>): Look | null =>
  ends.status === 'fulfilled' && ends.value ? { ends: ends.value } : null

/** Writes a segment that is durable, wherever segments are kept. */
async function written({ writer, segments, remove }: OnRowsParts, batch: Intake['batch'], now: number): Promise<WrittenSegment> {
  const segment = await writer.write(batch, now)
  try {
    await segments.keep(segment)
  } catch (error) {
    await remove(segment).catch(() => {})
    throw error
  }
  return segment
}

/** Rows of entities that were erased after they happened are ignored. */
const withoutErased = (intake: Intake, erasures: Erasures): Intake => {
  const late = lateRows(intake.batch, erasures)
  return late.size === 0 ? intake : { ...intake, batch: withoutRows(intake.batch, late), ignored: intake.ignored + late.size }
}

/** Leaves out what was erased since the rows were written. */
async function withoutNewlyErased({ view, writer, remove, online }: OnRowsParts, tx: Tx, prepared: Prepared): Promise<void> {
  const erasures = await erasuresOf(tx, view)
  const intake = withoutErased(prepared.intake, erasures)
  if (intake !== prepared.intake) {
    const { segment, now } = prepared
    prepared.segment = intake.batch.count > 0 ? await writer.write(intake.batch, now) : null
    prepared.intake = intake
    if (segment) await remove(segment)
    await online.retract()
  }
  prepared.erasures = erasures.number
}

/** Returns whether the next flush has to look at the ends of partitions. */
async function commit(parts: OnRowsParts, tx: Tx, prepared: Prepared, ranges: readonly OffsetRange[]): Promise<boolean> {
  const { view, segments, online } = parts
  const { now, look } = prepared
  const stored = await lockView(tx, view.id)
  // Committing would move the cursors of a view of the same name that was created since.
  if (!stored) throw new Error(`The view ${qualified(view)} was deleted.`)
  if (stored.state.erasures !== prepared.erasures) await withoutNewlyErased(parts, tx, prepared)
  const { intake, segment } = prepared
  if (stored.state.onlineGeneration !== prepared.generation) {
    // The online store was, or is being, rebuilt since these rows were written to it.
    prepared.late = await online.write(intake.batch, stored.state.onlineGeneration)
    prepared.generation = stored.state.onlineGeneration
  }
  const { topic } = view.spec.source
  const id = segment ? await segments.add(tx, view.id, segment, ranges, { erasures: prepared.erasures }) : null
  await noteProgress(tx, view.id, ranges, intake.highs, now)
  if (look) await noteEnds(tx, view.id, topic, look.ends)
  const { watermark, needsLook } = await nextWatermark(tx, view, stored.state.watermark, now, look)
  if (watermark !== null && watermark !== stored.state.watermark) await logWatermark(tx, view, watermark)
  const told = randomUUID()
  await countFlush(tx, view.id, countsOf(prepared), watermark, now, told)
  if (prepared.late > 0) await tx.query('update view set too_late = too_late + $2 where id = $1', [view.id, prepared.late])
  if (intake.rejects.length > 0) {
    await addRejects(tx, view.id, topic, intake.rejects)
    await addPayloads(tx, view.id, topic, prepared.samples)
  }
  await tx.publish([ingested(stored, prepared, { told, id, ranges, watermark }), ...rejected(view, intake.rejects)])
  await parts.committed(tx)
  measure(parts, prepared)
  return needsLook
}

const countsOf = ({ intake, segment }: Prepared) => ({
  accepted: segment?.rows ?? 0,
  rejected: intake.rejects.length,
  deleted: segment?.deletes ?? 0,
  ignored: intake.ignored,
  withUnknownFields: intake.withUnknownFields,
})

function ingested(
  { view: { namespace, name } }: StoredView,
  { intake, segment }: Prepared,
  { told, id, ranges, watermark }: { told: string; id: number | null; ranges: readonly OffsetRange[]; watermark: number | null },
): Fact {
  const data = {
    namespace,
    view: name,
    revision: intake.batch.view.revision,
    segment: id === null ? null : String(id),
    rows: segment?.rows ?? 0,
    ranges: ranges.map(({ topic, partition, epoch, from, to }) => ({ topic, partition, epoch, from, to })),
    eventTime: segment?.eventTime ? { min: iso(segment.eventTime.min), max: iso(segment.eventTime.max) } : null,
    watermark: watermark === null ? null : iso(watermark),
  }
  return fact(rowsIngested, data, { id: told }) as Fact
}

const rejected = ({ namespace, name, revision, spec }: View, rejects: readonly Rejected[]): Fact[] =>
  [...Map.groupBy(rejects, ({ partition }) => partition)].map(([partition, own]) => {
    const reasons: Record<string, number> = {}
    for (const { code } of own) reasons[code] = (reasons[code] ?? 0) + 1
    const sample = own.slice(0, sampleSize).map(({ offset, code, field, message }) => ({
      offset,
      code,
      ...(field === undefined ? {} : { field }),
      ...(message === undefined ? {} : { message }),
    }))
    return fact(rowsRejected, {
      namespace,
      view: name,
      revision,
      topic: spec.source.topic,
      partition,
      count: own.length,
      reasons,
      sample,
    }) as Fact
  })

function measure({ metrics, view }: OnRowsParts, prepared: Prepared): void {
  const labels = { namespace: view.namespace, view: view.name }
  const { accepted, rejected, deleted, ignored, withUnknownFields } = countsOf(prepared)
  for (const [outcome, count] of Object.entries({ accepted, rejected, deleted, ignored }))
    if (count > 0) metrics.rows.inc({ ...labels, outcome }, count)
  for (const { code } of prepared.intake.rejects) metrics.rejected.inc({ ...labels, code })
  if (withUnknownFields > 0) metrics.unknownFields.inc(labels, withUnknownFields)
  if (prepared.late > 0) metrics.tooLate.inc(labels, prepared.late)
}
