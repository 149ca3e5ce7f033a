import { resolve } from 'node:path'
import { Option } from 'commander'
import { type Role, type TokenEntry } from '@cascata/service'
import { type Context } from '../context.ts'
import { CommandError, wrongUsage } from '../errors.ts'
import { table } from '../output/table.ts'
import { examples, type Registry } from './register.ts'

/** Loaded when it is needed: the library of the services is slow to load. */
const service = () => import('@cascata/service')

interface FileOption {
  file?: string
}

function fileOf({ shell }: Context, { file }: FileOption): string {
  const named = file ?? shell.env['CASCATA_TOKENS_FILE']
  if (!named) throw wrongUsage('no tokens file is named', 'give --file, or set CASCATA_TOKENS_FILE as for the apps')
  return resolve(shell.cwd, named)
}

/** What goes wrong with the file, in its own words. */
async function withFile<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof CommandError ? error : new CommandError('CLI_TOKENS', (error as Error).message)
  }
}

interface CreateOptions extends FileOption {
  role: Role
  in: string[]
  resources: string[]
}

async function create(context: Context, options: CreateOptions, name = ''): Promise<void> {
  const file = fileOf(context, options)
  const { changeTokens, createToken } = await service()
  const { token, entry } = createToken({ name, role: options.role, namespaces: options.in, resources: options.resources })
  await withFile(() =>
    changeTokens(file, (tokens) => {
      if (tokens.some((each) => each.name === name))
        throw new CommandError('CLI_TOKEN_EXISTS', `${file} has a token ${name} already`, {
          hint: `take it away first: cascata token revoke ${name}`,
        })
      return [...tokens, entry]
    }),
  )
  const { sha256: _hash, ...shown } = entry
  context.print({ token, ...shown, file }, () => token)
  if (!context.json) context.shell.err(`This is the only time that the token is shown. Its hash is in ${file}.\n`)
}

async function list(context: Context, options: FileOption): Promise<void> {
  const file = fileOf(context, options)
  const { readTokens } = await service()
  const tokens = (await withFile(() => readTokens(file))).map(({ sha256: _hash, ...shown }: TokenEntry) => shown)
  context.print(tokens, () =>
    table(
      context,
      ['name', 'role', 'namespaces', 'resources'],
      tokens.map(({ name, role, namespaces, resources }) => [name, role, namespaces.join(' '), resources.join(' ')]),
    ),
  )
}

async function revoke(context: Context, options: FileOption, name?: string): Promise<void> {
  const file = fileOf(context, options)
  const { changeTokens } = await service()
  await withFile(() =>
    changeTokens(file, (tokens) => {
      const left = tokens.filter((each) => each.name !== name)
      if (left.length === tokens.length) throw new CommandError('CLI_NOT_FOUND', `${file} has no token ${name}`)
      return left
    }),
  )
  context.print({ revoked: name, file }, () => `the token ${name} is revoked`)
}

const roles = ['viewer', 'trainer', 'publisher', 'deployer', 'admin'] satisfies Role[]

export function registerTokens({ program, action }: Registry): void {
  const token = program
    .command('token')
    .description('bearer tokens, where logins are on: their hashes in the tokens file of the apps')
  const file = () => new Option('--file <file>', 'the tokens file (CASCATA_TOKENS_FILE)')
  token
    .command('create')
    .description('a new token: shown once, its hash kept')
    .argument('<name>', 'whose it is, as the audit log will name it')
    .addOption(new Option('--role <role>', 'what it may do').choices(roles).makeOptionMandatory())
    .option('--in <namespaces...>', 'namespaces it is for; a name may end with *', ['*'])
    .option('--resources <names...>', 'models and views it is for; a name may end with *', ['*'])
    .addOption(file())
    .addHelpText(
      'after',
      examples('token create ci --role publisher --in team-a', 'token create ada --role admin --file /run/cascata/tokens.json'),
    )
    .action(action(create))
  token.command('list').description('whose tokens there are').addOption(file()).action(action(list))
  token
    .command('revoke')
    .description('a token is taken away; apps refuse it within seconds')
    .argument('<name>')
    .addOption(file())
    .action(action(revoke))
}
