import { backingUrls } from '../platform/backing-urls.ts'
import {
  platformFile,
  processesFile,
  readJson,
  readPlan,
  supervisorFile,
  writeJson,
  type PlatformFile,
} from '../platform/files.ts'
import { type Plan } from '../platform/plan.ts'
import { isAlive, refOf, stop, type ProcessRef } from '../processes/process.ts'
import { type BackingName } from '../backing/service.ts'
import { containerPid } from '../backing/compose.ts'
import { appUnit, appUrl, unitId } from './app-unit.ts'
import { backingUnit } from './backing-unit.ts'
import { keepAlive, type Keeper } from './keep-alive.ts'
import { boundLog, logDeath } from './logs.ts'
import { type Unit } from './unit.ts'

const names: BackingName[] = ['kafka', 'postgres', 'redis']

/** The processes as an outsider sees them. */
const describe = (
  plan: Plan,
  urls: Record<BackingName, string>,
  keepers: Map<string, Keeper>,
  containers: Map<string, number>,
): PlatformFile => {
  const pidOf = (id: string) => {
    const state = keepers.get(id)?.state()
    return state && state.is !== 'waiting' ? state.process.pid : null
  }
  const app = ({ name, replicas: count }: Plan['apps'][number]) => {
    const replicas = Array.from({ length: count }, (_, replica) => ({
      url: appUrl(name, replica, plan.portOffset),
      pid: pidOf(unitId(name, replica)),
    }))
    return [name, { ...replicas[0]!, replicas }] as const
  }
  const waiting = [...keepers].flatMap(([id, keeper]) => {
    const state = keeper.state()
    return state.is === 'ready' ? [] : [[id, state.why] as const]
  })
  const missing = plan.apps
    .flatMap(({ name, replicas }) => Array.from({ length: replicas }, (_, replica) => unitId(name, replica)))
    .filter((id) => !keepers.has(id))
  return {
    ...urls,
    apps: Object.fromEntries(plan.apps.map(app)),
    backing: Object.fromEntries(
      names.map((name) => [name, { pid: containers.get(name) ?? pidOf(name), how: plan.backing[name].how }]),
    ),
    supervisor: { pid: process.pid },
    notReady: Object.fromEntries([...waiting, ...missing.map((id) => [id, 'waits for the backing services'] as const)]),
  }
}

/** Until every backing service answered once; apps need them from their first moment. */
const untilReady = (keepers: Iterable<Keeper>, stopped: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    const look = () => {
      if (stopped() || [...keepers].every((keeper) => keeper.state().is === 'ready')) resolve()
      else setTimeout(look, 50)
    }
    look()
  })

/**
 * Keeps what the plan of a home names alive, until SIGTERM. It then leaves everything running: `down` ends it, the next
 * supervisor adopts it. SIGHUP: the plan changed.
 */
export const supervise = async (home: string): Promise<void> => {
  const keepers = new Map<string, Keeper>()
  const processes = readJson<Record<string, { ref: ProcessRef; version: string }>>(processesFile(home)) ?? {}
  const containers = new Map<string, number>()
  let plan = readPlan(home)!
  let urls = await backingUrls(plan)
  const publish = () => writeJson(platformFile(home), describe(plan, urls, keepers, containers))

  const keep = (unit: Unit) => {
    const known = processes[unit.id]
    const hooks = {
      adopted: known?.version === unit.version ? known.ref : undefined,
      changed: (_: Unit, state: ReturnType<Keeper['state']>) => {
        if (state.is !== 'waiting') processes[unit.id] = { ref: state.process, version: unit.version }
        writeJson(processesFile(home), processes)
        if (keepers.has(unit.id)) publish()
      },
      died: (died: Unit, how: string, delayMs: number) => {
        if (died.kind === 'app') logDeath(died.id, died.logs, how, delayMs)
      },
    }
    keepers.set(unit.id, keepAlive(unit, hooks))
  }
  const release = async (id: string) => {
    await keepers.get(id)?.end()
    keepers.delete(id)
    delete processes[id]
    writeJson(processesFile(home), processes)
  }

  /** Ends what an earlier supervisor started and this plan does not want, or wants in another version. */
  const endStrangers = async (wanted: Unit[]) => {
    const strange = Object.keys(processes).filter(
      (id) => !keepers.has(id) && processes[id]!.version !== wanted.find((unit) => unit.id === id)?.version,
    )
    await Promise.all(
      strange.map((id) => (isAlive(processes[id]!.ref) ? stop(processes[id]!.ref, { patienceMs: 20_000 }) : undefined)),
    )
    for (const id of strange) delete processes[id]
  }

  const follow = async () => {
    const next = readPlan(home)!
    const settings = JSON.stringify(plan.env) === JSON.stringify(next.env)
    plan = next
    urls = await backingUrls(plan)
    const wanted = plan.apps.flatMap((app) =>
      Array.from({ length: app.replicas }, (_, replica) => appUnit(plan, app, replica, urls)),
    )
    const stays = (keeper: Keeper) =>
      settings && wanted.some((unit) => unit.id === keeper.unit.id && unit.version === keeper.unit.version)
    await Promise.all(
      [...keepers.values()]
        .filter((keeper) => keeper.unit.kind === 'app' && !stays(keeper))
        .map((keeper) => release(keeper.unit.id)),
    )
    await endStrangers(wanted)
    for (const unit of wanted) if (!keepers.has(unit.id)) keep(unit)
    publish()
  }

  const lookAtContainers = async () => {
    for (const name of names) {
      const choice = plan.backing[name]
      const pid = choice.how === 'docker' ? await containerPid(choice.container) : undefined
      if (pid) containers.set(name, pid)
    }
  }

  let stopped = false
  let changing = Promise.resolve()
  process.on('SIGHUP', () => (changing = changing.then(follow)))
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => ((stopped = true), process.exit(0)))
  writeJson(supervisorFile(home), refOf(process.pid))

  for (const name of names) if (plan.backing[name].how === 'local') keep(await backingUnit(plan, name))
  await lookAtContainers()
  publish()
  await untilReady([...keepers.values()], () => stopped)
  changing = changing.then(follow)

  setInterval(() => {
    for (const { unit } of keepers.values()) for (const file of new Set([unit.logs.out, unit.logs.err])) boundLog(file)
  }, 5_000)
  setInterval(() => {
    if (names.some((name) => plan.backing[name].how === 'docker')) void lookAtContainers().then(publish)
  }, 5_000)
}
