import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Names in a job's folder. Everything that is known of a job lies there, so any process can take up where another stopped. */
export const jobFiles = {
  spec: 'job-spec.json',
  supervisor: 'supervisor.json',
  child: 'child.json',
  heartbeat: 'heartbeat',
  progress: 'progress.json',
  exit: 'exit.json',
  log: 'log',
  logTail: 'log.tail',
  output: 'output',
  scratch: 'tmp',
} as const

export const readJson = <T>(folder: string, name: string): T | undefined => {
  try {
    return JSON.parse(readFileSync(join(folder, name), 'utf8')) as T
  } catch {
    return undefined
  }
}

/** Whole or not at all. */
export function writeJson(folder: string, name: string, value: unknown): void {
  mkdirSync(folder, { recursive: true })
  const draft = join(folder, `.${name}.${randomBytes(4).toString('hex')}`)
  writeFileSync(draft, JSON.stringify(value))
  renameSync(draft, join(folder, name))
}

/** Milliseconds since a file was last written; Infinity when there is none. */
export const ageOf = (folder: string, name: string, now: number): number => {
  try {
    return now - statSync(join(folder, name)).mtimeMs
  } catch {
    return Infinity
  }
}
