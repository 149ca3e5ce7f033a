import { type Command } from '../processes/process.ts'

/** One process that the supervisor keeps alive. */
export interface Unit {
  /** `kafka`, `registry`, `feature-store/1`. */
  id: string
  kind: 'backing' | 'app'
  /** Another version of a unit means a restart. */
  version: string
  logs: { out: string; err: string }
  command(): Command
  /** Resolves when a client gets an answer. */
  answers(): Promise<void>
  stopSignal: NodeJS.Signals
  /** Longest time that its orderly end may take. */
  patienceMs: number
}
