import { join } from 'node:path'
import { appHome, type ConfigOf, defineConfig, setting } from '@cascata/service'

export const config = defineConfig('registry', {
  port: setting.port(5000),
  data: setting.text(
    ({ home }) => join(appHome(home, 'registry'), 'blobs'),
    'REGISTRY_DATA',
    'Folder of the blobs: artifacts, models, evidence, by SHA-256. Replicas share it.',
  ),
  schema: setting.text('registry', 'REGISTRY_DATABASE_SCHEMA', 'Schema of PostgreSQL that holds the tables.'),
  artifactLimit: setting.bytes(10 * 1024 ** 3, 'REGISTRY_ARTIFACT_LIMIT', 'Largest artifact or blob.', { min: 1024 }),
  resourcesLimit: setting.bytes(4 * 1024 ** 2, 'REGISTRY_RESOURCES_LIMIT', 'Largest YAML stream that is applied at once.', {
    min: 1024,
  }),
  transferTimeout: setting.duration(3_600_000, 'REGISTRY_TRANSFER_TIMEOUT', 'Longest time of one upload or download.', {
    min: 1_000,
  }),
})

export type RegistryConfig = ConfigOf<typeof config>
