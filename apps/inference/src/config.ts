import { setting, defineConfig, type ConfigOf } from '@cascata/service'

export const config = defineConfig('inference', {
  port: setting.port(8080),
  replica: setting.text<string>('1', 'CASCATA_REPLICA', 'Name or number of this replica; its folder and its facts bear it.'),
  inferBodyLimit: setting.bytes(64 * 1024 ** 2, 'INFERENCE_BODY_LIMIT', 'Largest body of an inference, decompressed.', {
    min: 1024,
    max: 2 ** 30,
  }),
  elements: setting.int(16_000_000, 'INFERENCE_ELEMENTS', 'Most elements of one tensor.', { min: 1 }),
  depth: setting.int(24, 'INFERENCE_JSON_DEPTH', 'Deepest nesting of an inference request.', { min: 8, max: 200 }),
  rows: setting.int(10_000, 'INFERENCE_ROWS', 'Most rows of one prediction by entity.', { min: 1, max: 100_000 }),
  parseAside: setting.bytes(512 * 1024, 'INFERENCE_PARSE_ASIDE', 'Bodies from this size on are read in the other process.', {
    min: 1024,
  }),
  inlineLoad: setting.duration(
    100,
    'INFERENCE_INLINE_LOAD',
    'A model whose loading takes more CPU time runs in the other process.',
  ),
  inlineRun: setting.duration(2, 'INFERENCE_INLINE_RUN', 'A batch that takes longer runs in the other process.', { min: 1 }),
  hostMemory: setting.bytes(
    2 * 1024 ** 3,
    'INFERENCE_HOST_MEMORY',
    'Memory of each process that tries models and runs large batches.',
    { min: 256 * 1024 ** 2 },
  ),
  trialTimeout: setting.duration(60_000, 'INFERENCE_TRIAL_TIMEOUT', 'Longest that loading and replaying golden rows may take.', {
    min: 100,
  }),
  runTimeout: setting.duration(30_000, 'INFERENCE_RUN_TIMEOUT', 'Longest that a run in the other process may take.', {
    min: 100,
  }),
  lookupTimeout: setting.duration(
    10_000,
    'INFERENCE_LOOKUP_TIMEOUT',
    'How long a prediction waits for a feature store that is away.',
    { min: 10 },
  ),
  lookupRows: setting.int(2_000, 'INFERENCE_LOOKUP_ROWS', 'Most entities of one look-up; concurrent predictions share one.', {
    min: 1,
    max: 10_000,
  }),
  logBuffer: setting.int(
    50_000,
    'INFERENCE_LOG_BUFFER',
    'Predictions that wait for Kafka at most; more are dropped and counted.',
    { min: 1 },
  ),
  logBatch: setting.int(500, 'INFERENCE_LOG_BATCH', 'Predictions of one request to Kafka.', { min: 1, max: 10_000 }),
  shadowQueue: setting.int(2_000, 'INFERENCE_SHADOW_QUEUE', 'Rows that wait for a candidate in shadow at most.', { min: 1 }),
  startupWait: setting.duration(
    5_000,
    'INFERENCE_STARTUP_WAIT',
    'How long a start with routes on disk waits for the broker before it answers with those.',
    { min: 0 },
  ),
})

export type InferenceConfig = ConfigOf<typeof config>
