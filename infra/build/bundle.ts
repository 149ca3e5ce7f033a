import { build, type Plugin } from 'esbuild'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../paths.ts'
import { entriesOf, sourcesHash } from './sources.ts'

/** Our libraries become part of the bundle, packages from npm stay outside. */
const packagesOutside: Plugin = {
  name: 'packages-outside',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind === 'entry-point' || path.startsWith('@cascata/') ? undefined : { path, external: true },
    ),
}

export const distOf = (app: string): string => join(root, 'dist', 'apps', app)
export const mainOf = (app: string): string => join(distOf(app), 'main.js')

const builtVersion = (app: string): string | undefined => {
  const file = join(distOf(app), '.version')
  return existsSync(file) && existsSync(mainOf(app)) ? readFileSync(file, 'utf8') : undefined
}

/** Puts a finished folder in the place of another, in two renames. */
const swapIn = (made: string, place: string) => {
  const old = `${place}.${process.pid}.old`
  rmSync(old, { recursive: true, force: true })
  if (existsSync(place)) renameSync(place, old)
  renameSync(made, place)
  rmSync(old, { recursive: true, force: true })
}

/**
 * Bundles an app into `dist/apps/<app>`: `main.js`, and worker and trainer entries at their places below it. Nothing is done when
 * its sources are those of the last time.
 *
 * @returns The version of the bundle: a hash of its sources.
 */
export const buildApp = async (app: string): Promise<{ version: string; built: boolean }> => {
  const version = sourcesHash(app)
  if (builtVersion(app) === version) return { version, built: false }
  const source = join(root, 'apps', app, 'src')
  const made = `${distOf(app)}.${process.pid}.new`
  rmSync(made, { recursive: true, force: true })
  mkdirSync(made, { recursive: true })
  await build({
    absWorkingDir: root,
    entryPoints: entriesOf(app).map((entry) => join(source, entry)),
    outdir: made,
    outbase: source,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    sourcemap: true,
    sourcesContent: false,
    keepNames: true,
    plugins: [packagesOutside],
    loader: { '.sql': 'text', '.proto': 'text' },
    tsconfig: join(root, 'tsconfig.base.json'),
    logLevel: 'error',
  })
  writeFileSync(join(made, '.version'), version)
  swapIn(made, distOf(app))
  return { version, built: true }
}
