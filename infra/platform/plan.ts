import { type BackingName } from '../backing/service.ts'
import { envPrefix } from './ports.ts'

/** Where one backing service comes from. */
export type BackingChoice = { how: 'given'; url: string } | { how: 'docker'; url: string; container: string } | { how: 'local' }

export interface AppPlan {
  name: string
  /** The bundle to run. */
  entry: string
  /** Of its sources: an app whose version changed is restarted. */
  version: string
  replicas: number
}

/** What the supervisor of a home keeps alive. */
export interface Plan {
  home: string
  cache: string
  portOffset: number
  backing: Record<BackingName, BackingChoice>
  apps: AppPlan[]
  /** Variables that every process gets, besides those that the platform sets. */
  env: Record<string, string>
}

const passedOn =
  /^(PATH|HOME|USER|LOGNAME|LANG|LC_.*|TZ|TMPDIR|DOCKER_HOST|DOCKER_CONFIG|XDG_CACHE_HOME|JAVA_HOME|SSL_CERT_.*|NODE_EXTRA_CA_CERTS|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY)$/
const settings = /^(KAFKA_|OTEL_|AWS_|MLFLOW_)/

/** The variables of a shell that concern a platform of these apps: what programs need, and settings of the platform and its apps. */
export const environmentFor = (apps: string[], env: NodeJS.ProcessEnv): Record<string, string> => {
  const prefixes = ['CASCATA_', ...apps.map((app) => `${envPrefix(app)}_`)]
  const wanted = (key: string) => passedOn.test(key) || settings.test(key) || prefixes.some((prefix) => key.startsWith(prefix))
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => wanted(entry[0]) && entry[1] !== undefined),
  )
}

/** `feature-store=2,inference=3` → the number per app. @throws for an unknown app or a number out of range. */
export const parseReplicas = (words: string[], apps: string[], most: number): Record<string, number> =>
  Object.fromEntries(
    words
      .flatMap((word) => word.split(','))
      .map((word) => {
        const [app = '', count = ''] = word.split('=')
        if (!apps.includes(app))
          throw new Error(`--replicas ${word}: there is no app ${app || '(none named)'}; apps are ${apps.join(', ')}.`)
        if (!/^\d+$/.test(count) || Number(count) < 1 || Number(count) > most)
          throw new Error(`--replicas ${word}: expected ${app}=1 to ${app}=${most}.`)
        return [app, Number(count)]
      }),
  )
