/** What messaging needs of a logger; pino's has this shape. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Says nothing. */
export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** An error as fields of a log line. */
export const failure = (error: unknown) => ({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
