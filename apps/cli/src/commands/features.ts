import { type Context } from '../context.ts'
import { wrongUsage } from '../errors.ts'
import { path } from '../http.ts'
import { parseName } from '../names.ts'
import { type Listed, nameOf, showFeature, type Shown } from '../output/feature.ts'
import { table } from '../output/table.ts'
import { examples, type Registry } from './register.ts'

interface Options {
  tag?: string
  owner?: string
  type?: string
  topic?: string
  view?: string
  unused?: boolean
  similar?: boolean
}

/** All pages of what is found. */
async function search(context: Context, { unused, similar, ...options }: Options, text?: string): Promise<void> {
  const { tag, owner, type, topic, view } = options
  const asked = {
    q: text,
    tag,
    owner,
    type,
    topic,
    view,
    unused: unused ? 'true' : undefined,
    similar: similar ? 'true' : undefined,
    limit: 1_000,
  }
  const features: Listed[] = []
  let after: string | undefined
  do {
    const page: { features: Listed[]; next: string | null } = await context
      .app('feature-store')
      .get('/v1/catalogue', { ...asked, after })
    features.push(...page.features)
    after = page.next ?? undefined
  } while (after !== undefined)
  context.print(features, () => {
    const rows = features.map((each) => {
      const { type: its, owner: whose, definition, uses, similar: alike } = each
      return [nameOf(each), its, whose, definition.topic, uses.models, uses.versions, alike.length]
    })
    return table(context, ['feature', 'type', 'owner', 'topic', 'models', 'versions', 'similar'], rows)
  })
}

async function show(context: Context, _options: object, reference?: string): Promise<void> {
  const at = reference!.lastIndexOf(':')
  if (at < 1) throw wrongUsage(`${reference} is no feature`, 'expected view:feature, such as plans:hour')
  const { namespace, name: view } = parseName(reference!.slice(0, at), context.namespace)
  const found = await context
    .app('feature-store')
    .get<Shown>(path`/v1/catalogue/${namespace}/${view}/${reference!.slice(at + 1)}`)
  context.print(found, () => showFeature(context, found))
}

/** Commands that find features. */
export function registerFeatures({ program, action }: Registry): void {
  const features = program
    .command('features')
    .description('features to find: what they are, who uses them, which are alike')
    .argument('[search]', 'a part of a name, a description or a tag')
    .option('--tag <tag>', 'of a tag')
    .option('--owner <owner>', 'of an owner')
    .option('--type <type>', 'of a type')
    .option('--topic <topic>', 'made of a topic')
    .option('--view <view>', 'of a view')
    .option('--unused', 'only those that nothing reads')
    .option('--similar', 'only those with an equal definition elsewhere')
    .addHelpText('after', examples('features delay', 'features --unused --owner ops', 'features show plans:hour'))
    .action(action(search))
  features
    .command('show')
    .description('a feature: definition, values, users, similar ones')
    .argument('<view:feature>', 'such as plans:hour')
    .addHelpText('after', examples('features show plans:hour', 'features show plans:hour --json'))
    .action(action(show))
}
