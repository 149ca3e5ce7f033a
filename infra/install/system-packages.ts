import { spawn, spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Say } from '../backing/service.ts'

/** The full path of a program, or undefined. */
export const which = (program: string): string | undefined => {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** In a session of its own: Ctrl-C must not break a package manager off in the middle; it finishes by itself. */
const run = (command: string[]): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output = (output + chunk).slice(-4_000)))
    child.on('error', (error) => resolve({ code: 127, output: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })

/** How to become root without a question: nothing as root, `sudo -n` where it works, else undefined. */
const privilege = (): string[] | undefined => {
  if (process.getuid?.() === 0) return []
  return which('sudo') && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : undefined
}

/** The first of the packages that the distribution has; the first of all when it knows none (its lists may be missing). */
const available = (names: string[]): string => {
  const has = (name: string) =>
    /Candidate: (?!\(none\))/.test(spawnSync('apt-cache', ['policy', name], { encoding: 'utf8' }).stdout ?? '')
  return names.find(has) ?? names[0]!
}

/** A server that a package starts by itself would only take memory, and perhaps a port: the platform starts its own. */
const silence = async (root: string[], names: string[]) => {
  if (!which('systemctl')) return
  for (const name of names.filter((one) => /^(redis|valkey|prometheus)/.test(one)))
    await run([...root, 'systemctl', 'disable', '--now', name])
}

/**
 * Installs distribution packages; each is a list of names of which the first that exists is taken.
 *
 * @throws with the exact command to run when there is no apt, no right to use it, or it fails.
 */
export const installPackages = async (what: string, wanted: string[][], say: Say): Promise<void> => {
  const missing = `${what} ${/ and /.test(what) ? 'are' : 'is'} missing`
  if (!which('apt-get')) throw new Error(`${missing} and this system has no apt-get. Install by hand and run the command again.`)
  const byHand = () =>
    `sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends ${wanted.map(available).join(' ')}'`
  const root = privilege()
  if (!root) throw new Error(`${missing}, and installing needs root. Run:\n\n    ${byHand()}\n\nthen run the command again.`)
  say(`installing ${what} from the distribution (once)`)
  const quietly = [...root, 'env', 'DEBIAN_FRONTEND=noninteractive', 'NEEDRESTART_SUSPEND=1']
  await run([...quietly, 'dpkg', '--configure', '-a'])
  await run([...quietly, 'apt-get', 'update', '-qq'])
  const names = wanted.map(available)
  const wait = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=2']
  const done = await run([...quietly, 'apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...wait, ...names])
  if (done.code !== 0) throw new Error(`${what} could not be installed:\n${done.output.trim()}\nRun by hand:\n\n    ${byHand()}`)
  await silence(root, names)
}
