import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { which } from '../install/system-packages.ts'
import { root } from '../paths.ts'
import { movedBackingPorts } from '../platform/ports.ts'
import { mustBeFree } from '../platform/ports-in-use.ts'
import { dockerAnswers } from './docker-engine.ts'
import { images } from './images.ts'
import { type BackingName, type Say } from './service.ts'

const run = promisify(execFile)

/** The compose command of this machine: version 2's plugin, else `docker-compose`; undefined without either. */
const composeCommand = async (): Promise<string[] | undefined> => {
  const plugin = await run('docker', ['compose', 'version']).then(
    () => true,
    () => false,
  )
  if (plugin) return ['docker', 'compose']
  return which('docker-compose') ? ['docker-compose'] : undefined
}

/** One project a home, so that two platforms have containers of their own. */
export const composeProject = (home: string): string => `cascata-${createHash('sha256').update(home).digest('hex').slice(0, 8)}`

const compose = async (home: string, offset: number, args: string[]): Promise<string> => {
  const command = await composeCommand()
  if (!command) throw new Error('There is no `docker compose` and no `docker-compose`.')
  const ports = movedBackingPorts(offset)
  const env = {
    ...process.env,
    KAFKA_PORT: String(ports.kafka),
    POSTGRES_PORT: String(ports.postgres),
    REDIS_PORT: String(ports.redis),
  }
  const base = ['-p', composeProject(home), '-f', join(root, 'docker-compose.yml')]
  const { stdout } = await run(command[0]!, [...command.slice(1), ...base, ...args], {
    env,
    cwd: root,
    maxBuffer: 16 * 1024 ** 2,
  })
  return stdout.trim()
}

const hasImage = (image: string): Promise<boolean> =>
  run('docker', ['image', 'inspect', image]).then(
    () => true,
    () => false,
  )

/** True when an engine answers, compose is there and every image is there or can be fetched. */
export const dockerCan = async (names: BackingName[], say: Say): Promise<boolean> => {
  if (!(await dockerAnswers(process.env)) || !(await composeCommand())) return false
  for (const name of names) {
    if (await hasImage(images[name])) continue
    say(`fetching the image ${images[name]}`)
    const fetched = await run('docker', ['pull', '-q', images[name]], { timeout: 600_000 }).catch((error: Error) => error)
    if (fetched instanceof Error) {
      say(`a Docker engine answers, but has not got ${images[name]} and can't fetch it: local processes instead`)
      return false
    }
  }
  return true
}

const isRunning = async (container: string): Promise<boolean> => container !== '' && (await containerPid(container)) !== undefined

/**
 * Starts the services as containers; gives each one's address and container id.
 *
 * @param wanted The services, with the variable that names a running server instead.
 * @throws naming the ports that are taken; nothing is left of a start that failed.
 */
export const startContainers = async (
  wanted: { name: BackingName; variable: string }[],
  home: string,
  offset: number,
): Promise<Record<string, { url: string; container: string }>> => {
  const ports = movedBackingPorts(offset)
  const containerOf = (name: BackingName) => compose(home, offset, ['ps', '-q', name])
  const stopped = []
  for (const one of wanted) if (!(await isRunning(await containerOf(one.name)))) stopped.push(one)
  await mustBeFree(stopped.map(({ name, variable }) => ({ port: ports[name], unit: name, variable })))
  await compose(home, offset, ['up', '-d', '--no-build', ...wanted.map(({ name }) => name)]).catch(async (error: Error) => {
    await stopContainers(home, offset, false)
    throw error
  })
  const urls: Record<BackingName, string> = {
    kafka: `127.0.0.1:${ports.kafka}`,
    postgres: `postgres://cascata:cascata@127.0.0.1:${ports.postgres}/cascata`,
    redis: `redis://127.0.0.1:${ports.redis}`,
  }
  const started = await Promise.all(
    wanted.map(async ({ name }) => [name, { url: urls[name], container: await containerOf(name) }] as const),
  )
  return Object.fromEntries(started)
}

/** Removes the containers of a home; with `purge` their data too. */
export const stopContainers = async (home: string, offset: number, purge: boolean): Promise<void> => {
  await compose(home, offset, ['down', ...(purge ? ['-v'] : [])])
}

/** Removes whatever containers of a home there are; nothing where no engine answers. */
export const removeContainers = async (home: string, offset: number): Promise<void> => {
  if ((await dockerAnswers(process.env)) && (await composeCommand())) await stopContainers(home, offset, false)
}

/** Process id of a container's main process on this machine; undefined while it does not run. */
export const containerPid = async (container: string): Promise<number | undefined> => {
  const told = await run('docker', ['inspect', '-f', '{{.State.Pid}}', container]).catch(() => undefined)
  return Number(told?.stdout.trim()) || undefined
}
