import { describe, expect, it } from 'vitest'
import { type ConfigError, defineConfig } from './config.ts'
import { setting } from './setting.ts'

const config = defineConfig('dispatcher', {
  port: setting.port(7070),
  maxConcurrent: setting.int(2, 'DISPATCHER_MAX_CONCURRENT', 'How many trainings run at once.', { min: 1 }),
  freeze: setting.list([], 'DISPATCHER_FREEZE_WINDOWS', 'When no training starts.'),
  grace: setting.duration(30_000, 'DISPATCHER_GRACE', 'How long a job may take to end.'),
  mode: setting.choice(['fair', 'fifo'], 'fair', 'DISPATCHER_MODE', 'Order of the queue.'),
  key: setting.secret('DISPATCHER_KEY', 'A secret.'),
})

const problemsOf = (env: Record<string, string>): string[] => {
  try {
    config.parse(env)
    return []
  } catch (error) {
    return (error as ConfigError).problems
  }
}

describe('a configuration', () => {
  it('has defaults for everything', () => {
    const parsed = config.parse({})
    expect(parsed).toMatchObject({
      app: 'dispatcher',
      port: 7070,
      host: '127.0.0.1',
      maxConcurrent: 2,
      home: '.cascata',
      kafkaBrokers: ['127.0.0.1:9092'],
    })
    expect(parsed.registryUrl).toBe('http://127.0.0.1:5000')
    expect(Object.isFrozen(parsed)).toBe(true)
  })

  it('moves every default port, and nothing that was given', () => {
    const parsed = config.parse({ CASCATA_PORT_OFFSET: '1000', REDIS_URL: 'redis://elsewhere:6379' })
    expect(parsed.port).toBe(8070)
    expect(parsed.featureStoreUrl).toBe('http://127.0.0.1:7566')
    expect(parsed.kafkaBrokers).toEqual(['127.0.0.1:10092'])
    expect(parsed.databaseUrl).toContain(':6432/')
    expect(parsed.redisUrl).toBe('redis://elsewhere:6379')
    expect(config.parse({ CASCATA_PORT_OFFSET: '1000', DISPATCHER_PORT: '0' }).port).toBe(0)
  })

  it('reads units, lists and choices', () => {
    const parsed = config.parse({
      DISPATCHER_GRACE: '1.5m',
      DISPATCHER_FREEZE_WINDOWS: 'a, b',
      CASCATA_BODY_LIMIT: '64MiB',
      DISPATCHER_MODE: 'fifo',
    })
    expect(parsed).toMatchObject({ grace: 90_000, freeze: ['a', 'b'], bodyLimit: 64 * 1024 ** 2, mode: 'fifo' })
  })

  it('refuses unknown keys of its own and of the platform, with the nearest one', () => {
    expect(problemsOf({ DISPATCHER_MAX_CONCURENT: '3' })).toEqual([
      'DISPATCHER_MAX_CONCURENT is not a setting; did you mean DISPATCHER_MAX_CONCURRENT?',
    ])
    expect(problemsOf({ CASCATA_HOMES: 'x' })).toEqual(['CASCATA_HOMES is not a setting; did you mean CASCATA_HOME?'])
    expect(problemsOf({ CASCATA_ZZZZZZZZZZZZ: 'x' })).toEqual(['CASCATA_ZZZZZZZZZZZZ is not a setting.'])
  })

  it('lets the environment of others pass, also what Kubernetes sets for a service of that name', () => {
    const parsed = config.parse({
      PATH: '/bin',
      REGISTRY_SOMETHING: '1',
      DISPATCHER_SERVICE_HOST: '10.0.0.1',
      DISPATCHER_PORT: 'tcp://10.0.0.1:7070',
      DISPATCHER_PORT_7070_TCP: 'x',
    })
    expect(parsed.port).toBe(7070)
  })

  it('names every problem at once and never a secret', () => {
    const problems = problemsOf({
      DISPATCHER_MAX_CONCURRENT: '0',
      DISPATCHER_GRACE: '30',
      CASCATA_LOG_LEVEL: 'loud',
      DATABASE_URL: 'mysql://x',
      DISPATCHER_PORT: '70000',
    })
    expect(problems).toHaveLength(5)
    expect(problems.join('\n')).toContain('DISPATCHER_MAX_CONCURRENT="0": expected at least 1')
    expect(problems.join('\n')).toContain('with a unit')
  })

  it('describes itself without showing secrets', () => {
    const lines = config.describe({ DISPATCHER_KEY: 'hunter2', DISPATCHER_GRACE: '1m' })
    expect(lines.find(({ name }) => name === 'grace')).toEqual({
      name: 'grace',
      env: 'DISPATCHER_GRACE',
      type: 'duration',
      default: '30s',
      meaning: 'How long a job may take to end.',
      value: '1m',
    })
    expect(JSON.stringify(lines)).not.toContain('hunter2')
    expect(lines.every(({ meaning }) => meaning.length > 0)).toBe(true)
  })

  it('types what it parses', () => {
    const parsed = config.parse({})
    const mode: 'fair' | 'fifo' = parsed.mode
    const key: string | null = parsed.key
    expect([mode, key]).toEqual(['fair', null])
  })
})
