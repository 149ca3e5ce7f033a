import { type Say } from '../backing/service.ts'

/** Words for the person who waits; on standard error, so that standard output stays what was asked for. */
export const say: Say = (line) => void process.stderr.write(`cascata: ${line}\n`)

/** Ends the process with a message for a person: a stack trace would say nothing to them. */
export const failed = (error: unknown): never => {
  say((error as Error).message ?? String(error))
  if (process.env['DEBUG']) process.stderr.write(`${(error as Error).stack}\n`)
  process.exit(1)
}
