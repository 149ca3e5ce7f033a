import { graph, number, query, type DashboardSpec } from './panels.ts'

const here = 'namespace="$namespace", model="$model"'
/** The inference service names a model with its namespace. */
const served = 'model="$namespace/$model"'

const perSecond = (metric: string, by: string, selector: string) =>
  `sum by (${by}) (rate(${metric}{${selector}}[$__rate_interval]))`
const latency = (quantile: number) =>
  `histogram_quantile(${quantile}, sum by (le, version, role) (rate(cascata_inference_seconds_bucket{${served}}[$__rate_interval])))`
const behind = (metric: string) => `max(cascata_monitor_labels_ripe_timestamp_seconds{${here}}) - max(${metric}{${here}})`

/** One model: what it answers, how well, and what is found about it. */
export const model: DashboardSpec = {
  uid: 'cascata-model',
  title: 'Model',
  description: 'Traffic, errors, latency, drift, performance and findings of one model.',
  variables: [
    { name: 'namespace', label: 'Namespace', values: 'label_values(cascata_monitor_predictions_total, namespace)' },
    { name: 'model', label: 'Model', values: 'label_values(cascata_monitor_predictions_total{namespace="$namespace"}, model)' },
  ],
  sections: [
    {
      title: 'Now',
      panels: [
        number(
          'Answers a second',
          'Rows that the serving version answers.',
          'reqps',
          `sum(rate(cascata_inference_rows_total{${served}, role="champion"}[$__rate_interval]))`,
        ),
        number(
          'Errors',
          'Share of the rows that no version could score.',
          'percentunit',
          `sum(rate(cascata_inference_errors_total{${served}}[$__rate_interval])) / (sum(rate(cascata_inference_rows_total{${served}}[$__rate_interval])) + sum(rate(cascata_inference_errors_total{${served}}[$__rate_interval])))`,
        ),
        number(
          'Open findings',
          'Findings about this model that are open.',
          'short',
          `sum(cascata_monitor_findings_open{${here}})`,
        ),
        number(
          'Inputs that drift',
          'Share of the inputs, weighted by importance, that drift in the newest closed window.',
          'percentunit',
          `max(cascata_monitor_drift_share_ratio{${here}})`,
        ),
        number(
          'Share of the candidate',
          'Share of the traffic that the version of the rollout under way answers.',
          'percentunit',
          `max(cascata_rollout_share{${here}})`,
        ),
        number('Route', 'Generation of the route that answers.', 'short', `min(cascata_inference_route_generation{${served}})`),
      ],
    },
    {
      title: 'Traffic',
      panels: [
        graph(
          'Rows by version',
          'Rows scored a second, by version and role.',
          'rowsps',
          query(perSecond('cascata_inference_rows_total', 'version, role', served), '{{version}} {{role}}'),
        ),
        graph(
          'Errors by version',
          'Rows that a version could not score, by code; a champion answers beside a candidate that fails.',
          'rowsps',
          query(perSecond('cascata_inference_errors_total', 'version, role, code', served), '{{version}} {{role}} {{code}}'),
        ),
        graph(
          'Latency',
          'From the request until a version had its answer.',
          's',
          query(latency(0.5), '{{version}} {{role}} p50'),
          query(latency(0.99), '{{version}} {{role}} p99'),
        ),
        graph(
          'Missing values',
          'Feature values a second that were not there.',
          'rowsps',
          query(perSecond('cascata_inference_missing_total', 'model', served), 'missing'),
        ),
        graph(
          'Prediction log',
          'Predictions logged and dropped a second, of all models. Dropped is normal only after a kill.',
          'rowsps',
          query('sum(rate(cascata_inference_log_written_total[$__rate_interval]))', 'written'),
          query('sum by (reason) (rate(cascata_inference_log_dropped_total[$__rate_interval]))', 'dropped: {{reason}}'),
        ),
        graph(
          'Shadow',
          'Rows that wait for a candidate in shadow, and rows that it skipped a second.',
          'short',
          query('sum(cascata_inference_shadow_queue)', 'waiting, all models'),
          query(perSecond('cascata_inference_shadow_dropped_total', 'model', served), 'skipped'),
        ),
      ],
    },
    {
      title: 'Drift and performance',
      panels: [
        graph(
          'Drift by input',
          'Distance of the inputs that drift most from the training profile.',
          'short',
          query(`max by (feature, measure) (cascata_monitor_feature_drift_size{${here}})`, '{{feature}} {{measure}}'),
        ),
        graph(
          'Performance',
          'The gate’s metric: realised on ripe labels, estimated without labels, or on the holdout.',
          'short',
          query(`max by (metric, kind) (cascata_monitor_performance{${here}})`, '{{metric}} {{kind}}'),
        ),
        graph(
          'Findings',
          'Open findings by type.',
          'short',
          query(`sum by (type) (cascata_monitor_findings_open{${here}})`, '{{type}}'),
        ),
        graph(
          'Without a label',
          'Share of the predictions of the newest ripe window that got no label.',
          'percentunit',
          query(`max(cascata_monitor_unlabelled_ratio{${here}})`, 'unlabelled'),
        ),
        graph(
          'Labels behind',
          'Data time between the ripest label and what was joined with predictions.',
          's',
          query(behind('cascata_monitor_labels_joined_timestamp_seconds'), 'not joined yet'),
        ),
        graph(
          'Window',
          'Predictions of what serves in the newest window; small windows are not judged.',
          'short',
          query(`max(cascata_monitor_window_rows{${here}})`, 'rows'),
        ),
      ],
    },
    {
      title: 'Upkeep',
      panels: [
        graph(
          'Predictions kept',
          'Predictions that the monitor kept a second, by role.',
          'rowsps',
          query(perSecond('cascata_monitor_predictions_total', 'role', here), '{{role}}'),
        ),
        graph(
          'Joins with labels',
          'Joins of predictions with their labels a minute, by result.',
          'short',
          query(`60 * ${perSecond('cascata_monitor_label_joins_total', 'result', here)}`, '{{result}}'),
        ),
        graph(
          'Ripe labels',
          'Observations whose label is final, and those of them that have one.',
          'short',
          query(`max by (kind) (cascata_features_ripe_labels{${here}})`, '{{kind}}'),
        ),
        graph(
          'Rollouts',
          'What rollouts came to, in the time shown.',
          'short',
          query(`sum by (fact) (increase(cascata_rollouts_total{${here}}[$__range]))`, '{{fact}}'),
        ),
      ],
    },
  ],
}
