import { execFile } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { appPorts } from '@cascata/service'
import { fetchAnyPort } from '@cascata/service/any-port'
import { eventually, freePort, testHome, uniqueName } from '@cascata/testing'

const root = resolve(import.meta.dirname, '../..')
const node = join(root, 'node_modules/node/bin/node')
const execute = promisify(execFile)

interface PlatformJson {
  kafka: string
  postgres: string
  redis: string
  apps: Record<string, { url: string; pid: number; replicas: { url: string; pid: number }[] }>
  backing: Record<string, { pid: number }>
  notReady: Record<string, string>
}

/** A platform of one test: its own home and ports, started and stopped as a user would, and ended with the test however that ends. */
export async function startPlatform() {
  const home = join(testHome(), uniqueName('platform'))
  const { KAFKA_BROKERS, DATABASE_URL, REDIS_URL, ...rest } = process.env
  // Backing services of its own even where others are given: this test kills them.
  void [KAFKA_BROKERS, DATABASE_URL, REDIS_URL]
  const env = { ...rest, CASCATA_HOME: home, CASCATA_PORT_OFFSET: String(await freeOffset()), NODE_OPTIONS: '' }
  const run = async (script: string, ...args: string[]) => {
    const { stdout } = await execute(node, ['--disable-warning=ExperimentalWarning', join(root, 'infra', script), ...args], {
      env,
      cwd: root,
      timeout: 300_000,
    })
    return stdout
  }
  const read = (): PlatformJson => JSON.parse(readFileSync(join(home, 'platform.json'), 'utf8'))
  await run('up.ts')

  return {
    home,
    read,
    up: (...args: string[]) => run('up.ts', ...args),
    /** The command-line client. */
    async cascata(...args: string[]) {
      const { stdout } = await execute(join(root, 'cascata'), args, { env, cwd: root, timeout: 120_000 })
      return stdout
    },
    /** Runs what a page of the documents says in a shell, in the clone as its reader does; ports and the folder of the state are this platform's. */
    async shell(script: string, more: Readonly<Record<string, string>> = {}) {
      const { apps } = read()
      const ported = Object.entries(appPorts).reduce(
        (text, [app, port]) => text.replaceAll(`localhost:${port}`, new URL(apps[app]?.url ?? 'http://none').host),
        script.replaceAll('.cascata/', `${home}/`),
      )
      const ran = Object.entries(more).reduce((text, [page, here]) => text.replaceAll(page, here), ported)
      const options = { env: { ...env, PATH: `${dirname(node)}:${process.env['PATH']}` }, cwd: root, timeout: 120_000 }
      return execute('sh', ['-c', ran], options).then(
        ({ stdout }) => ({ code: 0, stdout, stderr: '' }),
        ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
      )
    },
    /** kill -9, then waits until something else does its work and answers. */
    async kill(kind: 'apps' | 'backing', name: string) {
      const before = read()[kind][name]!.pid
      process.kill(before, 'SIGKILL')
      await eventually(
        () => {
          const now = read()
          if (now[kind][name]!.pid === before || !now[kind][name]!.pid || Object.keys(now.notReady).length > 0)
            throw new Error(`${name} is not back: ${JSON.stringify(now.notReady)}`)
        },
        { timeout: 90_000, interval: 100 },
      )
    },
    async get(app: string, path: string): Promise<any> {
      const answer = await fetchAnyPort(read().apps[app]!.url + path)
      if (!answer.ok) throw new Error(`GET ${app}${path}: ${answer.status} ${await answer.text()}`)
      return (answer.headers.get('content-type') ?? '').includes('json') ? answer.json() : Buffer.from(await answer.arrayBuffer())
    },
    async post(app: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<any> {
      const answer = await fetchAnyPort(read().apps[app]!.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
      if (!answer.ok) throw new Error(`POST ${app}${path}: ${answer.status} ${await answer.text()}`)
      return answer.json()
    },
    async stop() {
      await run('down.ts', '--purge').finally(() => rmSync(home, { recursive: true, force: true }))
    },
  }
}
export type Platform = Awaited<ReturnType<typeof startPlatform>>

/** An offset under which a port that every platform needs is free; `up` reports the others. */
async function freeOffset(): Promise<number> {
  const port = await freePort()
  return Math.max(1_000, Math.min(39_000, Math.floor((port % 38_000) / 100) * 100))
}
