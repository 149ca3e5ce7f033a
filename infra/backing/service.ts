import { type Command } from '../processes/process.ts'

export type BackingName = 'kafka' | 'postgres' | 'redis'

/** A backing service as a local process. */
export interface LocalService {
  name: BackingName
  /** Every port that it listens on. */
  ports: number[]
  /** As clients are given it: `host:port` for Kafka, a URL for the others. */
  url: string
  /** Lays out its data folder where that is not done yet; cheap the second time. */
  prepare(): Promise<void>
  command(): Command
  /** Resolves when a client got an answer, throws otherwise. */
  answers(): Promise<void>
  stopSignal: NodeJS.Signals
}

/** What set-up says to the person who waits. */
export type Say = (line: string) => void
