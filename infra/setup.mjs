/**
 * The first step of every command, on the Node that the machine has (18 or newer): brings the packages of the lock file
 * once, then hands over to `infra/<command>.ts` on the Node 24 that came with them.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')
const stamp = join(root, 'node_modules', '.cascata-lock')
const node = join(root, 'node_modules', 'node', 'bin', 'node')
const wanted = () =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')

const give = (message) => {
  process.stderr.write(`cascata: ${message}\n`)
  process.exit(1)
}

/** The machine's npm as [command, arguments before ours]: the one that started us, else the one on the path. */
const npm = () => {
  const cli = process.env.npm_execpath
  return cli && /npm-cli\.[cm]?js$/.test(cli) && existsSync(cli) ? [process.execPath, [cli]] : ['npm', []]
}

const [major, minor] = process.versions.node.split('.').map(Number)
/** npm leaves out optional packages, native bindings among them, that want a newer Node than the one that it runs on. */
const isTooOldForAll = major < 20 || (major === 20 && minor < 19) || major === 21 || (major === 22 && minor < 12)

const checkMachine = (command, before) => {
  if (major < 18)
    give(`Node ${process.versions.node} is too old: 18 or newer is needed to begin (the project brings its own Node 24).`)
  const answer = spawnSync(command, [...before, '--version'], { encoding: 'utf8' })
  if (answer.error) give('npm was not found. Install it with Node (Debian: apt-get install npm), version 10 or newer.')
  const version = answer.stdout.trim()
  if (Number(version.split('.')[0]) < 9)
    give(`npm ${version} is too old: 9 or newer is needed. \`npm install -g npm@10\` brings one.`)
}

/** Whether a package of the lock file has to be there: of the optional ones only the native bindings for this machine. */
const isNeeded = ({ optional, link, os, cpu, libc: libcs }, libc) => {
  if (link || (optional && !cpu)) return false
  return [[os, process.platform], [cpu, process.arch], [libcs, libc]].every(([fit, own]) => !fit || fit.includes(own)) // prettier-ignore
}

/**
 * Whether npm's own record of what it installed, which it writes last, has what the lock file says: `npm ci` by hand is as good,
 * unless it ran on a Node for which npm leaves out bindings.
 */
const isByHand = () => {
  try {
    const packages = (...path) => JSON.parse(readFileSync(join(root, ...path), 'utf8')).packages
    const there = packages('node_modules', '.package-lock.json')
    // A report takes long to make: one for all packages.
    const libc = process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl'
    const wanted = Object.entries(packages('package-lock.json')).filter(([path]) => path.includes('node_modules/'))
    return wanted.every(([path, entry]) => !isNeeded(entry, libc) || there[path]?.version === entry.version)
  } catch {
    return false
  }
}

const installed = () => {
  if (!existsSync(node)) return false
  if (existsSync(stamp)) return readFileSync(stamp, 'utf8') === wanted()
  if (!isByHand()) return false
  writeFileSync(stamp, wanted())
  return true
}

/** True while another set-up in this folder is alive; its lock is a folder holding its process id. */
const heldByAnother = (lock) => {
  try {
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')), 0)
    return true
  } catch {
    return false
  }
}

const withLock = (work) => {
  const lock = join(root, '.cascata-setup')
  for (let waited = 0; ; waited += 1) {
    try {
      mkdirSync(lock)
      break
    } catch {
      if (waited > 4 && !heldByAnother(lock)) rmSync(lock, { recursive: true, force: true })
      if (waited === 0) process.stderr.write('cascata: another set-up is running in this folder, waiting for it\n')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250)
    }
  }
  writeFileSync(join(lock, 'pid'), String(process.pid))
  const release = () => rmSync(lock, { recursive: true, force: true })
  process.once('exit', release)
  work()
  process.off('exit', release)
  release()
}

/** Runs npm, on another Node when its folder is given; ends the set-up when it fails. */
const runNpm = ([command, before], args, nodeFolder) => {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  const env = npmEnvironment()
  if (nodeFolder) env.PATH = `${nodeFolder}:${env.PATH ?? ''}`
  const program = nodeFolder && command === process.execPath ? join(nodeFolder, 'node') : command
  const done = spawnSync(program, [...before, ...args, ...quiet], { cwd: root, stdio: ['ignore', 2, 2], env })
  if (done.status === 0) return
  give(
    done.signal
      ? `npm ${args[0]} was stopped (${done.signal}); run the command again.`
      : `\`npm ${args[0]}\` failed, see above; run the command again when that is cured.`,
  )
}

/** Brings the Node of the lock file into a folder of its own, for npm to run on. */
const withNewerNode = (npm, work) => {
  const folder = mkdtempSync(join(tmpdir(), 'cascata-node-'))
  const { version } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages['node_modules/node']
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  process.stderr.write(`cascata: Node ${process.versions.node} is old for some packages: fetching Node ${version} first\n`)
  runNpm(npm, ['install', `node@${version}`, '--prefix', folder, '--no-save', '--no-package-lock'])
  return work(join(folder, 'node_modules', 'node', 'bin'))
}

const install = () => {
  const [command, before] = npm()
  checkMachine(command, before)
  process.stderr.write('cascata: installing the packages of package-lock.json (once)\n')
  const began = Date.now()
  // npm stumbles over what an install that was interrupted has left behind.
  rmSync(join(root, 'node_modules'), { recursive: true, force: true, maxRetries: 10, retryDelay: 300 })
  const ci = (nodeFolder) => runNpm([command, before], ['ci'], nodeFolder)
  if (isTooOldForAll) withNewerNode([command, before], ci)
  else ci()
  if (!existsSync(node)) give('the package `node` came without its binary: are install scripts switched off (ignore-scripts)?')
  writeFileSync(stamp, wanted())
  process.stderr.write(`cascata: packages are there (${Math.round((Date.now() - began) / 1000)} s)\n`)
}

/**
 * npm passes its own settings down as variables; only what a person set is of interest to the npm inside.
 * The install script of onnxruntime-node would only fetch files for GPUs; npm 11 does not run it, as package.json says.
 */
const npmEnvironment = () => {
  const ours = ([key]) => !/^npm_(package|lifecycle|command|config_(?!cache|registry|.*proxy|userconfig|.*ca))/i.test(key)
  return { ...Object.fromEntries(Object.entries(process.env).filter(ours)), ONNXRUNTIME_NODE_INSTALL: 'skip' }
}

/**
 * In an npm script `node` is the project's own, once there is one: the packages are installed by the machine's, which is not
 * among what an install removes.
 */
const installByMachine = () => {
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.startsWith(root))
  const env = { ...process.env, PATH: path.join(delimiter) }
  const { status } = spawnSync('node', [fileURLToPath(import.meta.url), installOnly], { stdio: 'inherit', env })
  if (status !== 0) process.exit(status ?? 1)
}
const installOnly = '--install-only'

const main = () => {
  const [command = 'up', ...rest] = process.argv.slice(2)
  if (!installed()) {
    if (process.execPath.startsWith(join(root, 'node_modules'))) installByMachine()
    else withLock(() => installed() || install())
  }
  if (command === installOnly) return
  const script = join(root, command.includes('/') ? command : join('infra', `${command}.ts`))
  const path = `${join(root, 'node_modules', 'node', 'bin')}:${join(root, 'node_modules', '.bin')}:${process.env.PATH ?? ''}`
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', script, ...rest], {
    stdio: 'inherit',
    env: { ...process.env, PATH: path },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(signal ? 130 : (code ?? 1)))
}

main()
