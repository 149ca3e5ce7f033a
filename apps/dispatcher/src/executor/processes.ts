import { readdirSync, readFileSync } from 'node:fs'

/** A process that no later one can be taken for: its start in clock ticks since boot belongs to it. */
export interface ProcessIdentity {
  pid: number
  /** Field 22 of /proc/<pid>/stat; null where there is no /proc. */
  start: string | null
}

interface Stat {
  pid: number
  state: string
  group: number
  session: number
  start: string
  /** Resident pages. */
  resident: number
}

const hasProc = process.platform === 'linux'
const pageBytes = 4096

/** Fields of /proc/<pid>/stat (proc_pid_stat(5)); the name in brackets may hold anything. */
function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return {
      pid,
      state: fields[0] as string,
      group: Number(fields[2]),
      session: Number(fields[3]),
      start: fields[19] as string,
      resident: Number(fields[21]),
    }
  } catch {
    return undefined
  }
}

export const identify = (pid: number): ProcessIdentity => ({ pid, start: hasProc ? (statOf(pid)?.start ?? null) : null })

/** Whether it still runs; a zombie does not. */
export function isAlive({ pid, start }: ProcessIdentity): boolean {
  if (hasProc) {
    const stat = statOf(pid)
    return stat !== undefined && stat.state !== 'Z' && (start === null || stat.start === start)
  }
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const everyPid = (): number[] =>
  hasProc
    ? readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .map(Number)
    : []

/** Living processes of a group or session: those that a job started and that did not hide. */
function membersOf(leader: number): Stat[] {
  if (leader <= 1) return []
  return everyPid().flatMap((pid) => {
    const stat = statOf(pid)
    return stat && stat.state !== 'Z' && (stat.group === leader || stat.session === leader) ? [stat] : []
  })
}

/** Processes that carry a mark in the environment they were started with: also those that left the group. */
function markedWith(mark: string): number[] {
  return everyPid().filter((pid) => {
    if (pid === process.pid) return false
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark) && statOf(pid)?.state !== 'Z'
    } catch {
      return false
    }
  })
}

/** Resident bytes of a group. */
export const residentBytes = (leader: number): number =>
  membersOf(leader).reduce((sum, { resident }) => sum + resident * pageBytes, 0)

export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  if (leader <= 1) return
  try {
    process.kill(-leader, signal)
  } catch {
    // Gone already.
  }
}

/** Ends what is left of a job: its group, its session and whoever carries its mark. Returns how many there were. */
export function endAll(leader: number, mark: string): number {
  const left = new Set([...membersOf(leader).map(({ pid }) => pid), ...markedWith(mark)])
  signalGroup(leader, 'SIGKILL')
  for (const pid of left) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // Gone already.
    }
  }
  return left.size
}
