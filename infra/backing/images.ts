import { kafkaVersion } from '../install/kafka-jars.ts'

/** The images of the backing services, those of docker-compose.yml; a mirror's names come by the same variables. */
export const images = {
  kafka: process.env['KAFKA_IMAGE'] || `apache/kafka:${kafkaVersion}`,
  postgres: process.env['POSTGRES_IMAGE'] || 'postgres:18.4-alpine',
  redis: process.env['REDIS_IMAGE'] || 'redis:7.4-alpine',
} as const
