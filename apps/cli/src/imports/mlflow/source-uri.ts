import { CommandError, wrongUsage } from '../../errors.ts'

/** Where a tracking server is, and what it wants to see. */
export interface SourceAddress {
  /** Without credentials and without a slash at its end: fit to be shown and kept. */
  readonly base: string
  readonly authorization: string | undefined
}

const basic = (user: string, password: string): string => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

/** MLflow's own variables, in its order: user and password go before a token. */
const fromEnvironment = (env: Readonly<Record<string, string | undefined>>): string | undefined => {
  const { MLFLOW_TRACKING_USERNAME: user, MLFLOW_TRACKING_PASSWORD: password, MLFLOW_TRACKING_TOKEN: token } = env
  if (user && password) return basic(user, password)
  return token ? `Bearer ${token}` : undefined
}

/**
 * The server that a tracking URI of MLflow names. A login comes from the URI, else from `MLFLOW_TRACKING_USERNAME` and
 * `MLFLOW_TRACKING_PASSWORD`, else from `MLFLOW_TRACKING_TOKEN`.
 *
 * @throws CommandError for a store that no server stands before, with the command that starts one
 */
export function sourceAddress(uri: string, env: Readonly<Record<string, string | undefined>>): SourceAddress {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1]?.toLowerCase()
  if (scheme !== 'http' && scheme !== 'https') throw notAServer(uri, scheme)
  if (!URL.canParse(uri)) throw wrongUsage(`${uri} is no address`, 'expected a tracking server, such as http://old-server:5000')
  const { username, password, origin, pathname } = new URL(uri)
  return {
    base: `${origin}${pathname.replace(/\/+$/, '')}`,
    authorization: username === '' ? fromEnvironment(env) : basic(decodeURIComponent(username), decodeURIComponent(password)),
  }
}

function notAServer(uri: string, scheme: string | undefined): CommandError {
  const shown = uri.replace(/\/\/[^@/]*@/, '//')
  if (scheme === 'databricks' || scheme === 'databricks-uc' || scheme === 'uc')
    return new CommandError('CLI_SOURCE', `${shown} is no server that speaks MLflow's own API`, {
      hint: 'copy it to an MLflow server first, with the package mlflow-export-import',
    })
  return new CommandError('CLI_SOURCE', `${shown} is a store, not a server: an import asks MLflow's API`, {
    hint: `where the store is, start one: mlflow server --backend-store-uri '${shown}' --port 5001 (the folder of the artifacts must be there too); then: cascata import mlflow http://127.0.0.1:5001`,
  })
}
