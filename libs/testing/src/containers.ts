import { freePort, images } from '@cascata/infra'
import { type BackingUrls } from './backing-urls.ts'

const kafkaEnvironment = (port: number) => ({
  KAFKA_NODE_ID: '1',
  KAFKA_PROCESS_ROLES: 'broker,controller',
  KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:29093',
  KAFKA_LISTENERS: `PLAINTEXT://:${port},CONTROLLER://:29093`,
  KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://localhost:${port}`,
  KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
  KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
  KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
  KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
  KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
  KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
})

/**
 * The three backing services as containers.
 *
 * @throws when an image can't be had; what was started by then is stopped.
 */
export const startContainers = async (): Promise<{ urls: BackingUrls; stop: () => Promise<void> }> => {
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true'
  const { GenericContainer, Wait } = await import('testcontainers')
  const port = await freePort()
  const wanted = [
    new GenericContainer(images.kafka)
      .withEnvironment(kafkaEnvironment(port))
      .withExposedPorts({ container: port, host: port })
      .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/)),
    new GenericContainer(images.postgres)
      .withEnvironment({ POSTGRES_USER: 'cascata', POSTGRES_PASSWORD: 'cascata', POSTGRES_DB: 'cascata' })
      .withExposedPorts(5432)
      .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2)),
    new GenericContainer(images.redis)
      .withCommand(['redis-server', '--appendonly', 'yes', '--maxmemory-policy', 'noeviction'])
      .withExposedPorts(6379)
      .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/)),
  ]
  const started = await Promise.allSettled(wanted.map((container) => container.start()))
  const running = started.filter((result) => result.status === 'fulfilled').map((result) => result.value)
  const stop = async () => void (await Promise.all(running.map((container) => container.stop())))
  const failed = started.find((result) => result.status === 'rejected')
  if (failed) {
    await stop()
    throw failed.reason
  }
  const [, postgres, redis] = running
  return {
    urls: {
      kafka: `localhost:${port}`,
      postgres: `postgres://cascata:cascata@${postgres!.getHost()}:${postgres!.getMappedPort(5432)}/cascata`,
      redis: `redis://${redis!.getHost()}:${redis!.getMappedPort(6379)}`,
    },
    stop,
  }
}
