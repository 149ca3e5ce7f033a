import { join } from 'node:path'
import { dockerAnswers } from '@cascata/infra'
import { type BackingUrls } from './backing-urls.ts'
import { startContainers } from './containers.ts'
import { startIn } from './private-services.ts'
import { sweep, testHome } from './test-home.ts'

type Started = { urls: BackingUrls; stop: () => Promise<void> }

const fromEnvironment = ({
  KAFKA_BROKERS: kafka,
  DATABASE_URL: postgres,
  REDIS_URL: redis,
}: NodeJS.ProcessEnv): Started | undefined =>
  kafka && postgres && redis ? { urls: { kafka, postgres, redis }, stop: async () => {} } : undefined

const fromDocker = async (): Promise<Started | undefined> => {
  if (!(await dockerAnswers(process.env))) return undefined
  return startContainers().catch((error: Error) => {
    process.stderr.write(`No containers for the tests (${error.message}); local processes instead.\n`)
    return undefined
  })
}

const fromProcesses = async (home: string): Promise<Started> => {
  const [kafka, postgres, redis] = await Promise.all(
    (['kafka', 'postgres', 'redis'] as const).map((name) => startIn(join(home, name), name)),
  )
  return { urls: { kafka: kafka!.url, postgres: postgres!.url, redis: redis!.url }, stop: async () => {} }
}

/**
 * Vitest's global set-up of the integration tests: the backing services that the environment names, else containers where a
 * Docker engine answers, else local processes. Gives their addresses in the environment, ends everything that the run started.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const home = testHome()
  const started = fromEnvironment(process.env) ?? (await fromDocker()) ?? (await fromProcesses(home))
  process.env['KAFKA_BROKERS'] = started.urls.kafka
  process.env['DATABASE_URL'] = started.urls.postgres
  process.env['REDIS_URL'] = started.urls.redis
  return async () => {
    await started.stop()
    await sweep(home)
  }
}
