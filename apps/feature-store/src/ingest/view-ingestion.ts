import { type Database, type Messaging } from '@cascata/messaging'
import { type Clock, type Logger } from '@cascata/service'
import { type FeatureStoreConfig } from '../config.ts'
import { recordDecoder } from '../formats/decode.ts'
import { type SchemaRegistry } from '../formats/schema-registry.ts'
import { type Catalogue } from '../feature-views/catalogue.ts'
import { erasuresOf } from '../erasure/erasures.store.ts'
import { groupOf, qualified, type View } from '../feature-views/view.ts'
import { type StoredView } from '../feature-views/views.store.ts'
import { type FeatureStoreMetrics } from '../metrics.ts'
import { type Duck } from '../offline/duckdb.ts'
import { openSegmentWriter } from '../offline/segment-writer.ts'
import { type SegmentStore } from '../offline/segments.store.ts'
import { type OnlineStore } from '../online/online-store.ts'
import { onlineWriter } from '../windows/online-writer.ts'
import { type TileStore } from '../windows/tile-store.ts'
import { onHalt, onResume } from './on-halt.ts'
import { onRows, type OnRowsParts } from './on-rows.ts'
import { noteEnds } from './progress.store.ts'
import { endsOf, ensureTopic } from './topic.ts'
import { compileValidator } from './validate-rows.ts'

export interface IngestionParts {
  readonly config: FeatureStoreConfig
  readonly db: Database
  readonly messaging: Messaging
  readonly online: OnlineStore
  readonly tiles: TileStore
  readonly duck: Duck
  readonly segments: SegmentStore
  readonly schemas: SchemaRegistry
  /** Where segments lie. */
  readonly folder: string
  readonly catalogue: Catalogue
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: FeatureStoreMetrics
  readonly committed: OnRowsParts['committed']
}

/** The ingestion of one revision of a view on this replica. */
export interface ViewIngestion {
  readonly view: View
  /** Takes over what the other replicas, or a rebuild, changed about the view. */
  update(stored: StoredView): Promise<void>
  stop(): Promise<void>
}

/** Starts reading a view's topic into both stores, as a member of the view's consumer group. */
export async function startViewIngestion(parts: IngestionParts, stored: StoredView): Promise<ViewIngestion> {
  const { config, db, messaging, duck, segments, schemas, folder, clock, log, metrics } = parts
  const { view } = stored
  const { topic, startFrom } = view.spec.source
  await ensureTopic(messaging.topics, view, log)
  await noteEnds(db, view.id, topic, await endsOf(messaging.topics, topic))
  const writer = await openSegmentWriter(duck, folder, view)
  let { onlineGeneration, watermark } = stored.state
  let erasures = await erasuresOf(db, view)

  const ingest = messaging.ingest({
    consumer: groupOf(view),
    topics: [topic],
    startFrom,
    maxRows: config.flushRows,
    maxBytes: config.flushBytes,
    sink: onRows({
      view,
      validator: compileValidator(view, recordDecoder(view.spec.source.format, schemas)),
      writer,
      online: onlineWriter(parts, view, () => watermark),
      segments,
      remove: segments.remove,
      generation: () => onlineGeneration,
      erasures: () => erasures,
      ends: () => endsOf(messaging.topics, topic),
      clock,
      metrics,
      payloadsPerMinute: config.payloadsPerMinute,
      committed: parts.committed,
    }),
    onHalt: onHalt(view),
    onResume: onResume(view),
  })
  log.info({ view: qualified(view), revision: view.revision, topic }, 'a view is read')

  return {
    view,
    async update({ state }) {
      onlineGeneration = state.onlineGeneration
      watermark = state.watermark
      if (state.erasures !== erasures.number) erasures = await erasuresOf(db, view)
    },
    async stop() {
      await ingest.stop()
      writer.close()
    },
  }
}
