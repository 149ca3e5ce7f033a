import { api, type Api } from './http.ts'
import { paint, type Paint } from './output/paint.ts'
import { harmless } from './output/table.ts'
import { type App, type Platform, platformOf } from './platform.ts'
import { type Shell } from './shell.ts'

/** Options that every command takes. */
export interface GlobalOptions {
  json?: boolean
  token?: string
  namespace?: string
}

/** What a command works with. */
export interface Context {
  shell: Shell
  platform: Platform
  namespace: string
  json: boolean
  paint: Paint
  /** An app, over HTTP. @throws CommandError when nobody says where it is */
  app(app: App): Api
  /** Data for scripts with `--json`, else text for people, which does not steer the terminal whatever names are in it. */
  print(data: unknown, text: () => string): void
  /** A line for people, beside the data: not shown with `--json`. */
  say(line: string): void
}

export function contextOf(shell: Shell, options: GlobalOptions): Context {
  const platform = platformOf(shell)
  const json = options.json === true
  const token = options.token || shell.env['CASCATA_TOKEN'] || undefined
  return {
    shell,
    platform,
    namespace: options.namespace || shell.env['CASCATA_NAMESPACE'] || 'default',
    json,
    paint: paint(shell.colour && !json),
    app: (name) => api(name, platform.url(name), { token, signal: shell.signal }),
    print: (data, text) => shell.out(`${json ? JSON.stringify(data, null, 2) : harmless(text())}\n`),
    say: (line) => (json ? undefined : shell.out(`${harmless(line)}\n`)),
  }
}
