import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { platformDown, wrongUsage } from './errors.ts'
import { type Shell } from './shell.ts'

/** The services that the command talks to. */
export const apps = ['registry', 'feature-store', 'dispatcher', 'deployer', 'inference', 'monitor'] as const
export type App = (typeof apps)[number]

/** What `npm run up` leaves in `platform.json`, as far as it matters here. */
interface PlatformFile {
  kafka?: string
  apps?: Record<string, { url?: string; pid?: number | null; replicas?: { url: string; pid: number | null }[] }>
  notReady?: Record<string, string>
}

/** Where the platform is. The environment goes before what `up` wrote down. */
export interface Platform {
  home: string
  /** Whether a `platform.json` is there. */
  known: boolean
  /** The address of an app. @throws CommandError when nobody says where it is */
  url(app: App): string
  /** @throws CommandError when nobody says where Kafka is */
  brokers(): string[]
  notReady: Readonly<Record<string, string>>
}

const read = (file: string): PlatformFile | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as PlatformFile
  } catch {
    return undefined
  }
}

const legal = (name: string, url: string): string => {
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw wrongUsage(`${name}=${url} is no http address`)
  return url.replace(/\/+$/, '')
}

export function platformOf({ env, root }: Pick<Shell, 'env' | 'root'>): Platform {
  const home = resolve(root, env['CASCATA_HOME'] || '.cascata')
  const file = read(join(home, 'platform.json'))
  return {
    home,
    known: file !== undefined,
    notReady: file?.notReady ?? {},
    url(app) {
      const name = `${app.toUpperCase().replaceAll('-', '_')}_URL`
      const url = env[name] || file?.apps?.[app]?.url
      if (!url) throw platformDown(file ? `no ${app} runs in ${home}` : `no platform is up in ${home}`)
      return legal(name, url)
    },
    brokers() {
      const brokers = env['KAFKA_BROKERS'] || file?.kafka
      if (!brokers) throw platformDown(file ? `no Kafka is known in ${home}` : `no platform is up in ${home}`)
      return brokers.split(',').map((broker) => broker.trim())
    },
  }
}
