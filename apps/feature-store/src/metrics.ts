import { Counter, Gauge, Histogram } from 'prom-client'
import { type Registry } from '@cascata/service'

/** Every metric of this service, besides those of messaging and HTTP. */
export const featureStoreMetrics = (registry: Registry) => {
  const registers = [registry]
  return {
    rows: new Counter({
      name: 'cascata_features_rows_total',
      help: 'Rows of a view by outcome: accepted, rejected, deleted, ignored.',
      labelNames: ['namespace', 'view', 'outcome'] as const,
      registers,
    }),
    rejected: new Counter({
      name: 'cascata_features_rejected_total',
      help: 'Rejected rows of a view by reject code.',
      labelNames: ['namespace', 'view', 'code'] as const,
      registers,
    }),
    unknownFields: new Counter({
      name: 'cascata_features_unknown_fields_total',
      help: 'Rows that hold fields which their view does not know.',
      labelNames: ['namespace', 'view'] as const,
      registers,
    }),
    tooLate: new Counter({
      name: 'cascata_features_too_late_rows_total',
      help: 'Rows of a windowed view that came when no window could reach them any more: they are offline alone.',
      labelNames: ['namespace', 'view'] as const,
      registers,
    }),
    tiles: new Counter({
      name: 'cascata_features_window_tiles_total',
      help: 'Closed tiles of a windowed view: set from segments, and those of them that were healed as they held other rows.',
      labelNames: ['namespace', 'view', 'outcome'] as const,
      registers,
    }),
    flushSeconds: new Histogram({
      name: 'cascata_features_flush_seconds',
      help: 'Time of the parts of a flush: validate, segment, online, commit.',
      labelNames: ['part'] as const,
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
    watermark: new Gauge({
      name: 'cascata_features_watermark_timestamp_seconds',
      help: 'Watermark of a view.',
      labelNames: ['namespace', 'view'] as const,
      registers,
    }),
    objective: new Gauge({
      name: 'cascata_features_freshness_objective_seconds',
      help: 'By how much the watermark of a view may lag, of views that have such an objective.',
      labelNames: ['namespace', 'view'] as const,
      registers,
    }),
    lag: new Gauge({
      name: 'cascata_features_lag_records',
      help: 'Records of a view’s topic that are not read yet.',
      labelNames: ['namespace', 'view'] as const,
      registers,
    }),
    halted: new Gauge({
      name: 'cascata_features_view_halted',
      help: '1 while a view has a halted partition.',
      labelNames: ['namespace', 'view'] as const,
      registers,
    }),
    lookups: new Counter({
      name: 'cascata_features_lookup_values_total',
      help: 'Values looked up by status.',
      labelNames: ['status'] as const,
      registers,
    }),
    datasets: new Counter({
      name: 'cascata_features_datasets_total',
      help: 'Datasets by how they ended: built, failed.',
      labelNames: ['state'] as const,
      registers,
    }),
    datasetSeconds: new Histogram({
      name: 'cascata_features_dataset_seconds',
      help: 'Time that building a dataset took, without waiting for its input.',
      buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers,
    }),
    rebuilds: new Counter({
      name: 'cascata_features_online_rebuilds_total',
      help: 'Rebuilds of a view’s online rows from its segments.',
      labelNames: ['namespace', 'view'] as const,
      registers,
    }),
    onlineRows: new Gauge({
      name: 'cascata_features_online_rows',
      help: 'Entities of a view in the online store, estimated from a sample of its keys.',
      labelNames: ['namespace', 'view'] as const,
      registers,
    }),
    onlineBytes: new Gauge({
      name: 'cascata_features_online_bytes',
      help: 'Memory of a view in the online store, estimated from a sample of its keys.',
      labelNames: ['namespace', 'view'] as const,
      registers,
    }),
    segments: new Gauge({
      name: 'cascata_features_segments',
      help: 'Segments of a view, as upkeep saw them last.',
      labelNames: ['namespace', 'view'] as const,
      registers,
    }),
    compactions: new Counter({
      name: 'cascata_features_compactions_total',
      help: 'Merges of a view’s segments by why: small, erased.',
      labelNames: ['namespace', 'view', 'why'] as const,
      registers,
    }),
    compactionSeconds: new Histogram({
      name: 'cascata_features_compaction_seconds',
      help: 'Time of one merge of segments.',
      buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers,
    }),
    ripe: new Gauge({
      name: 'cascata_features_ripe_labels',
      help: 'Ripe observations of a model: all, and those with a label.',
      labelNames: ['namespace', 'model', 'kind'] as const,
      registers,
    }),
  }
}

export type FeatureStoreMetrics = ReturnType<typeof featureStoreMetrics>
