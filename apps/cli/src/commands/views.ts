import { Option } from 'commander'
import { type Context } from '../context.ts'
import { path } from '../http.ts'
import { parseName } from '../names.ts'
import { examples, type Registry } from './register.ts'

const call = (context: Context, name: string, verb: 'resume' | 'replay', body: object): Promise<unknown> => {
  const { namespace, name: plain } = parseName(name, context.namespace)
  return context.app('feature-store').post(path`/v1/views/${namespace}/${plain}/${verb}`, body)
}

async function resume(context: Context, { from }: { from?: 'earliest' | 'latest' }, view?: string): Promise<void> {
  const answer = await call(context, view!, 'resume', { from })
  context.print(answer ?? { view, from }, () => `${view} goes on from the ${from} row that its topic still holds`)
}

async function replay(context: Context, _options: object, view?: string): Promise<void> {
  const answer = await call(context, view!, 'replay', {})
  context.print(
    answer ?? { view },
    () => `${view} reads its topic from the beginning again: \`cascata get view ${view}\` shows how far it is`,
  )
}

export function registerViews({ program, action }: Registry): void {
  const view = program.command('view').description('let views read again')
  view
    .command('resume')
    .description('let a halted view go on; what lies between is gone')
    .argument('<view>', 'name or namespace/name')
    .addOption(
      new Option('--from <place>', 'where broken partitions begin again').choices(['earliest', 'latest']).makeOptionMandatory(),
    )
    .addHelpText('after', examples('view resume plans --from earliest'))
    .action(action(resume))
  view
    .command('replay')
    .description('read the topic of a view from its beginning again')
    .argument('<view>', 'name or namespace/name')
    .addOption(new Option('--from <place>', 'where reading begins').choices(['earliest']).default('earliest'))
    .addHelpText('after', examples('view replay plans --from earliest'))
    .action(action(replay))
}
