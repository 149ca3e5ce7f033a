import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually, testHome, uniqueName } from '@cascata/testing'
import { readPlatform, type PlatformFile } from '../platform/files.ts'
import { freeOffset } from '../platform/free-offset.ts'
import { type AppPlan } from '../platform/plan.ts'
import { appPorts } from '../platform/ports.ts'
import { startPlatform } from '../platform/start-platform.ts'
import { stopPlatform } from '../platform/stop-platform.ts'
import { gone, isAlive, marker, processesWith, refOf } from '../processes/process.ts'

const home = join(testHome(), uniqueName('platform'))
let portOffset = 0
const said: string[] = []

/** An app as small as can be: it answers /readyz and says its environment. */
const program = `
import { createServer } from 'node:http'
const port = Number(process.env.MONITOR_PORT ?? ${appPorts['monitor']} + Number(process.env.CASCATA_PORT_OFFSET))
const { KAFKA_BROKERS, DATABASE_URL, REDIS_URL, CASCATA_HOME } = process.env
console.log(JSON.stringify({ msg: 'started' }))
createServer((request, answer) => answer.end(JSON.stringify({ KAFKA_BROKERS, DATABASE_URL, REDIS_URL, CASCATA_HOME, given: process.env.MONITOR_GIVEN }))).listen(port, '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
`

const app = (version = '1'): AppPlan => ({ name: 'monitor', version, entry: join(home, 'app.mjs'), replicas: 1 })

const up = (options: { replicas?: string[]; apps?: AppPlan[]; signal?: AbortSignal; home?: string } = {}) =>
  startPlatform({
    home,
    portOffset,
    replicas: [],
    apps: [app()],
    signal: new AbortController().signal,
    say: (line) => said.push(line),
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], MONITOR_GIVEN: 'yes' },
    ...options,
  })

const platform = (): PlatformFile => readPlatform(home)!
const pids = ({ backing, apps }: PlatformFile) => ({
  kafka: backing['kafka']!.pid,
  postgres: backing['postgres']!.pid,
  redis: backing['redis']!.pid,
  monitor: apps['monitor']!.pid,
})

/** The servers of the test run are not what is tried here: each variable is taken away for the length of this file. */
const given = Object.fromEntries(
  ['KAFKA_BROKERS', 'DATABASE_URL', 'REDIS_URL', 'DOCKER_HOST'].map((key) => [key, process.env[key]]),
)

beforeAll(async () => {
  for (const key of Object.keys(given)) delete process.env[key]
  process.env['DOCKER_HOST'] = 'unix:///nowhere'
  portOffset = await freeOffset()
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'app.mjs'), program)
  await up()
})

afterAll(async () => {
  await stopPlatform(home, () => {})
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) delete process.env[key]
    else process.env[key] = value
  }
})

it('gives an app its addresses and its settings', async () => {
  const { kafka, postgres, redis, apps } = platform()
  const told = await (await fetch(`${apps['monitor']!.url}/readyz`)).json()
  expect(told).toEqual({ KAFKA_BROKERS: kafka, DATABASE_URL: postgres, REDIS_URL: redis, CASCATA_HOME: home, given: 'yes' })
})

it('does nothing the second time', async () => {
  const before = pids(platform())
  expect((await up()).already).toBe(true)
  expect(pids(platform())).toEqual(before)
})

it.each(['redis', 'postgres', 'kafka', 'monitor'] as const)(
  'starts %s again after kill -9, and its new pid is known',
  async (name) => {
    const before = pids(platform())
    process.kill(before[name]!, 'SIGKILL')
    await eventually(
      () => {
        const now = platform()
        expect(pids(now)[name]).toEqual(expect.any(Number))
        expect(pids(now)[name]).not.toBe(before[name])
        expect(now.notReady).toEqual({})
      },
      { timeout: 60_000 },
    )
    expect({ ...pids(platform()), [name]: 0 }).toEqual({ ...before, [name]: 0 })
  },
)

it('says in the log of an app how it ended', () => {
  const lines = readFileSync(join(home, 'logs', 'monitor.log'), 'utf8')
    .trim()
    .split('\n')
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toContainEqual(
    expect.stringContaining('process ended (SIGKILL)'),
  )
})

it('leaves everything running when the supervisor is killed; the next one adopts it', async () => {
  const before = pids(platform())
  const old = refOf(platform().supervisor.pid)!
  process.kill(old.pid, 'SIGKILL')
  await gone(old, 5_000)
  await up()
  expect(platform().supervisor.pid).not.toBe(old.pid)
  expect(pids(platform())).toEqual(before)
  process.kill(before.redis!, 'SIGKILL')
  await eventually(() => expect(pids(platform()).redis).not.toBe(before.redis), { timeout: 20_000 })
  await eventually(() => expect(platform().notReady).toEqual({}))
})

it('runs more of an app when asked, and fewer again', async () => {
  const first = platform().apps['monitor']!.pid
  await up({ replicas: ['monitor=2'] })
  const { replicas } = platform().apps['monitor']!
  expect(replicas.map(({ url }) => Number(new URL(url).port))).toEqual([
    appPorts['monitor']! + portOffset,
    appPorts['monitor']! + portOffset + 1,
  ])
  expect(replicas[0]!.pid).toBe(first)
  expect((await fetch(`${replicas[1]!.url}/readyz`)).ok).toBe(true)
  const second = refOf(replicas[1]!.pid!)!
  await up({ replicas: ['monitor=1'] })
  await eventually(() => expect(isAlive(second)).toBe(false))
})

it('restarts an app whose bundle changed, and nothing else', async () => {
  const before = pids(platform())
  await up({ apps: [app('2')] })
  await eventually(() => expect(pids(platform()).monitor).not.toBe(before.monitor))
  expect({ ...pids(platform()), monitor: 0 }).toEqual({ ...before, monitor: 0 })
})

it('names a port in use and its owner', async () => {
  const server = await new Promise<Server>((resolve) => {
    const made = createServer().listen(appPorts['monitor']! + portOffset + 1, '127.0.0.1', () => resolve(made))
  })
  await expect(up({ replicas: ['monitor=2'] })).rejects.toThrow(
    new RegExp(`port ${appPorts['monitor']! + portOffset + 1}, for monitor/1, is in use by pid ${process.pid}`),
  )
  await new Promise((resolve) => server.close(resolve))
})

it('leaves no process behind after down, not even one that nobody wrote down', async () => {
  const mine = () => processesWith((environment) => environment.includes(`${marker}=${home}`))
  expect(mine().length).toBeGreaterThan(3)
  await stopPlatform(home, () => {})
  expect(mine()).toEqual([])
  expect(readPlatform(home)).toBeUndefined()
  expect(await stopPlatform(home, () => {})).toBe(0)
})

it('undoes a start that is interrupted', async () => {
  const interrupt = new AbortController()
  const started = up({ signal: interrupt.signal })
  await eventually(() => expect(readPlatform(home)).toBeDefined())
  interrupt.abort(new Error('interrupted'))
  await expect(started).rejects.toThrow('interrupted')
  expect(processesWith((environment) => environment.includes(`${marker}=${home}`))).toEqual([])
})

it('says why an app does not stay alive', async () => {
  writeFileSync(join(home, 'app.mjs'), `throw new Error('no luck today')`)
  await expect(up()).rejects.toThrow(/monitor does not stay alive[^]*no luck today/)
  expect(processesWith((environment) => environment.includes(`${marker}=${home}`))).toEqual([])
})
