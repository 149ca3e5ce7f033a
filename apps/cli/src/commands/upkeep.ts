import { type Context } from '../context.ts'
import { wrongUsage } from '../errors.ts'
import { path } from '../http.ts'
import { parseName } from '../names.ts'
import { examples, type Registry } from './register.ts'

interface Erasure {
  erasure: number
  status: 'pending' | 'done'
  deadline: string
  datasets: { id: string; hash: string }[]
  versions: { model: string; version: string }[]
}

type Fields = Record<string, string | { type: string }>

/** `field=value` as the JSON of its type: what is digits for a text stays a text, and a long integer keeps all its digits. */
function partOf(pair: string, fields: Fields): [string, string] {
  const at = pair.indexOf('=')
  if (at < 1) throw wrongUsage(`${pair} is not field=value`)
  const [name, value] = [pair.slice(0, at), pair.slice(at + 1)]
  const field = Object.hasOwn(fields, name) ? fields[name]! : undefined
  if (!field) throw wrongUsage(`the view has no field ${name}`)
  const type = typeof field === 'string' ? field : field.type
  const plain = (/^int/.test(type) && /^-?\d{1,19}$/.test(value)) || (type.startsWith('bool') && /^(true|false)$/.test(value))
  return [name, plain ? value : JSON.stringify(value)]
}

async function erase(context: Context, _options: object, view?: string, pairs?: unknown): Promise<void> {
  const { namespace, name } = parseName(view!, context.namespace)
  const { spec } = await context
    .app('registry')
    .get<{ spec: { fields: Fields } }>(path`/v1/resources/FeatureView/${namespace}/${name}`)
  const key = (pairs as string[]).map((pair) => partOf(pair, spec.fields))
  const body = `{"key":{${key.map(([field, value]) => `${JSON.stringify(field)}:${value}`).join(',')}}}`
  const answer = await context.app('feature-store').remove<Erasure>(path`/v1/entities/${namespace}/${name}`, body)
  context.print(answer, () => told(view!, answer))
}

function told(view: string, { erasure, deadline, datasets, versions }: Erasure): string {
  const lines = [`erased from ${view} (erasure ${erasure}): look-ups find nothing, segments are rewritten by ${deadline}`]
  if (datasets.length > 0) lines.push(`still in datasets ${datasets.map(({ id }) => id).join(', ')}`)
  if (versions.length > 0) lines.push(`trained on it: ${versions.map(({ model, version }) => `${model}/${version}`).join(', ')}`)
  return lines.join('\n')
}

async function rebuild(context: Context, _options: object, view?: string): Promise<void> {
  const { namespace, name } = parseName(view!, context.namespace)
  const answer = await context.app('feature-store').post(path`/v1/views/${namespace}/${name}/rebuild`)
  context.print(answer, () => `the online rows of ${view} are written anew; look-ups wait until they are there`)
}

/** What people do to the rows of a view. */
export function registerUpkeep({ program, action }: Registry): void {
  program
    .command('erase')
    .description('erase an entity from a view, for good')
    .argument('<view>', 'name or namespace/name')
    .argument('<key...>', 'every field of the entity, as field=value')
    .addHelpText('after', examples('erase plans flight=F1', 'erase route-delays origin=ATL destination=SFO'))
    .action(action(erase as never))
  program
    .command('online')
    .description('the online rows of views')
    .command('rebuild')
    .description('write the online rows of a view anew from its segments')
    .argument('<view>', 'name or namespace/name')
    .addHelpText('after', examples('online rebuild plans'))
    .action(action(rebuild))
}
