import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { backingNames, chooseBacking, variables } from '../backing/choose.ts'
import { removeContainers } from '../backing/compose.ts'
import { localService } from '../backing/local.ts'
import { tailOf } from '../backing/start.ts'
import { type BackingName, type Say } from '../backing/service.ts'
import { buildApp, mainOf } from '../build/bundle.ts'
import { serviceApps } from '../build/sources.ts'
import { ensurePrograms } from '../install/programs.ts'
import { cacheOf } from '../paths.ts'
import { unitId } from '../supervisor/app-unit.ts'
import { isAlive, marker, startDetached, type ProcessRef } from '../processes/process.ts'
import {
  errorFile,
  liveSupervisor,
  logFile,
  planFile,
  processesFile,
  readJson,
  readPlan,
  readPlatform,
  supervisorFile,
  remove,
  platformFile,
  writeJson,
  type PlatformFile,
} from './files.ts'
import { prepareHome } from './home.ts'
import { takeLock } from './lock.ts'
import { environmentFor, parseReplicas, type AppPlan, type Plan } from './plan.ts'
import { appPort, mostReplicas, movedBackingPorts } from './ports.ts'
import { mustBeFree, type WantedPort } from './ports-in-use.ts'
import { stopPlatform } from './stop-platform.ts'

export interface StartOptions {
  home: string
  portOffset: number
  /** `app=count` */
  replicas: string[]
  /** Aborted: what this call began is undone, and it throws. */
  signal: AbortSignal
  say: Say
  /** The apps to run; all of the workspace when left out. */
  apps?: AppPlan[]
  env?: NodeJS.ProcessEnv
}

const buildAll = async (say: Say): Promise<Omit<AppPlan, 'replicas'>[]> => {
  const built: Omit<AppPlan, 'replicas'>[] = []
  for (const name of serviceApps()) {
    const { version, built: anew } = await buildApp(name)
    if (anew) say(`built ${name}`)
    built.push({ name, version, entry: mainOf(name) })
  }
  return built
}

/** What the last plan said and this call does not change stays: a second `up` is no change. */
const makePlan = async (
  { home, portOffset, replicas, say, apps, env = process.env }: StartOptions,
  running: Plan | undefined,
): Promise<Plan> => {
  const known =
    apps ??
    (await buildAll(say)).map((app) => ({ ...app, replicas: running?.apps.find(({ name }) => name === app.name)?.replicas ?? 1 }))
  const asked = parseReplicas(
    replicas,
    known.map(({ name }) => name),
    mostReplicas,
  )
  const own = environmentFor(
    known.map(({ name }) => name),
    env,
  )
  return {
    home,
    cache: cacheOf(process.env, home),
    portOffset,
    backing: running?.backing ?? (await chooseBacking({ home, offset: portOffset, say })),
    apps: known.map((app) => ({ ...app, replicas: asked[app.name] ?? app.replicas })),
    env: { ...running?.env, ...own },
  }
}

const install = async (plan: Plan, say: Say) => {
  const names = backingNames.filter((one) => plan.backing[one].how === 'local')
  await ensurePrograms(names, plan.cache, say)
  for (const name of names) {
    const service = await localService(name, {
      home: plan.home,
      cache: plan.cache,
      ports: movedBackingPorts(plan.portOffset),
      say,
    })
    await service.prepare()
  }
}

const portsOf = (plan: Plan): WantedPort[] => {
  const ports = movedBackingPorts(plan.portOffset)
  const local = (name: BackingName, ...wanted: number[]): WantedPort[] =>
    plan.backing[name].how === 'local' ? wanted.map((port) => ({ port, unit: name, variable: variables[name] })) : []
  const backing = [
    ...local('kafka', ports.kafka, ports.kafkaController),
    ...local('postgres', ports.postgres),
    ...local('redis', ports.redis),
  ]
  const apps = plan.apps.flatMap(({ name, replicas }) =>
    Array.from({ length: replicas }, (_, replica) => ({
      port: appPort(name, replica, plan.portOffset),
      unit: unitId(name, replica),
    })),
  )
  return [...backing, ...apps]
}

/** @throws naming every port that is taken by a stranger. */
const checkPorts = (plan: Plan): Promise<void> => {
  const running = readJson<Record<string, { ref: ProcessRef }>>(processesFile(plan.home)) ?? {}
  return mustBeFree(portsOf(plan).filter(({ unit }) => !(running[unit] && isAlive(running[unit].ref))))
}

const startSupervisor = async (plan: Plan): Promise<ProcessRef> => {
  const node = join(import.meta.dirname, '..', '..', 'node_modules', 'node', 'bin', 'node')
  const log = logFile(plan.home, 'supervisor')
  const env = { ...plan.env, CASCATA_HOME: plan.home, [marker]: plan.home }
  const args = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, '..', 'supervisor.ts')]
  const ref = await startDetached({ file: node, args, env, cwd: plan.home }, { out: log, err: log })
  writeJson(supervisorFile(plan.home), ref)
  return ref
}

/** What a unit that does not come up said last. */
const lastWords = (home: string, unit: string): string => {
  const name = unit.replace('/', '-')
  return tailOf(errorFile(home, name), 12) || tailOf(logFile(home, name), 6)
}

const patienceMs = 180_000
const tooManyDeaths = / (\d+) in a row/

/** Waits for the supervisor to say that all is ready. @throws when something keeps dying, or it takes too long. */
const untilReady = async (plan: Plan, supervisor: ProcessRef, { signal, say }: StartOptions): Promise<PlatformFile> => {
  const end = performance.now() + patienceMs
  const wanted = plan.apps.map(({ name, replicas }) => `${name}:${replicas}`).join()
  let told = ''
  for (;;) {
    signal.throwIfAborted()
    const platform = readPlatform(plan.home)
    const fresh =
      platform?.supervisor.pid === supervisor.pid &&
      Object.entries(platform.apps)
        .map(([name, { replicas }]) => `${name}:${replicas.length}`)
        .join() === wanted
    const waiting = fresh ? Object.entries(platform.notReady) : []
    if (fresh && waiting.length === 0) return platform
    const dying = waiting.find(([, why]) => Number(tooManyDeaths.exec(why)?.[1] ?? 0) >= 4)
    if (dying) throw new Error(`${dying[0]} does not stay alive: ${dying[1]}\n${lastWords(plan.home, dying[0])}`)
    if (!isAlive(supervisor)) throw new Error(`The supervisor ended:\n${lastWords(plan.home, 'supervisor')}`)
    if (performance.now() > end)
      throw new Error(`Not ready after ${patienceMs / 1000} s:\n${waiting.map(([unit, why]) => `  ${unit}: ${why}`).join('\n')}`)
    const names = waiting.map(([unit]) => unit).join(', ')
    if (names !== told && names) say(`waiting for ${names}`)
    told = names
    await delay(100)
  }
}

const sameButForNothing = (a: Plan | undefined, b: Plan) => JSON.stringify(a) === JSON.stringify(b)

/** Brings a platform up, or what is missing of it. @throws what a person can act on. */
export const startPlatform = async (options: StartOptions): Promise<{ platform: PlatformFile; already: boolean }> => {
  const { home, say, signal } = options
  prepareHome(home)
  const release = await takeLock(home, (holder) =>
    say(`another \`up\` or \`down\` runs${holder ? ` (pid ${holder.pid})` : ''}, waiting for it`),
  )
  const undo: (() => Promise<unknown>)[] = []
  try {
    const aborted = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
    )
    aborted.catch(() => {})
    const work = async () => {
      const supervisor = liveSupervisor(home)
      const before = readPlan(home)
      const adoptable =
        supervisor !== undefined ||
        Object.values(readJson<Record<string, { ref: ProcessRef }>>(processesFile(home)) ?? {}).some(({ ref }) => isAlive(ref))
      if (before && before.portOffset !== options.portOffset && adoptable) {
        throw new Error(
          `A platform with CASCATA_PORT_OFFSET=${before.portOffset} runs in ${home}: stop it first (npm run down), or use another CASCATA_HOME.`,
        )
      }
      if (!adoptable) undo.push(() => removeContainers(home, options.portOffset))
      const plan = await makePlan(options, adoptable ? before : undefined)
      signal.throwIfAborted()
      await install(plan, say)
      signal.throwIfAborted()
      await checkPorts(plan)
      if (!adoptable) undo.push(() => stopPlatform(home, say))
      const changed = !sameButForNothing(before, plan)
      if (changed) writeJson(planFile(home), plan)
      if (!supervisor) remove(platformFile(home))
      signal.throwIfAborted()
      const keeper = supervisor ?? (await startSupervisor(plan))
      if (supervisor && changed) process.kill(supervisor.pid, 'SIGHUP')
      const platform = await untilReady(plan, keeper, options)
      return { platform, already: supervisor !== undefined && !changed }
    }
    return await Promise.race([work(), aborted])
  } catch (error) {
    for (const step of undo.toReversed()) await step()
    throw error
  } finally {
    release()
  }
}
