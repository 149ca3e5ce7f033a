import { readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { which } from '../install/system-packages.ts'

const nobody = 65_534

export const isRoot = (): boolean => process.getuid?.() === 0

/** Who a program that refuses to run as root runs as: the owner of its data where that is an ordinary user, else `nobody`. */
export const userFor = (data: string): number => {
  const owner = statSync(data, { throwIfNoEntry: false })?.uid ?? 0
  return owner === 0 ? nobody : owner
}

/** Whether everybody can get to a path: no folder above it is closed, as /root is. */
const openToAll = (path: string): boolean => {
  const up = dirname(path)
  return (statSync(path).mode & 0o005) === 0o005 && (up === path || openToAll(up))
}

const dacOverride = 1n << 1n
const setPcap = 1n << 8n

/** Whether this process may hand on the right to reach every path. */
const mayHandOn = (): boolean => {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  const needed = dacOverride | setPcap
  return (BigInt(`0x${effective}`) & needed) === needed
}

/** `no_setuid_fixup` makes access(2), which PostgreSQL asks about its own binaries, respect the right that is kept. */
const keepReach = ['--securebits=+no_setuid_fixup', '--inh-caps=-all,+dac_override', '--ambient-caps=-all,+dac_override']

/**
 * A command as root gives it to an ordinary user; it keeps the right to reach its files only where one of the paths is closed to
 * others. As an ordinary user: the command itself.
 *
 * @param paths Folders that it must reach.
 */
export const unprivileged = (
  program: string,
  args: string[],
  user: number,
  paths: string[],
): { file: string; args: string[] } => {
  if (!isRoot()) return { file: program, args }
  const setpriv = which('setpriv')
  if (!setpriv)
    throw new Error('PostgreSQL does not run as root and `setpriv` (package util-linux) is missing: use an ordinary user.')
  const keep = !paths.every(openToAll) && mayHandOn() ? keepReach : []
  return { file: setpriv, args: [`--reuid=${user}`, `--regid=${user}`, '--clear-groups', ...keep, program, ...args] }
}
