import { type ConfigOf, defineConfig, setting } from '@cascata/service'

export const config = defineConfig('deployer', {
  port: setting.port(7080),
  schema: setting.text<string>('deployer', 'DEPLOYER_DATABASE_SCHEMA', 'Schema of PostgreSQL that holds the tables.'),
  group: setting.text<string>(
    'cascata.deployer.predictions',
    'DEPLOYER_PREDICTIONS_GROUP',
    'Consumer group that reads predictions.',
  ),
  tick: setting.duration(500, 'DEPLOYER_TICK', 'How often rollouts are looked at for what time alone decides.', {
    min: 20,
    max: 60_000,
  }),
  askMonitor: setting.duration(5_000, 'DEPLOYER_ASK_MONITOR', 'How often the monitor is asked how a version in bake did.', {
    min: 20,
  }),
  batchRows: setting.int(5_000, 'DEPLOYER_BATCH_ROWS', 'Predictions that are counted at once, at most.', {
    min: 1,
    max: 100_000,
  }),
  latencyFloor: setting.duration(
    5,
    'DEPLOYER_LATENCY_FLOOR',
    'A p99 that grows by less than this is within the noise of a machine.',
    { min: 0 },
  ),
})

export type DeployerConfig = ConfigOf<typeof config>
