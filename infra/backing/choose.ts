import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type BackingChoice } from '../platform/plan.ts'
import { dockerCan, startContainers } from './compose.ts'
import { askForBrokers } from './kafka-probe.ts'
import { ping } from './redis.ts'
import { type BackingName, type Say } from './service.ts'

/** The variable that names a running server, by service. */
export const variables: Record<BackingName, string> = { kafka: 'KAFKA_BROKERS', postgres: 'DATABASE_URL', redis: 'REDIS_URL' }
export const backingNames = Object.keys(variables) as BackingName[]

const query = async (url: string) => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000 })
  client.on('error', () => {})
  await client.connect()
  await client.query('select 1').finally(() => client.end().catch(() => {}))
}

/** A server spoken to over TLS, or one that wants a login, is left to the apps' own readiness. */
const plain = (url: string) => URL.canParse(url) && new URL(url).protocol === 'redis:' && !new URL(url).password

const probes: Record<BackingName, (url: string) => Promise<void>> = {
  async kafka(url) {
    if (process.env['KAFKA_TLS'] === 'true' || process.env['KAFKA_SASL_MECHANISM']) return
    const [host = '', port] = url.split(',')[0]!.trim().split(':')
    await askForBrokers(host, Number(port ?? 9092))
  },
  postgres: query,
  async redis(url) {
    if (plain(url)) await ping(new URL(url).hostname, Number(new URL(url).port || 6379))
  },
}

/** Tries until the server answers. @throws after `timeoutMs`, naming the variable to look at. */
const mustAnswer = async (name: BackingName, url: string, timeoutMs: number): Promise<void> => {
  const end = performance.now() + timeoutMs
  for (;;) {
    try {
      return await probes[name](url)
    } catch (error) {
      if (performance.now() > end)
        throw new Error(
          `${name} at ${url.replace(/:[^:@/]*@/, ':…@')} (${variables[name]}) does not answer: ${(error as Error).message}`,
        )
    }
    await delay(200)
  }
}

/**
 * Where each backing service comes from: the environment, else Docker, else local processes.
 * What the environment or Docker gives has answered when this returns.
 */
export const chooseBacking = async ({
  home,
  offset,
  say,
}: {
  home: string
  offset: number
  say: Say
}): Promise<Record<BackingName, BackingChoice>> => {
  const given = backingNames.filter((name) => process.env[variables[name]])
  const others = backingNames.filter((name) => !given.includes(name))
  await Promise.all(given.map((name) => mustAnswer(name, process.env[variables[name]]!, 10_000)))
  const containers =
    others.length > 0 && (await dockerCan(others, say))
      ? await startContainers(
          others.map((name) => ({ name, variable: variables[name] })),
          home,
          offset,
        )
      : {}
  await Promise.all(Object.entries(containers).map(([name, { url }]) => mustAnswer(name as BackingName, url, 90_000)))
  const choice = (name: BackingName): BackingChoice => {
    if (given.includes(name)) return { how: 'given', url: process.env[variables[name]]! }
    const container = containers[name]
    return container ? { how: 'docker', ...container } : { how: 'local' }
  }
  return { kafka: choice('kafka'), postgres: choice('postgres'), redis: choice('redis') }
}
