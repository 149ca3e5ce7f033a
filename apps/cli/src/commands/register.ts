import { type Command } from 'commander'
import { type Context, contextOf, type GlobalOptions } from '../context.ts'
import { type ExitCode } from '../errors.ts'
import { type Outcome } from '../run.ts'
import { type Shell } from '../shell.ts'

/** What a command does: arguments in the order of its usage, undefined where an optional one was left out. */
export type Work<O> = (context: Context, options: O & GlobalOptions, ...args: (string | undefined)[]) => Promise<ExitCode | void>

/** What commands are registered with. */
export interface Registry {
  program: Command
  /** Turns work into what commander calls. */
  action<O = object>(work: Work<O>): (...args: unknown[]) => Promise<void>
}

/** The text under a command's help. */
export const examples = (...lines: string[]): string => `\nExamples:\n${lines.map((line) => `  $ cascata ${line}`).join('\n')}`

export const registryOf = (program: Command, shell: Shell, outcome: Outcome): Registry => ({
  program,
  action: (work) =>
    async function (...all) {
      const command = all.at(-1) as Command
      const args = all.slice(0, -2) as (string | undefined)[]
      const options = command.optsWithGlobals<GlobalOptions>()
      const code = await work(contextOf(shell, options), options as never, ...args)
      if (code !== undefined) outcome.code = code
    },
})
