import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { installPackages, root } from '@cascata/infra'

const run = promisify(execFile)

/**
 * A Python with packages from PyPI, in `<CASCATA_HOME>/python/<name>-<hash of the packages>`: installed by pip the first time, said aloud, and kept.
 * A python3 with venv comes from the distribution. Throws when it can't be installed, or pip can't reach its index.
 */
export const pythonWith = async (name: string, packages: readonly string[]): Promise<string> => {
  const home = join(process.env['CASCATA_HOME'] ?? join(root, '.cascata'), 'python')
  const folder = join(home, `${name}-${createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 12)}`)
  const python = join(folder, 'bin', 'python')
  if (existsSync(python)) return python
  process.stdout.write(`Installing ${packages.join(' ')} by pip into ${folder} (once)\n`)
  const building = `${folder}.${process.pid}`
  await mkdir(home, { recursive: true })
  const hasVenv = await run('python3', ['-c', 'import venv, ensurepip']).then(
    () => true,
    () => false,
  )
  if (!hasVenv)
    await installPackages('Python with venv', [['python3'], ['python3-venv']], (line) => process.stdout.write(`${line}\n`))
  await run('python3', ['-m', 'venv', '--copies', building])
  await run(join(building, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages], {
    maxBuffer: 1e8,
  })
  await rename(building, folder).catch(async (error: unknown) => {
    await rm(building, { recursive: true, force: true })
    if (!existsSync(python)) throw error
  })
  return python
}
