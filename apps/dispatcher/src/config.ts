import { appHome, type ConfigOf, defineConfig, setting } from '@cascata/service'
import { join } from 'node:path'

export const config = defineConfig('dispatcher', {
  port: setting.port(7070),
  schema: setting.text('dispatcher', 'DISPATCHER_DATABASE_SCHEMA', 'Schema of PostgreSQL that holds the tables.'),
  runs: setting.text(
    ({ home }) => join(appHome(home, 'dispatcher'), 'runs'),
    'DISPATCHER_RUNS',
    'Folder of the runs: datasets, jobs, models, logs. Replicas share it.',
  ),
  maxConcurrent: setting.int(2, 'DISPATCHER_MAX_CONCURRENT', 'Runs at work at once, over all models.', { min: 1, max: 1_000 }),
  freezeWindows: setting.list(
    [],
    'DISPATCHER_FREEZE_WINDOWS',
    'When no run starts: `2026-12-20T00:00Z/2027-01-02T00:00Z`, or every day `22:00-06:00`, in UTC.',
  ),
  trainers: setting.text('.', 'DISPATCHER_TRAINERS', 'Folder that the commands of own trainers start in.'),
  image: setting.text<string | null>(
    null,
    'DISPATCHER_IMAGE',
    'Digest of the image that trainers run in, for the record of versions.',
  ),
  secrets: setting.text<string | null>(null, 'DISPATCHER_SECRETS', 'Folder with a file a secret, for `env` of own trainers.'),
  trainerToken: setting.secret('DISPATCHER_TRAINER_TOKEN', 'Bearer token that own trainers log to the registry with.'),
  datasetTimeout: setting.duration(1_800_000, 'DISPATCHER_DATASET_TIMEOUT', 'Longest wait for the dataset of a run.', {
    min: 1_000,
  }),
  measureTimeout: setting.duration(600_000, 'DISPATCHER_MEASURE_TIMEOUT', 'Longest time of one measurement of a model.', {
    min: 1_000,
  }),
  measureMemory: setting.bytes(2 * 1024 ** 3, 'DISPATCHER_MEASURE_MEMORY', 'Memory of one measurement of a model.', {
    min: 128 * 1024 ** 2,
  }),
  modelLimit: setting.bytes(256 * 1024 ** 2, 'DISPATCHER_MODEL_LIMIT', 'Largest model file.', { min: 1024 }),
  outputLimit: setting.bytes(1024 ** 3, 'DISPATCHER_OUTPUT_LIMIT', 'Most that a trainer may write.', { min: 1024 ** 2 }),
  printLimit: setting.bytes(
    64 * 1024 ** 2,
    'DISPATCHER_PRINT_LIMIT',
    'Most that a trainer may print; a megabyte of it is kept.',
    { min: 1024 },
  ),
  keepRuns: setting.duration(14 * 86_400_000, 'DISPATCHER_KEEP_RUNS', 'How long the folder of an ended run is kept.', { min: 0 }),
})

export type DispatcherConfig = ConfigOf<typeof config>
