import { join } from 'node:path'
import { appHome, type ConfigOf, defineConfig, setting } from '@cascata/service'

export const config = defineConfig('registry', {
  port: setting.port(5000),
  data: setting.text(
    ({ home }) => join(appHome(home, 'registry'), 'blobs'),
    'REGISTRY_DATA',
    'Where the blobs lie, by SHA-256: a folder that replicas share, or s3://bucket/prefix?endpoint=…&region=…, credentials as for the tools of AWS.',
  ),
  blobGrace: setting.duration(7 * 86_400_000, 'REGISTRY_BLOB_GRACE', 'How long a blob is kept that nothing refers to.', {
    min: 60_000,
  }),
  schema: setting.text('registry', 'REGISTRY_DATABASE_SCHEMA', 'Schema of PostgreSQL that holds the tables.'),
  artifactLimit: setting.bytes(10 * 1024 ** 3, 'REGISTRY_ARTIFACT_LIMIT', 'Largest artifact or blob.', { min: 1024 }),
  resourcesLimit: setting.bytes(4 * 1024 ** 2, 'REGISTRY_RESOURCES_LIMIT', 'Largest YAML stream that is applied at once.', {
    min: 1024,
  }),
  retention: setting.duration(30 * 86_400_000, 'REGISTRY_RETENTION', 'How long what was deleted can be restored.', {
    min: 60_000,
  }),
  webhookHosts: setting.list(
    [],
    'REGISTRY_WEBHOOK_HOSTS',
    'Hosts that webhooks may reach although their addresses are private, also without TLS; by name or address, comma-separated.',
  ),
  webhookTimeout: setting.duration(10_000, 'REGISTRY_WEBHOOK_TIMEOUT', 'How long a receiver may take to answer.', { min: 100 }),
  secretsKey: setting.secret(
    'REGISTRY_SECRETS_KEY',
    'Key that the secrets of webhooks are encrypted with: 32 bytes in base64, the same for all replicas. Without it, one is made in CASCATA_HOME/registry/secrets.key.',
  ),
  openLineageUrl: setting.url<string | null>(
    null,
    'OPENLINEAGE_URL',
    'Where OpenLineage events of runs go, whole: http://marquez:5000/api/v1/lineage.',
  ),
  transferTimeout: setting.duration(3_600_000, 'REGISTRY_TRANSFER_TIMEOUT', 'Longest time of one upload or download.', {
    min: 1_000,
  }),
})

export type RegistryConfig = ConfigOf<typeof config>
