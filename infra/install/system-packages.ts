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

const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_SUSPEND: '1', RUNLEVEL: '1' }

const run = (command: string[]): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], env: environment })
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

/**
 * Installs distribution packages; each is a list of names of which the first that exists is taken.
 *
 * @throws with the exact command to run when there is no apt, no right to use it, or it fails.
 */
export const installPackages = async (what: string, wanted: string[][], say: Say): Promise<void> => {
  const command = `apt-get update && apt-get install -y --no-install-recommends ${wanted.map((names) => names[0]).join(' ')}`
  if (!which('apt-get'))
    throw new Error(`${what} is missing and this system has no apt-get. Install it by hand and run the command again.`)
  const root = privilege()
  if (!root)
    throw new Error(
      `${what} is missing, and installing it needs root. Run:\n\n    sudo sh -c '${command}'\n\nthen run the command again.`,
    )
  say(`installing ${what} from the distribution (once)`)
  await run([...root, 'apt-get', 'update', '-qq'])
  const names = wanted.map(available)
  const wait = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=2']
  const done = await run([...root, 'apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...wait, ...names])
  if (done.code !== 0) throw new Error(`${what} could not be installed:\n${done.output.trim()}\nRun by hand: ${command}`)
}
