import { baseSettings, commonSettings, envPrefix } from './common-settings.ts'
import { nearest } from './nearest.ts'
import { showSetting, type Base, type Setting } from './setting.ts'

type Settings = Record<string, Setting<any>> // eslint-disable-line @typescript-eslint/no-explicit-any -- any value type will do
type Values<S extends Settings> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never }

export type CommonConfig = Values<typeof commonSettings> & { readonly app: string; readonly port: number }
export type Environment = Record<string, string | undefined>

/** One line of `cascata config <app>`. `value` only when an environment was given. */
export interface SettingDescription {
  name: string
  env: string
  type: string
  default: string
  meaning: string
  value?: string
}

/** Settings that are not legal, all of them at once. */
export class ConfigError extends Error {
  readonly code = 'CONFIG_INVALID'
  readonly problems: string[]

  constructor(app: string, problems: string[]) {
    super(
      `The configuration of ${app} is not legal:\n${problems.map((problem) => `  - ${problem}`).join('\n')}\nAll settings: ./cascata config ${app}`,
    )
    this.name = 'ConfigError'
    this.problems = problems
  }
}

export interface ConfigDefinition<C> {
  app: string
  /** Typed settings from environment variables; throws `ConfigError` naming every problem. An empty variable counts as unset. */
  parse(env: Environment): C
  describe(env?: Environment): SettingDescription[]
}

/** The type of a parsed configuration: `type DeployerConfig = ConfigOf<typeof config>`. */
export type ConfigOf<D> = D extends ConfigDefinition<infer C> ? C : never

/** Kubernetes and old Docker links set such variables for a service called like an app; they are nobody's settings. */
const isServiceLink = (key: string, value: string) =>
  /_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP)/.test(key) || /^(tcp|udp):\/\//.test(value)

/** Variables that the platform sets for its children, or that the command and the set-up read. */
const platformKeys = new Set([
  'CASCATA_JOB',
  'CASCATA_URL',
  'CASCATA_REPLICA',
  'CASCATA_OFFLINE',
  'CASCATA_BACKING',
  'CASCATA_NAMESPACE',
])

const unknownKeys = (env: Environment, prefixes: string[], known: Set<string>): string[] =>
  Object.keys(env)
    .filter(
      (key) =>
        prefixes.some((prefix) => key.startsWith(prefix)) &&
        !known.has(key) &&
        !platformKeys.has(key) &&
        !isServiceLink(key, env[key] ?? ''),
    )
    .map((key) => {
      const close = nearest(key, [...known])
      return `${key} is not a setting${close ? `; did you mean ${close}?` : '.'}`
    })

/**
 * The configuration of an app: its own settings and those that every app has.
 *
 * Variables that start with the app's prefix or `CASCATA_` and are no setting are refused: a typing error must not be a silent default.
 */
export const defineConfig = <const S extends Settings>(app: string, own: S): ConfigDefinition<CommonConfig & Values<S>> => {
  const settings: Settings = { ...commonSettings, ...own }
  const prefix = `${envPrefix(app)}_`
  const envOf = (setting: Setting<unknown>) => setting.env ?? `${prefix}PORT`
  const known = new Set(Object.values(settings).map(envOf))

  const read = (setting: Setting<unknown>, base: Base, env: Environment, problems: string[]): unknown => {
    const text = env[envOf(setting)]
    if (text === undefined || text.trim() === '' || isServiceLink(envOf(setting), text)) return setting.fallback(base)
    try {
      return setting.read(text.trim())
    } catch (error) {
      problems.push(`${envOf(setting)}=${setting.secret ? '(secret)' : JSON.stringify(text)}: ${(error as Error).message}`)
      return setting.fallback(base)
    }
  }

  const readAll = (env: Environment) => {
    const problems: string[] = []
    const first = { app, portOffset: 0, home: '' }
    const base: Base = {
      app,
      portOffset: read(baseSettings.portOffset, first, env, []) as number,
      home: read(baseSettings.home, first, env, []) as string,
    }
    const values = Object.fromEntries(
      Object.entries(settings).map(([name, setting]) => [name, read(setting, base, env, problems)]),
    )
    problems.push(...unknownKeys(env, [prefix, 'CASCATA_'], known))
    return { base, values, problems }
  }

  return {
    app,
    parse(env) {
      const { values, problems } = readAll(env)
      if (problems.length > 0) throw new ConfigError(app, problems)
      return Object.freeze({ app, ...values }) as unknown as CommonConfig & Values<S>
    },
    describe(env) {
      const { base, values } = readAll(env ?? {})
      return Object.entries(settings).map(([name, setting]) => ({
        name,
        env: envOf(setting),
        type: setting.type,
        default: showSetting(setting, setting.fallback(base)),
        meaning: setting.meaning,
        ...(env ? { value: showSetting(setting, values[name]) } : {}),
      }))
    },
  }
}
