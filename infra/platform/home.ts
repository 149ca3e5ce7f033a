import { accessSync, constants, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Marks a folder that the platform made for itself, so that a purge may empty it whole. */
export const ownedFile = '.cascata-home'

/** Makes the folder of a platform. @throws when it can't be written. */
export const prepareHome = (home: string): void => {
  const fresh = !existsSync(home) || readdirSync(home).length === 0
  try {
    mkdirSync(home, { recursive: true })
    accessSync(home, constants.W_OK)
  } catch (error) {
    throw new Error(
      `The folder ${home} can't be written (${(error as NodeJS.ErrnoException).code}): set CASCATA_HOME to another one.`,
    )
  }
  if (fresh)
    writeFileSync(
      join(home, ownedFile),
      'A Cascata platform keeps its state here. `npm run down -- --purge` deletes all of it.\n',
    )
}
