import { type ConfigOf, defineConfig, setting } from '@cascata/service'

const mebibyte = 1024 ** 2

export const config = defineConfig('feature-store', {
  port: setting.port(6566),
  data: setting.text<string | null>(
    null,
    'FEATURE_STORE_DATA',
    'Folder of segments and datasets, shared by all replicas; default: <CASCATA_HOME>/feature-store.',
  ),
  segments: setting.text<string | null>(
    null,
    'FEATURE_STORE_SEGMENTS',
    'Where segments are kept, if not in that folder: s3://bucket/prefix?endpoint=…&region=…, credentials as for the tools of AWS.',
  ),
  segmentCache: setting.bytes(
    8 * 1024 * mebibyte,
    'FEATURE_STORE_SEGMENT_CACHE',
    'Bytes of segments of a bucket that are kept in the folder; what is being read stays, beyond that too.',
    { min: 64 * mebibyte },
  ),
  schema: setting.text('feature_store', 'FEATURE_STORE_SCHEMA', 'Schema of PostgreSQL.'),
  redisPrefix: setting.text('fs:', 'FEATURE_STORE_REDIS_PREFIX', 'What every key in Redis begins with.'),
  flushRows: setting.int(10_000, 'FEATURE_STORE_FLUSH_ROWS', 'Rows of a flush, at most.', { min: 1, max: 100_000 }),
  flushBytes: setting.bytes(
    16 * mebibyte,
    'FEATURE_STORE_FLUSH_BYTES',
    'Bytes of a flush, and of what may wait for the next one, per view.',
    { min: mebibyte },
  ),
  ingestMemory: setting.bytes(256 * mebibyte, 'FEATURE_STORE_INGEST_MEMORY', 'Memory of the engine that writes segments.', {
    min: 64 * mebibyte,
  }),
  datasetMemory: setting.bytes(
    1024 * mebibyte,
    'FEATURE_STORE_DATASET_MEMORY',
    'Memory of the engine that builds datasets; beyond it, it spills to disk.',
    { min: 128 * mebibyte },
  ),
  datasetThreads: setting.int(2, 'FEATURE_STORE_DATASET_THREADS', 'Threads of the engine that builds datasets.', {
    min: 1,
    max: 64,
  }),
  spark: setting.text<string | null>(
    null,
    'FEATURE_STORE_SPARK',
    'Command that joins datasets by Spark, such as `spark-submit --master yarn infra/spark/build_dataset.py`; its executors see FEATURE_STORE_DATA by the same path.',
  ),
  sparkAbove: setting.bytes(
    0,
    'FEATURE_STORE_SPARK_ABOVE',
    'Datasets over more bytes of segments are joined by Spark; 0: only those that ask for it.',
    { min: 0 },
  ),
  datasetWait: setting.duration(
    10 * 60_000,
    'FEATURE_STORE_DATASET_WAIT',
    'How long a dataset waits for the views to reach its snapshot.',
    { min: 1_000 },
  ),
  ripenessMemory: setting.bytes(
    256 * mebibyte,
    'FEATURE_STORE_RIPENESS_MEMORY',
    'Memory of the engine that counts ripe labels.',
    { min: 64 * mebibyte },
  ),
  maxEntities: setting.int(10_000, 'FEATURE_STORE_MAX_ENTITIES', 'Entities of a look-up, at most.', { min: 1 }),
  maxFeatures: setting.int(5_000, 'FEATURE_STORE_MAX_FEATURES', 'Features of a look-up, at most.', { min: 1 }),
  maxSpineRows: setting.int(20_000_000, 'FEATURE_STORE_MAX_SPINE_ROWS', 'Rows of a spine, at most.', { min: 1 }),
  maxSpine: setting.bytes(512 * mebibyte, 'FEATURE_STORE_MAX_SPINE', 'Bytes of a spine, at most.', { min: 1024 }),
  maxPush: setting.bytes(64 * mebibyte, 'FEATURE_STORE_MAX_PUSH', 'Bytes of a push, at most.', { min: 1024 }),
  maxPushRows: setting.int(100_000, 'FEATURE_STORE_MAX_PUSH_ROWS', 'Rows of a push, at most.', { min: 1 }),
  maxImport: setting.bytes(64 * 1024 * mebibyte, 'FEATURE_STORE_MAX_IMPORT', 'Bytes of the files of one import, at most.', {
    min: 1024,
  }),
  maxImportRows: setting.int(1_000_000_000, 'FEATURE_STORE_MAX_IMPORT_ROWS', 'Rows of one imported file, at most.', { min: 1 }),
  importMemory: setting.bytes(512 * mebibyte, 'FEATURE_STORE_IMPORT_MEMORY', 'Memory of the engine that reads imported files.', {
    min: 128 * mebibyte,
  }),
  importThreads: setting.int(2, 'FEATURE_STORE_IMPORT_THREADS', 'Threads of the engine that reads imported files.', {
    min: 1,
    max: 64,
  }),
  schemaRegistryUrl: setting.url<string | null>(
    null,
    'FEATURE_STORE_SCHEMA_REGISTRY_URL',
    'Schema registry (Confluent’s API) of rows in its wire format; views that need one wait without it.',
  ),
  schemaRegistryUser: setting.text<string | null>(null, 'FEATURE_STORE_SCHEMA_REGISTRY_USER', 'User at the schema registry.'),
  schemaRegistryPassword: setting.secret('FEATURE_STORE_SCHEMA_REGISTRY_PASSWORD', 'Password of that user.'),
  retention: setting.duration(
    0,
    'FEATURE_STORE_RETENTION',
    'How long rows are kept offline, counted from when they came, and at least as long as the ttl of their view; 0s: for ever.',
  ),
  eraseWithin: setting.duration(
    24 * 60 * 60_000,
    'FEATURE_STORE_ERASE_WITHIN',
    'By when an erased entity is out of all segments: what an erasure answers as its deadline.',
    { min: 2 * 60 * 60_000 },
  ),
  upkeepEvery: setting.duration(
    60_000,
    'FEATURE_STORE_UPKEEP_EVERY',
    'How often segments are looked at, to merge or drop them.',
    {
      min: 1_000,
    },
  ),
  upkeepMemory: setting.bytes(
    256 * mebibyte,
    'FEATURE_STORE_UPKEEP_MEMORY',
    'Memory of the engine that merges segments; beyond it, it spills to disk.',
    { min: 64 * mebibyte },
  ),
  profileRows: setting.int(100_000, 'FEATURE_STORE_PROFILE_ROWS', 'Rows that the catalogue profiles a feature over, at most.', {
    min: 100,
    max: 10_000_000,
  }),
  profileTime: setting.duration(
    10_000,
    'FEATURE_STORE_PROFILE_TIME',
    'How long the catalogue looks into the values of one feature, at most.',
    { min: 100, max: 20_000 },
  ),
  payloadsPerMinute: setting.int(
    60,
    'FEATURE_STORE_REJECTED_PAYLOADS',
    'Rejected rows of a view whose content is kept, per minute.',
    { min: 0, max: 10_000 },
  ),
})

export type FeatureStoreConfig = ConfigOf<typeof config>
