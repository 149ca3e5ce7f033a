import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isAlive, refOf, type ProcessRef } from '../processes/process.ts'
import { lockFolder, readJson, writeJson } from './files.ts'

/** Who holds the lock of a home, if somebody alive does. */
export const lockHolder = (home: string): ProcessRef | undefined => {
  const ref = readJson<ProcessRef>(join(lockFolder(home), 'holder.json'))
  return ref && isAlive(ref) ? ref : undefined
}

const tryLock = (folder: string): boolean => {
  try {
    mkdirSync(folder)
    writeJson(join(folder, 'holder.json'), refOf(process.pid))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  }
}

const removeStale = (folder: string) => {
  const aside = `${folder}.${process.pid}.stale`
  try {
    renameSync(folder, aside)
    rmSync(aside, { recursive: true, force: true })
  } catch {
    return
  }
}

/**
 * One `up` or `down` at a time in a home. A holder that died does not block.
 *
 * @param waiting Called once when somebody else has it.
 * @returns How to give it back.
 */
export const takeLock = async (home: string, waiting: (holder: ProcessRef | undefined) => void): Promise<() => void> => {
  const folder = lockFolder(home)
  mkdirSync(dirname(folder), { recursive: true })
  for (let tries = 0; !tryLock(folder); tries += 1) {
    const holder = lockHolder(home)
    if (tries === 0) waiting(holder)
    if (!holder && tries > 3) removeStale(folder)
    await delay(100)
  }
  return () => rmSync(folder, { recursive: true, force: true })
}
