import { type CommonConfig, ConfigError, type ConfigDefinition } from './config.ts'
import { isCodedError } from './errors.ts'
import { assertSafeAddress } from './guard.ts'
import { createLogger, type Logger } from './logger.ts'

interface Runnable<C extends CommonConfig> {
  config: ConfigDefinition<C>
  start: (config: C) => Promise<{ url: string; stop(): Promise<void> }>
}

const wordsOf = (error: unknown): string =>
  error instanceof ConfigError
    ? error.message
    : isCodedError(error)
      ? `${error.code}: ${error.message} ${error.hint}`
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error)

const fail = (error: unknown): never => {
  process.stderr.write(`${wordsOf(error)}\n`)
  process.exit(1)
}

/** For what an app lets go of after its requests are answered; then the process ends by force. */
const graceMs = 20_000

/** Resolves at the first signal; the second one ends the process at once. */
const untilSignal = (log: Logger): Promise<void> =>
  new Promise((resolve) => {
    let signals = 0
    const end = (signal: string) => {
      signals += 1
      if (signals > 1) process.exit(1)
      log.info({ signal }, 'stopping')
      resolve()
    }
    process.on('SIGTERM', end)
    process.on('SIGINT', end)
  })

/**
 * The whole of an app's `main.ts`: `await runApp({ config, start }, process)`.
 *
 * `--config` prints the settings as JSON (for `cascata config <app>`). Otherwise starts the app and stops it on SIGTERM or SIGINT; a second signal ends it at once.
 * A signal while it still starts ends it, too: nothing was promised to anybody yet.
 * A start that fails ends with code 1 and a message for people.
 */
export const runApp = async <C extends CommonConfig>(
  { config, start }: Runnable<C>,
  { env, argv }: { env: NodeJS.ProcessEnv; argv: string[] },
): Promise<void> => {
  if (argv.includes('--config')) {
    process.stdout.write(`${JSON.stringify(config.describe(env), null, 2)}\n`)
    return
  }
  try {
    const parsed = config.parse(env)
    assertSafeAddress(parsed)
    const log = createLogger(config.app, parsed.logLevel)
    process.on('unhandledRejection', (error) => log.error({ err: error }, 'a promise was rejected and nobody listened'))
    const signalled = untilSignal(log)
    const running = await Promise.race([start(parsed), signalled])
    if (running) {
      await signalled
      setTimeout(() => process.exit(1), parsed.drainTimeout + graceMs).unref()
      await running.stop()
    }
    process.exit(0)
  } catch (error) {
    fail(error)
  }
}
