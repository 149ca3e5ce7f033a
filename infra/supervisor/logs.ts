import { appendFileSync, copyFileSync, existsSync, renameSync, statSync, truncateSync } from 'node:fs'
import { tailOf } from '../backing/start.ts'

const largestBytes = 16 * 1024 ** 2

/**
 * Keeps a log near 16 MiB, and as much again in `<log>.1`. The writer holds the file open for appending, so it is copied and
 * emptied; it never has to be told.
 */
export const boundLog = (file: string, bytes = largestBytes): void => {
  if (!existsSync(file) || statSync(file).size < bytes) return
  copyFileSync(file, `${file}.new`)
  truncateSync(file, 0)
  renameSync(`${file}.new`, `${file}.1`)
}

/** Writes into an app's log what the app could not say itself: that its process ended, with its last words on standard error. */
export const logDeath = (app: string, logs: { out: string; err: string }, how: string, delayMs: number): void => {
  const entry = {
    level: 'error',
    time: new Date().toISOString(),
    app,
    msg: `process ended (${how}), started again in ${delayMs} ms`,
    stderr: tailOf(logs.err),
  }
  appendFileSync(logs.out, `${JSON.stringify(entry)}\n`)
  if (existsSync(logs.err)) truncateSync(logs.err, 0)
}
