import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, type OffsetRange, openDatabase, type RawRow, type RowSink, silent } from '@cascata/messaging'
import { createRegistry, systemClock } from '@cascata/service'
import { backing, uniqueName } from '@cascata/testing'
import { noErasures } from './erasure/late-rows.ts'
import { groupOf, type View, viewOf } from './feature-views/view.ts'
import { findView, saveView } from './feature-views/views.store.ts'
import { onRows, type OnRowsParts, type Prepared } from './ingest/on-rows.ts'
import { compileValidator, type RawRecord } from './ingest/validate-rows.ts'
import { featureStoreMetrics } from './metrics.ts'
import { migrations } from './migrations.ts'
import { type Duck, openDuck } from './offline/duckdb.ts'
import { directoryFiles } from './offline/segment-files.ts'
import { openSegmentWriter } from './offline/segment-writer.ts'
import { segmentStore, type SegmentStore } from './offline/segments.store.ts'
import { openOnlineStore, type OnlineStore } from './online/online-store.ts'
import { onlineWriter } from './windows/online-writer.ts'
import { openTileStore, type TileStore } from './windows/tile-store.ts'

/** A feature store without Kafka: its own schema, folder and keys, and flushes that a test makes. */
export interface StoreForTest {
  readonly db: Database
  readonly online: OnlineStore
  readonly tiles: TileStore
  /** Of its keys in Redis, which others share. */
  readonly prefix: string
  readonly duck: Duck
  readonly segments: SegmentStore
  readonly folder: string
  readonly metrics: ReturnType<typeof featureStoreMetrics>
  /** Applies a view, or its next revision; returns it as it is stored. */
  apply(view: View): Promise<View>
  /** What flushes of a view go through. */
  sink(view: View, more?: Partial<OnRowsParts>): Promise<RowSink<Prepared>>
  /** Writes records and counts them, as a flush of the reader does. */
  flush(view: View, sink: RowSink<Prepared>, records: readonly RawRecord[]): Promise<void>
  close(): Promise<void>
}

/** The ranges of offsets of records, a partition each. */
export const rangesOf = (topic: string, records: readonly RawRecord[]): OffsetRange[] =>
  [...Map.groupBy(records, ({ partition }) => partition)].map(([partition, own]) => ({
    topic,
    partition,
    epoch: own[0]!.epoch,
    from: own[0]!.offset,
    to: own.at(-1)!.offset + 1,
  }))

export async function aFeatureStore(): Promise<StoreForTest> {
  const { postgres, redis } = backing()
  const folder = await mkdtemp(join(tmpdir(), 'feature-store-'))
  const db = await openDatabase({
    url: postgres,
    schema: uniqueName('fs').replaceAll('-', '_').toLowerCase(),
    migrations,
    log: silent,
  })
  const duck = await openDuck({ folder, name: 'test', memory: 256 * 1024 ** 2, threads: 1 })
  const prefix = `${uniqueName('fs')}:`
  const online = openOnlineStore({ url: redis, prefix, onError: () => {} })
  const tiles = openTileStore({ url: redis, prefix, onError: () => {} })
  const segments = segmentStore(directoryFiles(folder))
  const metrics = featureStoreMetrics(createRegistry('test'))

  return {
    db,
    online,
    tiles,
    prefix,
    duck,
    segments,
    folder,
    metrics,
    async apply(view) {
      await db.transaction((tx) => saveView(tx, view))
      const { view: stored } = (await findView(db, view.namespace, view.name))!
      return viewOf(stored, stored.spec)
    },
    async sink(view, more = {}) {
      return onRows({
        view,
        validator: compileValidator(view),
        writer: await openSegmentWriter(duck, folder, view),
        online: onlineWriter({ online, tiles }, view, () => null),
        segments,
        remove: segments.remove,
        generation: () => 1,
        erasures: () => noErasures,
        ends: async () => new Map(),
        clock: systemClock,
        metrics,
        payloadsPerMinute: 10,
        committed: async () => {},
        ...more,
      })
    },
    async flush(view, sink, records) {
      const { topic } = view.spec.source
      const ranges = rangesOf(topic, records)
      const prepared = await sink.write(records.map((record) => ({ topic, ...record })) as RawRow[], ranges)
      await db.transaction(async (tx) => {
        for (const { partition, epoch, to } of ranges)
          await tx.query(
            `insert into cursor (consumer, topic, partition, topic_id, epoch, next_offset) values ($1, $2, $3, 'a topic', $4, $5)
             on conflict (consumer, topic, partition) do update set epoch = excluded.epoch, next_offset = excluded.next_offset`,
            [groupOf(view), topic, partition, epoch, to],
          )
        await sink.commit(tx, prepared, ranges)
      })
    },
    async close() {
      await db.query(`drop schema ${db.schema} cascade`)
      await Promise.all([online.close(), tiles.close(), db.close()])
      duck.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
