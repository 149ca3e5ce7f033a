/** Exit codes: 0 done, 1 failed, 2 wrong usage, 3 `plan` found changes. */
export const exitCodes = { done: 0, failed: 1, usage: 2, changes: 3 } as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** A command that ends early, with words for people. `code` is for scripts: the app's, or one of ours. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exit: ExitCode
  readonly code: string
  readonly hint: string | undefined
  readonly details: unknown
  /** Of the app's answer, where there was one. */
  readonly status: number | undefined

  constructor(
    code: string,
    message: string,
    {
      hint,
      exit = exitCodes.failed,
      details,
      status,
    }: { hint?: string | undefined; exit?: ExitCode; details?: unknown; status?: number } = {},
  ) {
    super(message)
    this.code = code
    this.hint = hint
    this.exit = exit
    this.details = details
    this.status = status
  }
}

/** The words of the command line were wrong. */
export const wrongUsage = (message: string, hint?: string): CommandError =>
  new CommandError('CLI_USAGE', message, { hint, exit: exitCodes.usage })

export const platformDown = (what: string): CommandError =>
  new CommandError('CLI_PLATFORM_DOWN', what, {
    hint: 'start the platform with `npm run up`, or say where it is (CASCATA_HOME, REGISTRY_URL, …)',
  })
