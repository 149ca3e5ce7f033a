import { join } from 'node:path'
import { stopContainers } from '../backing/compose.ts'
import { backingNames } from '../backing/choose.ts'
import { type Say } from '../backing/service.ts'
import { root } from '../paths.ts'
import { gone, isAlive, marker, processesWith, signalGroup, stop, type ProcessRef } from '../processes/process.ts'
import { liveSupervisor, platformFile, processesFile, readJson, readPlan, remove, supervisorFile } from './files.ts'

const patience = { app: 20_000, backing: 30_000 }
const isBacking = (id: string) => (backingNames as string[]).includes(id)

/** A process of a bundle of ours that was told a folder of this home: what watches a run has no environment to be known by. */
const isOurs = (home: string, words: string[]) =>
  words.some((word) => word.startsWith(join(root, 'dist', 'apps', '/'))) && words.some((word) => word.startsWith(join(home, '/')))

/** What belongs to a home although nobody wrote it down: processes with its mark, the jobs of its runs, and what watches those. */
const strays = (home: string): ProcessRef[] =>
  processesWith(
    (environment, words) =>
      environment.includes(`${marker}=${home}`) ||
      environment.some((line) => line.startsWith(`CASCATA_JOB=${join(home, '/')}`)) ||
      isOurs(home, words),
  )

const endStrays = async (home: string) => {
  for (let round = 0; round < 5; round += 1) {
    const left = strays(home)
    if (left.length === 0) return
    for (const ref of left) {
      signalGroup(ref, 'SIGCONT')
      signalGroup(ref, 'SIGKILL')
    }
    await Promise.all(left.map((ref) => gone(ref, 5_000)))
  }
}

/**
 * Ends everything that a home's platform started: the supervisor first, which would start it again, then the apps, then the
 * backing services, then what they left behind. Data stays.
 *
 * @returns How many processes and containers were ended.
 */
export const stopPlatform = async (home: string, say: Say): Promise<number> => {
  const supervisor = liveSupervisor(home)
  if (supervisor) await stop(supervisor, { patienceMs: 3_000 })
  const processes = Object.entries(readJson<Record<string, { ref: ProcessRef }>>(processesFile(home)) ?? {}).filter(
    ([, { ref }]) => isAlive(ref),
  )
  const end = async (some: typeof processes, patienceMs: number, signal: (id: string) => NodeJS.Signals) => {
    if (some.length > 0) say(`stopping ${some.map(([id]) => id).join(', ')}`)
    for (const [, { ref }] of some) signalGroup(ref, 'SIGCONT')
    await Promise.all(some.map(([id, { ref }]) => stop(ref, { signal: signal(id), patienceMs })))
  }
  await end(
    processes.filter(([id]) => !isBacking(id)),
    patience.app,
    () => 'SIGTERM',
  )
  await end(
    processes.filter(([id]) => isBacking(id)),
    patience.backing,
    (id) => (id === 'postgres' ? 'SIGINT' : 'SIGTERM'),
  )
  await endStrays(home)
  const plan = readPlan(home)
  const containers = plan ? Object.values(plan.backing).filter(({ how }) => how === 'docker').length : 0
  if (plan && containers > 0) await stopContainers(home, plan.portOffset, false)
  remove(platformFile(home), processesFile(home), supervisorFile(home))
  return processes.length + containers
}
