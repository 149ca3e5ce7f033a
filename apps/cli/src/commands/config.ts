import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Context } from '../context.ts'
import { CommandError, wrongUsage } from '../errors.ts'
import { table } from '../output/table.ts'
import { examples, type Registry } from './register.ts'

interface SettingDescription {
  name: string
  env: string
  type: string
  default: string
  meaning: string
  value?: string
}

const appsIn = (root: string): string[] =>
  readdirSync(join(root, 'apps'))
    .filter((name) => name !== 'cli' && existsSync(join(root, 'apps', name, 'src', 'main.ts')))
    .toSorted()

/** Asks the app itself, in a process of its own: what it prints is what it would take. */
function describe({ shell }: Context, app: string): SettingDescription[] {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, args, { cwd: shell.root, env: { ...shell.env }, encoding: 'utf8', timeout: 120_000 })
  const failed = (what: string, text: string) => new CommandError('CLI_CONFIG', `${what}: ${text.trim().slice(-2000)}`)
  const built = run(join('infra', 'build.ts'), app)
  if (built.status !== 0) throw failed(`${app} could not be built`, built.stderr)
  const told = run(join('dist', 'apps', app, 'main.js'), '--config')
  if (told.status !== 0) throw failed(`${app} could not say its settings`, told.stderr)
  return JSON.parse(told.stdout) as SettingDescription[]
}

async function config(context: Context, _options: object, app?: string): Promise<void> {
  const apps = appsIn(context.shell.root)
  if (app === undefined) return context.print(apps, () => `apps: ${apps.join(', ')}`)
  if (!apps.includes(app)) throw wrongUsage(`there is no app ${app}`, `apps: ${apps.join(', ')}`)
  const settings = describe(context, app)
  context.print(settings, () =>
    table(
      context,
      ['variable', 'type', 'default', 'now', 'meaning'],
      settings.map(({ env, type, default: usual, value, meaning }) => [
        env,
        type,
        usual,
        value === usual ? null : value,
        meaning,
      ]),
    ),
  )
}

export function registerConfig({ program, action }: Registry): void {
  program
    .command('config')
    .description('every setting of an app: variable, type, default, meaning')
    .argument('[app]', 'registry, feature-store, …; without it, which apps there are')
    .addHelpText('after', examples('config dispatcher', 'config registry --json'))
    .action(action(config))
}
