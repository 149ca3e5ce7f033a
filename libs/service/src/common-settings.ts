import { join } from 'node:path'
import { setting, type Base, type Setting } from './setting.ts'

/** Default ports of the apps, before `CASCATA_PORT_OFFSET`. */
export const appPorts = {
  registry: 5000,
  'feature-store': 6566,
  dispatcher: 7070,
  deployer: 7080,
  inference: 8080,
  monitor: 7090,
  console: 3000,
} as const

export type AppName = keyof typeof appPorts

/** `feature-store` → `FEATURE_STORE`. */
export const envPrefix = (app: string): string => app.toUpperCase().replaceAll('-', '_')

const local =
  (port: number, scheme: string, path = '') =>
  ({ portOffset }: Base) =>
    `${scheme}127.0.0.1:${port + portOffset}${path}`

const urlOf = (app: AppName) => setting.url(local(appPorts[app], 'http://'), `${envPrefix(app)}_URL`, `Where ${app} answers.`)

/** Read before everything else, as defaults of other settings depend on them. */
export const baseSettings = {
  portOffset: setting.int(
    0,
    'CASCATA_PORT_OFFSET',
    'Added to every default port, so that two platforms can run on one machine.',
    { min: 0, max: 50_000 },
  ),
  home: setting.text('.cascata', 'CASCATA_HOME', 'Folder of all state that is not in a backing service.'),
}

/** What every app can be told, besides its port and its own settings. */
export const commonSettings = {
  ...baseSettings,
  host: setting.text(
    '127.0.0.1',
    'CASCATA_HOST',
    'Address to listen on. Other than loopback: tokens are needed, and CASCATA_TLS.',
  ),
  kafkaBrokers: setting.list(
    (base) => [local(9092, '')(base)],
    'KAFKA_BROKERS',
    'Kafka bootstrap servers, host:port, comma-separated.',
  ),
  kafkaTls: setting.bool(false, 'KAFKA_TLS', 'Whether the brokers are spoken to over TLS.'),
  kafkaMechanism: setting.choice(
    ['none', 'plain', 'scram-sha-256', 'scram-sha-512'],
    'none',
    'KAFKA_SASL_MECHANISM',
    'How to log in to Kafka.',
  ),
  kafkaUser: setting.text<string | null>(null, 'KAFKA_SASL_USERNAME', 'User for Kafka.'),
  kafkaPassword: setting.secret('KAFKA_SASL_PASSWORD', 'Password for Kafka.'),
  kafkaMaxUnpacked: setting.bytes(
    64 * 1024 ** 2,
    'KAFKA_MAX_UNPACKED',
    'What a compressed batch of records may unpack to; a larger one is not read, and is rejected or dead-lettered as a whole.',
    { min: 1024 ** 2, max: 1024 ** 3 },
  ),
  databaseUrl: setting.url<string>(
    local(5432, 'postgres://cascata@', '/cascata'),
    'DATABASE_URL',
    'PostgreSQL; `?sslmode=verify-full` for TLS.',
    ['postgres:', 'postgresql:'],
  ),
  databasePool: setting.int(10, 'CASCATA_DATABASE_POOL', 'Most connections to PostgreSQL.', { min: 2, max: 200 }),
  redisUrl: setting.url<string>(
    local(6379, 'redis://'),
    'REDIS_URL',
    'Redis; `rediss:` for TLS. A cluster: `redis-cluster://host:port` or `rediss-cluster:`, `?node=host:port` for more places to find it by.',
    ['redis:', 'rediss:', 'redis-cluster:', 'rediss-cluster:'],
  ),
  registryUrl: urlOf('registry'),
  featureStoreUrl: urlOf('feature-store'),
  dispatcherUrl: urlOf('dispatcher'),
  deployerUrl: urlOf('deployer'),
  inferenceUrl: urlOf('inference'),
  monitorUrl: urlOf('monitor'),
  logLevel: setting.choice(
    ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    'info',
    'CASCATA_LOG_LEVEL',
    'Least level that is logged.',
  ),
  tokensFile: setting.text<string | null>(
    null,
    'CASCATA_TOKENS_FILE',
    'JSON file of hashed bearer tokens; without it nobody logs in, on loopback only.',
  ),
  serviceToken: setting.secret('CASCATA_TOKEN', 'Bearer token this app presents to the other apps.'),
  rateLimit: setting.int(
    0,
    'CASCATA_RATE_LIMIT',
    'Requests a second that one token may send to a replica, ten times as many at once; 0: no limit.',
    { min: 0, max: 1_000_000 },
  ),
  tls: setting.choice(
    ['none', 'in-front', 'private-network'],
    'none',
    'CASCATA_TLS',
    'Who keeps tokens from being read on the wire when the address is not loopback: a proxy in front that ends TLS, or a network nobody else is on.',
  ),
  metrics: setting.choice(
    ['viewer', 'public'],
    'viewer',
    'CASCATA_METRICS',
    'Who may read /metrics and /openapi.json where login is on.',
  ),
  bodyLimit: setting.bytes(16 * 1024 ** 2, 'CASCATA_BODY_LIMIT', 'Largest request body.', { min: 1024, max: 2 * 1024 ** 3 }),
  jsonDepth: setting.int(64, 'CASCATA_JSON_DEPTH', 'Deepest nesting of a JSON body.', { min: 8, max: 1000 }),
  requestTimeout: setting.duration(60_000, 'CASCATA_REQUEST_TIMEOUT', 'Longest time until a request is answered.', { min: 100 }),
  drainTimeout: setting.duration(10_000, 'CASCATA_DRAIN_TIMEOUT', 'How long a stop waits for requests under way.', { min: 0 }),
  otlpEndpoint: setting.url<string | null>(
    null,
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'Where traces go (OpenTelemetry, OTLP over HTTP); without it tracing is off.',
  ),
} satisfies Record<string, Setting<never> | Setting<unknown>>

/** The folder of an app's own files: `<home>/<app>`. */
export const appHome = (home: string, app: string): string => join(home, app)
