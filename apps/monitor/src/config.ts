import { appHome, type ConfigOf, defineConfig, setting } from '@cascata/service'

export const config = defineConfig('monitor', {
  port: setting.port(7090),
  schema: setting.text('monitor', 'MONITOR_DATABASE_SCHEMA', 'Schema of PostgreSQL that holds the tables.'),
  predictionsTopic: setting.text('cascata.predictions', 'MONITOR_PREDICTIONS_TOPIC', 'Topic of the predictions.'),
  predictionsGroup: setting.text(
    'cascata.monitor.predictions',
    'MONITOR_PREDICTIONS_GROUP',
    'Consumer group that reads the predictions.',
  ),
  data: setting.text(
    ({ home }) => appHome(home, 'monitor'),
    'MONITOR_DATA',
    'Folder of files that live as long as one join of labels.',
  ),
  batchRows: setting.int(5_000, 'MONITOR_BATCH_ROWS', 'Predictions that are kept in one transaction, at most.', {
    min: 1,
    max: 100_000,
  }),
  joinRows: setting.int(200_000, 'MONITOR_JOIN_ROWS', 'Predictions whose labels are asked for at once, at most.', { min: 1_000 }),
  joinPoll: setting.duration(500, 'MONITOR_JOIN_POLL', 'How often a dataset that is being built is asked about.', { min: 10 }),
  joinTimeout: setting.duration(
    900_000,
    'MONITOR_JOIN_TIMEOUT',
    'After how long a dataset that is not built is given up and asked for again.',
    { min: 1_000 },
  ),
  judgePause: setting.duration(200, 'MONITOR_JUDGE_PAUSE', 'Shortest time between two looks at the models.', { min: 0 }),
  metricsEvery: setting.duration(5_000, 'MONITOR_METRICS_EVERY', 'How often the gauges are set.', { min: 100 }),
  duckMemory: setting.bytes(
    512 * 1024 ** 2,
    'MONITOR_DUCKDB_MEMORY',
    'Memory of the engine that joins labels; beyond it goes to disk.',
    {
      min: 64 * 1024 ** 2,
    },
  ),
  topFeatures: setting.int(
    20,
    'MONITOR_TOP_FEATURES',
    'Inputs of a model that have a metric of their own: those that drift most.',
    { min: 0, max: 100 },
  ),
})

export type MonitorConfig = ConfigOf<typeof config>
