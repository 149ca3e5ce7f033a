import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { refOf } from '../processes/process.ts'

/** A folder for work that may be broken off; what broken-off work of processes that are gone left there is removed. */
export const scratchFolder = (parent: string, purpose: string): string => {
  mkdirSync(parent, { recursive: true })
  for (const entry of readdirSync(parent)) {
    const pid = new RegExp(`^\\.${purpose}-(\\d+)-`).exec(entry)?.[1]
    if (pid && !refOf(Number(pid))) rmSync(join(parent, entry), { recursive: true, force: true })
  }
  return mkdtempSync(join(parent, `.${purpose}-${process.pid}-`))
}
