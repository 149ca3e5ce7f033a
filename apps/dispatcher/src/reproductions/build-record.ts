import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { entry } from '../entries.ts'
import { type Run } from '../runs/run.ts'
import { type Tools } from '../runs/tools.ts'

/** What a version is made with, besides its data; the registry keeps it with the version. */
export interface BuildRecord {
  trainer: string
  commit: string | null
  diffSha256: string | null
  image: string | null
  lockFiles: Record<string, string>
  environment: Record<string, string>
  params: Record<string, unknown>
  seed: number
  fitted: Record<string, unknown> | null
  refit: boolean
}

/** What is known before the first fit. */
export type BuildPlan = Omit<BuildRecord, 'fitted'>

const lockNames = [
  ...['package-lock.json', 'pnpm-lock.yaml', 'yarn.lock', 'bun.lock', 'uv.lock', 'poetry.lock', 'Pipfile.lock', 'pixi.lock'],
  ...['requirements.txt', 'requirements.lock', 'conda-lock.yml', 'environment.yml', 'renv.lock', 'Cargo.lock', 'go.sum'],
]
const largestDiff = 16 * 2 ** 20

const run = promisify(execFile)

/** What git says of a folder; undefined outside of a work tree, or without git. */
export const git = async (folder: string, ...args: string[]): Promise<string | undefined> => {
  try {
    const { stdout } = await run('git', ['-C', folder, ...args], { maxBuffer: largestDiff, timeout: 20_000 })
    return stdout
  } catch {
    return undefined
  }
}

const sha256Of = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex')

/** Where the code of a command lies: the folder it starts in, and those of the files that it names. */
const codeFolders = (base: string, command: readonly string[]): string[] => {
  const files = command.slice(1).map((word) => resolve(base, word))
  return [...new Set([base, ...files.filter((path) => path.startsWith(`${base}/`) && existsSync(path)).map(dirname)])]
}

const lockFilesIn = async (base: string, folders: readonly string[]): Promise<Record<string, string>> => {
  const found: Record<string, string> = {}
  for (const folder of folders)
    for (const name of lockNames) {
      const path = join(folder, name)
      if ((await stat(path).catch(() => undefined))?.isFile()) found[path.slice(base.length + 1)] = await sha256Of(path)
    }
  return found
}

/** The commit of own code, what was changed since, and its lock files. */
const ownCode = async ({ config, registry }: Tools, command: readonly string[]) => {
  const base = resolve(config.trainers)
  const commit = (await git(base, 'rev-parse', 'HEAD'))?.trim() ?? null
  const diff = commit === null ? '' : ((await git(base, 'diff', '--binary', '--relative', 'HEAD')) ?? '')
  const untracked = ((await git(base, 'ls-files', '--others', '--exclude-standard')) ?? '')
    .split('\n')
    .filter((line) => line !== '')
  return {
    trainer: 'command',
    commit,
    diffSha256: diff === '' ? null : await registry.putText(diff),
    lockFiles: await lockFilesIn(base, codeFolders(base, command)),
    environment: { command: JSON.stringify(command).slice(0, 1_000), untrackedFiles: String(untracked.length) },
  }
}

/** A built-in trainer is the file that runs; it has no commit of its own. */
const builtIn = async (trainer: string) => ({
  trainer,
  commit: null,
  diffSha256: null,
  lockFiles: {},
  environment: { trainerSha256: await sha256Of(entry(`trainers/${trainer}/main`)) },
})

/** What a run is about to be trained with. */
export async function planBuild(tools: Tools, { spec: { train } }: Run): Promise<BuildPlan> {
  const { trainer, code, params, seed, refit } = train
  const own = typeof trainer === 'string' ? undefined : 'command' in trainer ? trainer.command : []
  const made = typeof trainer === 'string' ? await builtIn(trainer) : await ownCode(tools, own ?? [])
  const declared: Record<string, string> = code === null ? {} : { declaredCode: code }
  return {
    ...made,
    image: typeof trainer === 'object' && 'image' in trainer ? trainer.image : tools.config.image,
    environment: {
      node: process.version,
      machine: `${process.platform}-${process.arch}`,
      threads: String(Math.max(1, Math.ceil(train.run.cpu))),
      ...declared,
      ...made.environment,
    },
    params,
    seed,
    refit,
  }
}
