import { graph, number, query, type DashboardSpec } from './panels.ts'

const here = 'namespace="$namespace"'
const latest = (metric: string) => `max by (view) (${metric}{${here}})`
const rate = (metric: string, by: string, selector = here) => `sum by (${by}) (rate(${metric}{${selector}}[$__rate_interval]))`
const since = (metric: string, by: string) => `sum by (${by}) (increase(${metric}{${here}}[$__range]))`

const watermarkLag = `time() - ${latest('cascata_features_watermark_timestamp_seconds')}`
const ofObjective = `(${watermarkLag}) / ${latest('cascata_features_freshness_objective_seconds')}`
const skew = `max by (model, feature) (cascata_monitor_feature_skew_ratio{${here}})`
const rejected = 'cascata_features_rows_total'

/** The feature views of a namespace: how fresh, how clean, how large they are, and whether training and serving agree. */
export const features: DashboardSpec = {
  uid: 'cascata-features',
  title: 'Features',
  description: 'Freshness, rejected rows, memory and skew of the feature views of a namespace.',
  variables: [
    { name: 'namespace', label: 'Namespace', values: 'label_values(cascata_features_watermark_timestamp_seconds, namespace)' },
  ],
  sections: [
    {
      title: 'Now',
      panels: [
        number(
          'Rows',
          'Rows a second, of all views.',
          'rowsps',
          `sum(rate(cascata_features_rows_total{${here}}[$__rate_interval]))`,
        ),
        number(
          'Not fresh',
          'Views whose watermark lags more than their objective. Normal: 0.',
          'short',
          `count(${ofObjective} > 1) or vector(0)`,
        ),
        number(
          'Rejected',
          'Largest share of rejected rows of a view. Normal: 0.',
          'percentunit',
          `max(${rate(rejected, 'view', `${here}, outcome="rejected"`)} / ${rate(rejected, 'view')}) or vector(0)`,
        ),
        number('Behind', 'Records that are not read yet.', 'short', `sum(${latest('cascata_features_lag_records')})`),
        number('Online store', 'Memory of the online rows.', 'bytes', `sum(${latest('cascata_features_online_bytes')})`),
        number('Skew', 'Largest skew of an input of a model. Normal: exactly 0.', 'percentunit', `max(${skew})`),
      ],
    },
    {
      title: 'Fresh and clean',
      panels: [
        graph(
          'Watermark lag',
          'By how much data time is behind the clock. Large in a replay.',
          's',
          query(watermarkLag, '{{view}}'),
        ),
        graph(
          'Freshness',
          'Lag of the watermark as a share of the objective, of views that have one. Above 100 % a finding is open.',
          'percentunit',
          query(ofObjective, '{{view}}'),
        ),
        graph(
          'Records behind',
          'Records of a view’s topic that are not read yet.',
          'short',
          query(latest('cascata_features_lag_records'), '{{view}}'),
        ),
        graph(
          'Rejected share',
          'Share of the rows that were rejected.',
          'percentunit',
          query(`${rate(rejected, 'view', `${here}, outcome="rejected"`)} / ${rate(rejected, 'view')}`, '{{view}}'),
        ),
        graph(
          'Why rows are rejected',
          'Rejected rows by code, in the time shown; `cascata dlq show` has some of them.',
          'short',
          query(since('cascata_features_rejected_total', 'view, code'), '{{view}} {{code}}'),
        ),
        graph(
          'Unexpected rows',
          'Rows with fields that their view does not know, and rows too late for any window, in the time shown.',
          'short',
          query(since('cascata_features_unknown_fields_total', 'view'), '{{view}}: unknown field'),
          query(since('cascata_features_too_late_rows_total', 'view'), '{{view}}: too late'),
        ),
      ],
    },
    {
      title: 'Training and serving',
      panels: [
        graph(
          'Skew by input',
          'Share of the served values that are not those of the offline join, of the inputs with most. Normal: exactly 0.',
          'percentunit',
          query(skew, '{{model}} {{feature}}'),
        ),
        graph(
          'Compared',
          'Predictions of the newest compared window whose inputs were compared with the offline join.',
          'short',
          query(`max by (model) (cascata_monitor_skew_compared_rows{${here}})`, '{{model}}'),
        ),
        graph(
          'Look-ups',
          'Values looked up a second by status, of all namespaces.',
          'rowsps',
          query('sum by (status) (rate(cascata_features_lookup_values_total[$__rate_interval]))', '{{status}}'),
        ),
      ],
    },
    {
      title: 'Stores',
      panels: [
        graph(
          'Online memory',
          'Memory of a view’s online rows, estimated from a sample.',
          'bytes',
          query(latest('cascata_features_online_bytes'), '{{view}}'),
        ),
        graph(
          'Online rows',
          'Entities of a view, estimated from a sample.',
          'short',
          query(latest('cascata_features_online_rows'), '{{view}}'),
        ),
        graph(
          'Bytes a row',
          'Memory of one entity of a view.',
          'bytes',
          query(`${latest('cascata_features_online_bytes')} / ${latest('cascata_features_online_rows')}`, '{{view}}'),
        ),
        graph(
          'Segments',
          'Files of a view. Upkeep merges them: it does not grow for long.',
          'short',
          query(latest('cascata_features_segments'), '{{view}}'),
        ),
        graph(
          'Upkeep',
          'Merges of files and rebuilds of online rows, in the time shown.',
          'short',
          query(since('cascata_features_compactions_total', 'view, why'), '{{view}} merged: {{why}}'),
          query(since('cascata_features_online_rebuilds_total', 'view'), '{{view}} rebuilt'),
        ),
      ],
    },
  ],
}
