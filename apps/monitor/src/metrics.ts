import { type Registry } from '@cascata/service'
import { Counter, Gauge } from 'prom-client'

/** Every metric of the monitor. Labels are models, versions that serve, and the inputs that drift most: never an entity, request or row. */
export const monitorMetrics = (registry: Registry) => {
  const registers = [registry]
  const model = ['namespace', 'model'] as const
  return {
    predictions: new Counter({
      name: 'cascata_monitor_predictions_total',
      help: 'Predictions that were kept, by the role in which they were made.',
      labelNames: [...model, 'role'],
      registers,
    }),
    refused: new Counter({
      name: 'cascata_monitor_predictions_refused_total',
      help: 'Records of the predictions topic that are no predictions; they are in its dead-letter topic.',
      registers,
    }),
    joins: new Counter({
      name: 'cascata_monitor_label_joins_total',
      help: 'Joins of predictions with their labels, by result.',
      labelNames: [...model, 'result'],
      registers,
    }),
    findings: new Gauge({
      name: 'cascata_monitor_findings_open',
      help: 'Findings that are open, by type.',
      labelNames: [...model, 'type'],
      registers,
    }),
    driftSize: new Gauge({
      name: 'cascata_monitor_feature_drift_size',
      help: 'Distance of an input from the training profile in the newest closed window; only the inputs that drift most.',
      labelNames: [...model, 'feature', 'measure'],
      registers,
    }),
    driftShare: new Gauge({
      name: 'cascata_monitor_drift_share_ratio',
      help: 'Share of the inputs, weighted by importance, that drift in the newest closed window.',
      labelNames: [...model],
      registers,
    }),
    performance: new Gauge({
      name: 'cascata_monitor_performance',
      help: "The gate's metric of what serves: realised on ripe labels, estimated without labels, or on the holdout.",
      labelNames: [...model, 'metric', 'kind'],
      registers,
    }),
    skew: new Gauge({
      name: 'cascata_monitor_feature_skew_ratio',
      help: 'Share of the rows of the newest compared window in which a served value is not the one of the offline join; only the inputs with most.',
      labelNames: [...model, 'feature'],
      registers,
    }),
    skewCompared: new Gauge({
      name: 'cascata_monitor_skew_compared_rows',
      help: 'Predictions of the newest compared window whose served values were compared with the offline join.',
      labelNames: [...model],
      registers,
    }),
    unlabelled: new Gauge({
      name: 'cascata_monitor_unlabelled_ratio',
      help: 'Share of the predictions of the newest ripe window that have no label.',
      labelNames: [...model],
      registers,
    }),
    windowRows: new Gauge({
      name: 'cascata_monitor_window_rows',
      help: 'Predictions of what serves in the newest window.',
      labelNames: [...model],
      registers,
    }),
    seenUpTo: new Gauge({
      name: 'cascata_monitor_predictions_seen_timestamp_seconds',
      help: 'Data time of the latest prediction that was seen.',
      labelNames: [...model],
      registers,
    }),
    joinedUpTo: new Gauge({
      name: 'cascata_monitor_labels_joined_timestamp_seconds',
      help: 'Data time up to which predictions have their labels.',
      labelNames: [...model],
      registers,
    }),
    ripeUpTo: new Gauge({
      name: 'cascata_monitor_labels_ripe_timestamp_seconds',
      help: 'Data time up to which labels are ripe.',
      labelNames: [...model],
      registers,
    }),
  }
}

export type MonitorMetrics = ReturnType<typeof monitorMetrics>
