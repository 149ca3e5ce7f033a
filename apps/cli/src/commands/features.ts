import { type Context } from '../context.ts'
import { wrongUsage } from '../errors.ts'
import { path } from '../http.ts'
import { parseName, showName } from '../names.ts'
import { list, table } from '../output/table.ts'
import { showNumber, showTime } from '../output/words.ts'
import { examples, type Registry } from './register.ts'

interface Similar {
  feature: string
  by: 'definition' | 'values'
  agreement?: number | null
  correlation?: number | null
}

interface Feature {
  namespace: string
  view: string
  name: string
  type: string
  owner: string
  tags: string[]
  description: string
  definition: { topic: string; field: string | null; fn: string | null }
  similar: Similar[]
}

type Listed = Feature & { uses: { models: number; versions: number } }

type Shown = Feature & {
  uses: { models: { model: string; as: string }[]; versions: string[]; versionCount: number }
  freshness: { objectiveMs: number | null; lagMs: number | null; lastRowAt: string | null }
  values: {
    state: string
    rows?: number
    nulls?: number
    numbers?: { mean: number; quantiles: Record<string, number> } | null
    top?: { value: string; count: number }[]
  }
}

const nameOf = ({ namespace, view, name }: Feature) => `${showName({ namespace, name: view })}:${name}`

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

const told = ({ feature, by, agreement, correlation }: Similar): string =>
  by === 'definition'
    ? `${feature} (same definition)`
    : `${feature} (values: agreement ${showNumber(agreement)}, correlation ${showNumber(correlation)})`

async function show(context: Context, _options: object, reference?: string): Promise<void> {
  const at = reference!.lastIndexOf(':')
  if (at < 1) throw wrongUsage(`${reference} is no feature`, 'expected view:feature, such as plans:hour')
  const { namespace, name: view } = parseName(reference!.slice(0, at), context.namespace)
  const found = await context
    .app('feature-store')
    .get<Shown>(path`/v1/catalogue/${namespace}/${view}/${reference!.slice(at + 1)}`)
  const { type, owner, tags, description, definition, uses, values, similar, freshness } = found
  context.print(found, () =>
    list(context, [
      ['feature', nameOf(found)],
      ['type', type],
      ['what', description],
      ['owner', owner],
      ['tags', tags.join(', ')],
      ['from', `${definition.topic}: ${[definition.fn, definition.field].filter(Boolean).join(' of ')}`],
      ['models', uses.models.map(({ model, as }) => `${model} (${as})`).join(', ')],
      [
        'versions',
        uses.versions.length < uses.versionCount
          ? `${uses.versionCount}, the newest: ${uses.versions.join(', ')}`
          : uses.versions.join(', '),
      ],
      ['last row', freshness.lastRowAt && showTime(freshness.lastRowAt)],
      ['values', values.state === 'measured' ? `${values.rows} rows, ${values.nulls} null` : values.state],
      [
        'quantiles',
        Object.entries(values.numbers?.quantiles ?? {})
          .map(([name, of]) => `${name} ${showNumber(of)}`)
          .join(', '),
      ],
      ['most often', (values.top ?? []).map(({ value, count }) => `${value} (${count})`).join(', ')],
      ['similar', similar.map(told).join(', ')],
    ]),
  )
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
