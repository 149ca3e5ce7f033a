import { Option } from 'commander'
import { type Context } from '../context.ts'
import { wrongUsage } from '../errors.ts'
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

/** `earliest`, a time, or `0:100,1:250`: offsets by partition. */
function placeOf(text: string): string | Record<string, number> {
  if (text === 'earliest') return text
  if (/^\d{1,5}:\d{1,15}(,\d{1,5}:\d{1,15})*$/.test(text))
    return Object.fromEntries(
      text.split(',').map((pair) => {
        const [partition, offset] = pair.split(':')
        return [partition, Number(offset)]
      }),
    )
  if (!/^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:?\d{2})$/.test(text))
    throw wrongUsage(
      `${text} is no place of a topic`,
      'expected earliest, a time such as 2001-01-14T09:30:00Z, or offsets such as 0:4711,1:250',
    )
  return text
}

async function replay(context: Context, { from }: { from: string }, view?: string): Promise<void> {
  const place = placeOf(from)
  const answer = await call(context, view!, 'replay', { from: place })
  const begin = from === 'earliest' ? 'the beginning' : from
  context.print(
    answer ?? { view },
    () => `${view} reads its topic from ${begin} on again: \`cascata get view ${view}\` shows how far it is`,
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
    .description('read the topic of a view again, from its beginning or a later place; what lies before it stays')
    .argument('<view>', 'name or namespace/name')
    .option('--from <place>', 'earliest, the time when the first row came (ISO 8601), or partition:offset,…', 'earliest')
    .addHelpText(
      'after',
      examples('view replay plans', 'view replay plans --from 2001-01-14T09:30:00Z', 'view replay plans --from 0:4711,1:250'),
    )
    .action(action(replay))
}
