import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { type Tools } from '../runs/tools.ts'
import { type BuildRecord, git } from './build-record.ts'

const run = promisify(execFile)

/**
 * The folder that the command of an own trainer starts in: the recorded commit with what was not committed then, in a folder of its own.
 * Where git does not have it, the folder as it is now: the difference is told.
 */
export async function recordedCode(
  { config, registry, log }: Tools,
  record: BuildRecord | null,
  folder: string,
): Promise<string> {
  const base = resolve(config.trainers)
  if (!record?.commit || !/^[0-9a-f]{40,64}$/.test(record.commit)) return base
  const code = join(folder, 'code')
  const archive = join(folder, 'code.tar')
  await mkdir(code, { recursive: true })
  if ((await git(base, 'archive', '--format=tar', `--output=${archive}`, record.commit)) === undefined) {
    log.warn({ commit: record.commit }, 'the recorded commit is not in the folder of the trainers')
    return base
  }
  await run('tar', ['-xf', archive, '-C', code])
  if (record.diffSha256) {
    const patch = join(folder, 'uncommitted.patch')
    await writeFile(patch, await text(await registry.blob(record.diffSha256)))
    // Outside of a work tree: a repository above the folder must not make git look for the files there.
    await run('git', ['apply', '--whitespace=nowarn', '--unsafe-paths', `--directory=${code}`, patch], { cwd: '/' })
  }
  return code
}
