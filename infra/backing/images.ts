import { kafkaVersion } from '../install/kafka-jars.ts'

/** The images of the backing services, of the same versions as the local ones where those are pinned. */
export const images = {
  kafka: `apache/kafka:${kafkaVersion}`,
  postgres: 'postgres:18.1-alpine',
  redis: 'redis:7.4-alpine',
} as const
