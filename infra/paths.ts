import { homedir } from 'node:os'
import { accessSync, constants, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The clone. */
export const root = resolve(import.meta.dirname, '..')

/** Where a platform keeps its state; `CASCATA_HOME` names another folder. */
export const homeOf = (env: NodeJS.ProcessEnv): string => resolve(root, env['CASCATA_HOME'] || '.cascata')

/** By how much every port is moved. Throws when `CASCATA_PORT_OFFSET` is no number that keeps the ports valid. */
export const portOffsetOf = (env: NodeJS.ProcessEnv): number => {
  const text = env['CASCATA_PORT_OFFSET'] || '0'
  const offset = Number(text)
  if (!Number.isInteger(offset) || offset < 0 || offset > 40_000)
    throw new Error(`CASCATA_PORT_OFFSET=${text} is no whole number from 0 to 40000.`)
  return offset
}

/** Where downloads are kept, by version, for every platform of this user; inside `home` when the user has no writable home. */
export const cacheOf = (env: NodeJS.ProcessEnv, home: string): string => {
  const wanted = join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'cascata')
  try {
    mkdirSync(wanted, { recursive: true })
    accessSync(wanted, constants.W_OK)
    return wanted
  } catch {
    return join(home, 'cache')
  }
}
