import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isAlive, type ProcessRef } from '../processes/process.ts'
import { type Plan } from './plan.ts'

/** Addresses and process ids of a running platform, for people, scripts and the command line. */
export interface PlatformFile {
  kafka: string
  postgres: string
  redis: string
  apps: Record<string, { url: string; pid: number | null; replicas: { url: string; pid: number | null }[] }>
  backing: Record<string, { pid: number | null; how: 'given' | 'docker' | 'local' }>
  supervisor: { pid: number }
  /** Units that do not answer, with the reason; empty when all is well. */
  notReady: Record<string, string>
}

export const platformFile = (home: string) => join(home, 'platform.json')
export const planFile = (home: string) => join(home, 'run', 'plan.json')
/** Who runs: `unit → process`. What a supervisor after this one adopts. */
export const processesFile = (home: string) => join(home, 'run', 'processes.json')
export const supervisorFile = (home: string) => join(home, 'run', 'supervisor.json')
export const lockFolder = (home: string) => join(home, 'run', 'lock')
export const logFile = (home: string, name: string) => join(home, 'logs', `${name}.log`)
export const errorFile = (home: string, name: string) => join(home, 'logs', `${name}.stderr.log`)

/** Undefined when the file is missing or not whole. */
export const readJson = <T>(file: string): T | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T
  } catch {
    return undefined
  }
}

/** Replaces a file whole; only its owner may read it, as addresses hold passwords. */
export const writeJson = (file: string, value: unknown): void => {
  mkdirSync(dirname(file), { recursive: true })
  const next = `${file}.${process.pid}.new`
  writeFileSync(next, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
  renameSync(next, file)
}

export const remove = (...files: string[]): void => files.forEach((file) => rmSync(file, { recursive: true, force: true }))

export const readPlan = (home: string): Plan | undefined => readJson<Plan>(planFile(home))

export const readPlatform = (home: string): PlatformFile | undefined => readJson<PlatformFile>(platformFile(home))

/** The supervisor of a home, if it lives. */
export const liveSupervisor = (home: string): ProcessRef | undefined => {
  const ref = readJson<ProcessRef>(supervisorFile(home))
  return ref && isAlive(ref) ? ref : undefined
}
