/** Where the backing services of a test run are. */
export interface BackingUrls {
  /** `host:port` */
  kafka: string
  postgres: string
  redis: string
}

/** @throws when the run has none: an integration test outside of the project `int`. */
export const backing = (): BackingUrls => {
  const { KAFKA_BROKERS: kafka, DATABASE_URL: postgres, REDIS_URL: redis } = process.env
  if (!kafka || !postgres || !redis)
    throw new Error('KAFKA_BROKERS, DATABASE_URL and REDIS_URL are missing: run this as an .int.spec.ts.')
  return { kafka, postgres, redis }
}
