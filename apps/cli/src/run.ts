import { CommanderError } from 'commander'
import { CommandError, exitCodes, type ExitCode } from './errors.ts'
import { harmless } from './output/table.ts'
import { programOf } from './program.ts'
import { type Shell } from './shell.ts'

/** Carries the exit code of the command that ran. */
export interface Outcome {
  code: ExitCode
}

function tell(error: CommandError, shell: Shell, json: boolean): void {
  if (json)
    return shell.err(
      `${JSON.stringify({ code: error.code, message: error.message, hint: error.hint ?? '', details: error.details ?? {} })}\n`,
    )
  shell.err(`cascata: ${harmless(error.message)}${error.code.startsWith('CLI_') ? '' : ` [${error.code}]`}\n`)
  if (error.hint) shell.err(`  ${harmless(error.hint)}\n`)
}

/** Runs one command line. Returns the exit code: 0 done, 1 failed, 2 wrong usage, 3 `plan` found changes. */
export async function run(argv: readonly string[], shell: Shell): Promise<number> {
  const outcome: Outcome = { code: exitCodes.done }
  const program = programOf(shell, outcome)
  try {
    if (argv.length === 0) {
      program.outputHelp()
      return exitCodes.done
    }
    await program.parseAsync([...argv], { from: 'user' })
    return outcome.code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
    if (error instanceof CommandError) {
      tell(error, shell, argv.includes('--json'))
      return error.exit
    }
    shell.err(`cascata: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    return exitCodes.failed
  }
}
