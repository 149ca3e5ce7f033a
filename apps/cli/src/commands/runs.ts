import { Option } from 'commander'
import { type Context } from '../context.ts'
import { CommandError } from '../errors.ts'
import { path } from '../http.ts'
import { parseName } from '../names.ts'
import { list, table } from '../output/table.ts'
import { showCount, showNumber, showShare, showTime } from '../output/words.ts'
import { examples, type Registry } from './register.ts'
import { type Gate, rowsOf, type Run } from '../status/model-status.ts'
import { runRow } from './status.ts'

const states = [
  'requested',
  'building',
  'training',
  'gating',
  'refitting',
  'approved',
  'rejected',
  'failed',
  'cancelled',
] as const

const qualified = (context: Context, name: string): string => {
  const { namespace, name: plain } = parseName(name, context.namespace)
  return `${namespace}/${plain}`
}

async function runs(
  context: Context,
  { model, state, limit }: { model?: string; state?: string; limit?: string },
  id?: string,
): Promise<void> {
  if (id !== undefined) return showRun(context, id)
  const query = { model: model === undefined ? undefined : qualified(context, model), state, limit }
  const found = rowsOf<Run>(await context.app('dispatcher').get<unknown>('/v1/runs', query), 'runs')
  const rows = found.map((run) => [`${run.namespace}/${run.model}`, ...runRow(run)])
  context.print(found, () =>
    rows.length === 0
      ? 'there is no run'
      : table(context, ['model', 'run', 'state', 'because of', 'version', 'requested', 'why'], rows),
  )
}

const shown = (value: number | string | null): string =>
  typeof value === 'number' ? showNumber(value) : value === null ? '–' : value.length > 32 ? `${value.slice(0, 31)}…` : value

const gateRow = ({ paint }: Context, { gate, passed, value, interval, bound, rows, note }: Gate): unknown[] => [
  gate,
  passed ? paint.green('passed') : paint.red('failed'),
  shown(value),
  interval?.map(showNumber).join(' … '),
  shown(bound),
  showCount(rows),
  note,
]

/** What the gates saw, one a line. */
export const showGates = (context: Context, gates: readonly Gate[]): string =>
  table(
    context,
    ['gate', 'verdict', 'value', 'interval', 'bound', 'rows', 'note'],
    gates.map((gate) => gateRow(context, gate)),
  )

const plain = (value: unknown): boolean => value === null || typeof value !== 'object'

async function showRun(context: Context, id: string): Promise<void> {
  const run = await context.app('dispatcher').get<Run>(path`/v1/runs/${id}`)
  const dataset = run['dataset'] as { id: string; rows: number } | null | undefined
  context.print(run, () => {
    const facts = Object.entries(run).filter(([, value]) => plain(value) && value !== null)
    const parts = [
      list(context, [
        ...facts.map(([name, value]) => [name, name.endsWith('At') ? showTime(value as string) : value] as const),
        ...(dataset ? [['dataset', `${dataset.id}, ${showCount(dataset.rows)} rows`] as const] : []),
        ...(run.progress ? [['progress', showShare(run.progress.share)] as const] : []),
      ]),
    ]
    if (run.evidence.length > 0) parts.push(showGates(context, run.evidence))
    return parts.join('\n\n')
  })
}

async function train(context: Context, _options: object, model?: string): Promise<void> {
  const name = qualified(context, model!)
  const run = await context.app('dispatcher').post<Run>('/v1/runs', { model: name })
  context.print(run, () => `run ${run.run} of ${name} is ${run.state}: \`cascata runs ${run.run}\` shows how it goes`)
}

async function cancel(context: Context, _options: object, id?: string): Promise<void> {
  const run = await context.app('dispatcher').post<Run>(path`/v1/runs/${id!}/cancel`)
  context.print(run ?? { run: id, state: 'cancelled' }, () => `run ${id} is cancelled`)
}

/** The trainings of one model, or of all that may be touched: `pause`, `resume`. */
export async function setTrainings(context: Context, lever: 'pause' | 'resume', model: string | undefined): Promise<unknown> {
  if (model === undefined) return context.app('dispatcher').post(`/v1/${lever}`)
  const { namespace, name } = parseName(model, context.namespace)
  return context.app('dispatcher').post(path`/v1/models/${namespace}/${name}/${lever}`)
}

/** Every model that is applied, as `namespace/name`. */
export async function allModels(context: Context): Promise<string[]> {
  const models = await context
    .app('registry')
    .get<{ metadata: { namespace: string; name: string } }[]>('/v1/resources', { kind: 'Model' })
  if (models.length === 0) throw new CommandError('CLI_NOTHING', 'no model is applied')
  return models.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
}

export function registerRuns({ program, action }: Registry): void {
  program
    .command('train')
    .description('ask for a training now')
    .argument('<model>', 'name or namespace/name')
    .addHelpText('after', examples('train flight-delay'))
    .action(action(train))
  program
    .command('runs')
    .description('show training runs, or one with its gates')
    .argument('[run]', 'id of a run')
    .option('--model <name>', 'only of this model')
    .addOption(new Option('--state <state>', 'only in this state').choices(states))
    .option('--limit <number>', 'at most so many, the newest')
    .addHelpText('after', examples('runs', 'runs --model flight-delay --state rejected', 'runs r-0198f0a1 --json'))
    .action(action(runs))
  program
    .command('cancel')
    .description('end a training run')
    .argument('<run>', 'id of the run')
    .addHelpText('after', examples('cancel r-0198f0a1'))
    .action(action(cancel))
}
