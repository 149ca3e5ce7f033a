import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../paths.ts'

const isApp = (name: string) => existsSync(join(root, 'apps', name, 'src', 'main.ts'))

/** Apps that run as services: every folder of apps/ with a `src/main.ts`, but the command line. */
export const serviceApps = (): string[] =>
  readdirSync(join(root, 'apps'))
    .filter((name) => name !== 'cli' && isApp(name))
    .sort()

const notTests = (file: string) => !/\.(spec|bench)\.ts$/.test(file)

/** Entry points of an app, from its `src`: the service, its worker threads, its trainers. */
export const entriesOf = (app: string): string[] => {
  const cwd = join(root, 'apps', app, 'src')
  return [...new Set(['main.ts', ...globSync(['**/*.worker.ts', 'trainers/*/main.ts'], { cwd })])].filter(notTests).sort()
}

const inputsOf = (app: string): string[] =>
  globSync([`apps/${app}/src/**/*`, 'libs/*/src/**/*', 'infra/build/*.ts', 'package-lock.json', 'tsconfig.base.json'], {
    cwd: root,
    withFileTypes: true,
  })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(notTests)
    .sort()

/** A hash of everything that an app's bundle is made of. */
export const sourcesHash = (app: string): string => {
  const hash = createHash('sha256')
  for (const file of inputsOf(app))
    hash
      .update(`${file.slice(root.length)}\0`)
      .update(readFileSync(file))
      .update('\0')
  return hash.digest('hex').slice(0, 20)
}
