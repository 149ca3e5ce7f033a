import { graph, number, query, type DashboardSpec } from './panels.ts'

const rate = (metric: string, by: string, selector = '') => `sum by (${by}) (rate(${metric}${selector}[$__rate_interval]))`
const since = (metric: string, by: string) => `sum by (${by}) (increase(${metric}[$__range]))`
const p99 = (histogram: string, by: string) =>
  `histogram_quantile(0.99, sum by (le, ${by}) (rate(${histogram}_bucket[$__rate_interval])))`

/** The way from a data event to a version that serves, and what could stop it. */
export const cascade: DashboardSpec = {
  uid: 'cascata-cascade',
  title: 'Cascade',
  description: 'From rows to labels to runs to versions to rollouts, and what stands in the way.',
  variables: [],
  sections: [
    {
      title: 'Now',
      panels: [
        number('Apps that answer', 'Apps that Prometheus can scrape.', 'short', 'sum(up)'),
        number(
          'Open findings',
          'Drift, performance, data and freshness findings that are open.',
          'short',
          'sum(cascata_monitor_findings_open)',
        ),
        number('Runs under way', 'Training runs that have not ended.', 'short', 'sum(cascata_runs)'),
        number('Models not trained', 'Paused, frozen or suspended models.', 'short', 'sum(cascata_models_stopped)'),
        number(
          'Parked keys',
          'Keys whose facts wait behind one that could not be handled. Normal: 0.',
          'short',
          'sum(cascata_parked_keys)',
        ),
        number(
          'Halted views',
          'Views that stand still because their cursor lies outside of the topic. Normal: 0.',
          'short',
          'sum(cascata_features_view_halted)',
        ),
      ],
    },
    {
      title: 'Rows in',
      panels: [
        graph(
          'Rows by view',
          'Rows a second, by outcome.',
          'rowsps',
          query(rate('cascata_features_rows_total', 'namespace, view, outcome'), '{{namespace}}/{{view}} {{outcome}}'),
        ),
        graph(
          'Rejected rows',
          'Rejected rows a second, by reject code.',
          'rowsps',
          query(rate('cascata_features_rejected_total', 'namespace, view, code'), '{{namespace}}/{{view}} {{code}}'),
        ),
        graph(
          'Rows behind',
          'Records of a view’s topic that are not read yet.',
          'short',
          query('sum by (namespace, view) (cascata_features_lag_records)', '{{namespace}}/{{view}}'),
        ),
        graph(
          'Ripe labels',
          'Observations whose label is final, and those of them that have one. Data time, so a replay moves fast.',
          'short',
          query('sum by (namespace, model, kind) (cascata_features_ripe_labels)', '{{namespace}}/{{model}} {{kind}}'),
        ),
        graph(
          'Flush',
          'p99 of the parts of writing a batch of rows.',
          's',
          query(p99('cascata_features_flush_seconds', 'part'), '{{part}}'),
        ),
        graph(
          'Datasets',
          'Datasets built or failed in the time shown, and p99 of building one.',
          'short',
          query(since('cascata_features_datasets_total', 'state'), '{{state}}'),
          query(
            'histogram_quantile(0.99, sum by (le) (rate(cascata_features_dataset_seconds_bucket[$__rate_interval])))',
            'seconds, p99',
          ),
        ),
      ],
    },
    {
      title: 'Runs and gates',
      panels: [
        graph(
          'Trainings asked for',
          'By trigger, in the time shown.',
          'short',
          query(since('cascata_trainings_requested_total', 'trigger'), '{{trigger}}'),
        ),
        graph(
          'Trainings refused',
          'By reason, in the time shown.',
          'short',
          query(since('cascata_trainings_refused_total', 'reason'), '{{reason}}'),
        ),
        graph('Runs by state', 'Runs that have not ended.', 'short', query('sum by (state) (cascata_runs)', '{{state}}')),
        graph(
          'Runs that ended',
          'By outcome, in the time shown: approved means a new version.',
          'short',
          query(since('cascata_runs_ended_total', 'outcome'), '{{outcome}}'),
        ),
        graph(
          'Why runs failed',
          'By code, in the time shown; docs/errors.md explains each.',
          'short',
          query(since('cascata_run_failures_total', 'code'), '{{code}}'),
        ),
        graph(
          'Gates',
          'Verdicts by gate, in the time shown.',
          'short',
          query(since('cascata_gates_total', 'gate, verdict'), '{{gate}} {{verdict}}'),
        ),
        graph(
          'Time in a state',
          'p99 of the time that runs spend in each state.',
          's',
          query(p99('cascata_run_stage_seconds', 'state'), '{{state}}'),
        ),
        graph(
          'Models not trained',
          'By why: paused, frozen, suspended.',
          'short',
          query('sum by (why) (cascata_models_stopped)', '{{why}}'),
        ),
      ],
    },
    {
      title: 'Versions and rollouts',
      panels: [
        graph(
          'Rollouts',
          'What rollouts came to, in the time shown.',
          'short',
          query(since('cascata_rollouts_total', 'namespace, model, fact'), '{{namespace}}/{{model}} {{fact}}'),
        ),
        graph(
          'Share of the candidate',
          'Share of the traffic that the version of a rollout answers.',
          'percentunit',
          query('max by (namespace, model) (cascata_rollout_share)', '{{namespace}}/{{model}}'),
        ),
        graph(
          'Route generations',
          'What the deployer said last, and what inference follows: apart for long means a replica that lags.',
          'short',
          query('max by (namespace, model) (cascata_route_generation)', '{{namespace}}/{{model}} said'),
          query('min by (model) (cascata_inference_route_generation)', '{{model}} followed'),
        ),
        graph(
          'Versions that could not be loaded',
          'By code, in the time shown.',
          'short',
          query(since('cascata_inference_load_failures_total', 'model, code'), '{{model}} {{code}}'),
        ),
        graph(
          'Predictions counted',
          'Predictions that the deployer read for its statistics, by what became of them.',
          'rowsps',
          query(rate('cascata_deployer_predictions_total', 'outcome'), '{{outcome}}'),
        ),
      ],
    },
    {
      title: 'Messages',
      panels: [
        graph(
          'Facts behind',
          'Records that a consumer has still to read.',
          'short',
          query('sum by (consumer, topic) (cascata_consumer_lag_records)', '{{consumer}} {{topic}}'),
        ),
        graph(
          'Outbox age',
          'Age of the oldest fact that waits to be sent, by app. Normal: below a second.',
          's',
          query('max by (app) (cascata_outbox_age_seconds)', '{{app}}'),
        ),
        graph(
          'Facts handled',
          'By consumer and outcome.',
          'rowsps',
          query(rate('cascata_facts_handled_total', 'consumer, outcome'), '{{consumer}} {{outcome}}'),
        ),
        graph(
          'Handler time',
          'p99 of handling a fact.',
          's',
          query(p99('cascata_handler_duration_seconds', 'consumer'), '{{consumer}}'),
        ),
        graph(
          'Retries',
          'Second and later attempts.',
          'rowsps',
          query(rate('cascata_retries_total', 'consumer'), '{{consumer}}'),
        ),
        graph(
          'Dead letters',
          'In the time shown; `cascata dlq list` names them.',
          'short',
          query(since('cascata_dead_letters_total', 'consumer, topic'), '{{consumer}} {{topic}}'),
        ),
        graph(
          'Records read',
          'Records whose effect is committed.',
          'rowsps',
          query(rate('cascata_consumed_records_total', 'consumer'), '{{consumer}}'),
        ),
        graph(
          'Stopped',
          'Parked keys and halted partitions by consumer. Normal: none.',
          'short',
          query('sum by (consumer) (cascata_parked_keys)', '{{consumer}} parked'),
          query('sum by (consumer) (cascata_halted_partitions)', '{{consumer}} halted'),
        ),
        graph('HTTP', 'p99 of answers by app.', 's', query(p99('cascata_http_request_seconds', 'app'), '{{app}}')),
      ],
    },
  ],
}
