import { kindFrom, type Kind, type Resource, toYaml } from '@cascata/resources'
import { Option } from 'commander'
import { type Context } from '../context.ts'
import { CommandError, wrongUsage } from '../errors.ts'
import { path } from '../http.ts'
import { type Name, parseName } from '../names.ts'
import { list, table } from '../output/table.ts'
import { showCount, showTime } from '../output/words.ts'
import { examples, type Registry } from './register.ts'

interface Options {
  output?: 'yaml' | 'json' | 'table'
  revisions?: boolean
}

/** A resource as the registry tells it. */
type Applied = Resource & { revision: number; commit: string | null; appliedAt: string; appliedBy: string }

/** How a view stands, by the feature store. */
interface ViewState {
  revision: number
  state: string
  watermark: string | null
  partitions: { topic: string; partition: number; epoch: number; nextOffset: number; end: number }[]
  rows: { accepted: number; rejected: number; deleted: number }
  freshness?: unknown
}

interface Version {
  version: string
  state: string
  run: string | null
  dataset: string | null
  cutoff: string | null
  registeredAt: string
}

const resourceOf = ({ apiVersion, kind, metadata, spec }: Applied): Resource => ({ apiVersion, kind, metadata, spec }) as Resource

const summaryOf = ({ spec }: Resource): string =>
  'source' in spec
    ? `${spec.source.topic}, ${Object.keys(spec.fields).length} fields by ${spec.entity.join(', ')}`
    : `${spec.task} on ${spec.observations.view}, ${spec.features.length} features`

function showResources(context: Context, resources: readonly Applied[]): string {
  if (resources.length === 0) return 'nothing is applied: `cascata apply -f FILE` does it'
  return table(
    context,
    ['kind', 'namespace', 'name', 'revision', 'applied', 'by', 'commit', 'what'],
    resources.map((each) => [
      each.kind,
      each.metadata.namespace,
      each.metadata.name,
      each.revision,
      showTime(each.appliedAt),
      each.appliedBy,
      each.commit?.slice(0, 8),
      summaryOf(each),
    ]),
  )
}

/** How a view reads, or undefined when the feature store does not know it yet. */
export const viewState = (context: Context, { namespace, name }: Name): Promise<ViewState | undefined> =>
  context.app('feature-store').find<ViewState>(path`/v1/views/${namespace}/${name}`)

function showViewState(context: Context, state: ViewState): string {
  const { accepted, rejected, deleted } = state.rows
  const behind = state.partitions.reduce((sum, { nextOffset, end }) => sum + Math.max(0, end - nextOffset), 0)
  return [
    list(context, [
      ['state', state.state === 'active' ? context.paint.green(state.state) : context.paint.yellow(state.state)],
      ['watermark', showTime(state.watermark)],
      ['rows', `${showCount(accepted)} accepted, ${showCount(rejected)} rejected, ${showCount(deleted)} deleted`],
      ['behind', showCount(behind)],
    ]),
    '',
    table(
      context,
      ['topic', 'partition', 'epoch', 'next', 'end'],
      state.partitions.map(({ topic, partition, epoch, nextOffset, end }) => [topic, partition, epoch, nextOffset, end]),
    ),
  ].join('\n')
}

async function getOne(context: Context, kind: Kind, name: Name, { output, revisions }: Options): Promise<void> {
  const route = path`/v1/resources/${kind}/${name.namespace}/${name.name}`
  if (revisions) {
    const all = await context.app('registry').get<Applied[]>(`${route}/revisions`)
    return context.print(all, () => (output === 'yaml' ? toYaml(all.map(resourceOf)).trimEnd() : showResources(context, all)))
  }
  const found = await context.app('registry').get<Applied>(route)
  if (output === 'yaml') return context.print(found, () => toYaml(resourceOf(found)).trimEnd())
  const state = kind === 'FeatureView' ? await viewState(context, name).catch(unlessDown) : undefined
  context.print(state ? { ...found, status: state } : found, () =>
    [showResources(context, [found]), ...(state ? [showViewState(context, state)] : [])].join('\n\n'),
  )
}

/** Views with how they stand, as far as the feature store tells. */
async function getViews(context: Context, views: readonly Applied[]): Promise<void> {
  const told = await context.app('feature-store').find<{ views: (ViewState & Name)[] }>('/v1/views').catch(unlessDown)
  const stateOf = ({ metadata }: Applied) =>
    told?.views.find(({ namespace, name }) => namespace === metadata.namespace && name === metadata.name)
  const rows = views.map((view) => {
    const status = stateOf(view)
    const state = status && (status.state === 'active' ? context.paint.green(status.state) : context.paint.red(status.state))
    return [
      view.metadata.namespace,
      view.metadata.name,
      view.revision,
      state,
      showTime(status?.watermark),
      showCount(status?.rows.accepted),
      showCount(status?.rows.rejected),
      summaryOf(view),
    ]
  })
  const headings = ['namespace', 'name', 'revision', 'state', 'watermark', 'accepted', 'rejected', 'what']
  const data = views.map((view) => ({ ...view, ...(stateOf(view) ? { status: stateOf(view) } : {}) }))
  context.print(data, () =>
    rows.length === 0 ? 'no view is applied: `cascata apply -f FILE` does it' : table(context, headings, rows),
  )
}

/** The registry answers without the feature store too. */
function unlessDown(error: unknown): undefined {
  if (error instanceof CommandError && error.code === 'CLI_PLATFORM_DOWN') return undefined
  throw error
}

async function getVersions(context: Context, text: string | undefined): Promise<void> {
  if (text === undefined) throw wrongUsage('name the model whose versions you want', 'cascata get versions flight-delay')
  const { namespace, name } = parseName(text, context.namespace)
  const versions = await context.app('registry').get<Version[]>(path`/v1/versions/${namespace}/${name}`)
  context.print(versions, () =>
    versions.length === 0
      ? `${namespace}/${name} has no version yet`
      : table(
          context,
          ['version', 'state', 'registered', 'has seen up to', 'run', 'dataset'],
          versions.map(({ version, state, registeredAt, cutoff, run, dataset }) => [
            version,
            state,
            showTime(registeredAt),
            showTime(cutoff),
            run,
            dataset,
          ]),
        ),
  )
}

async function get(context: Context, options: Options, word?: string, name?: string): Promise<void> {
  const output = options.output ?? 'table'
  const asked: Context =
    output === 'json'
      ? { ...context, json: true, print: (data) => context.shell.out(`${JSON.stringify(data, null, 2)}\n`) }
      : context
  if (word !== undefined && /^versions?$/.test(word)) return getVersions(asked, name)
  const kind = word === undefined || word === 'all' ? undefined : kindFrom(word)
  if (word !== undefined && word !== 'all' && !kind)
    throw wrongUsage(`there is no kind ${word}`, 'kinds: views, models, versions, all')
  if (name !== undefined) {
    if (!kind) throw wrongUsage('a name needs its kind', `cascata get view ${name}`)
    return getOne(asked, kind, parseName(name, context.namespace), { ...options, output })
  }
  const resources = await asked.app('registry').get<Applied[]>('/v1/resources', { kind })
  if (kind === 'FeatureView' && output !== 'yaml') return getViews(asked, resources)
  asked.print(resources, () =>
    output === 'yaml' ? toYaml(resources.map(resourceOf)).trimEnd() : showResources(asked, resources),
  )
}

async function remove(context: Context, _options: object, word?: string, name?: string): Promise<void> {
  const kind = kindFrom(word!)
  if (!kind) throw wrongUsage(`there is no kind ${word}`, 'kinds: view, model')
  const { namespace, name: plain } = parseName(name!, context.namespace)
  const answer = await context.app('registry').remove(path`/v1/resources/${kind}/${namespace}/${plain}`)
  context.print(answer, () => `${kind} ${namespace}/${plain} is deleted`)
}

export function registerGet({ program, action }: Registry): void {
  program
    .command('get')
    .description('show resources and versions')
    .argument('[kind]', 'views, models, versions, or all')
    .argument('[name]', 'name or namespace/name; for versions, the model')
    .addOption(new Option('-o, --output <form>', 'how').choices(['yaml', 'json', 'table']))
    .option('--revisions', 'every revision, the newest first')
    .addHelpText(
      'after',
      examples('get', 'get views', 'get view plans', 'get model flight-delay -o yaml', 'get versions flight-delay'),
    )
    .action(action(get))
  program
    .command('delete')
    .description('delete a resource; a view that models read stays, versions of a model are kept')
    .argument('<kind>', 'view or model')
    .argument('<name>', 'name or namespace/name')
    .addHelpText('after', examples('delete model flight-delay'))
    .action(action(remove))
}
