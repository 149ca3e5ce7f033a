import { Option } from 'commander'
import { type Context } from '../context.ts'
import { CommandError } from '../errors.ts'
import { path } from '../http.ts'
import { parseName } from '../names.ts'
import { list, table } from '../output/table.ts'
import { showNumber, showTime } from '../output/words.ts'
import { examples, type Registry } from './register.ts'
import { type Run, rowsOf, runRow } from './status.ts'

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

interface Gate {
  gate: string
  passed: boolean | null
  value?: unknown
  interval?: [number, number]
  bound?: unknown
  rows?: number
}

const qualified = (context: Context, name: string): string => {
  const { namespace, name: plain } = parseName(name, context.namespace)
  return `${namespace}/${plain}`
}

async function runs(context: Context, { model, state }: { model?: string; state?: string }, id?: string): Promise<void> {
  if (id !== undefined) return showRun(context, id)
  const query = { model: model === undefined ? undefined : qualified(context, model), state }
  const found = rowsOf<Run>(await context.app('dispatcher').get<unknown>('/v1/runs', query), 'runs')
  context.print(found, () =>
    found.length === 0
      ? 'there is no run'
      : table(
          context,
          ['model', 'run', 'state', 'because of', 'version', 'requested'],
          found.map((run) => [modelOf(run), ...runRow(run)]),
        ),
  )
}

const modelOf = ({ namespace, model = '' }: Run): string =>
  namespace === undefined || model.includes('/') ? model : `${namespace}/${model}`

const shown = (value: unknown): string =>
  typeof value === 'number'
    ? showNumber(value)
    : typeof value === 'string'
      ? value
      : value === undefined || value === null
        ? '–'
        : JSON.stringify(value)

async function showRun(context: Context, id: string): Promise<void> {
  const run = await context.app('dispatcher').get<Run>(path`/v1/runs/${id}`)
  const gates = rowsOf<Gate>(run['evidence'] ?? run['gates'], 'gates')
  context.print(run, () => {
    const facts = Object.entries(run).filter(([, value]) => value === null || typeof value !== 'object')
    const parts = [
      list(
        context,
        facts.map(([name, value]) => [name, /At$/.test(name) ? showTime(value as string) : value] as const),
      ),
    ]
    if (gates.length > 0) {
      const rows = gates.map(({ gate, passed, value, interval, bound, rows: count }) => [
        gate,
        passed === null ? 'undecided' : passed ? context.paint.green('passed') : context.paint.red('failed'),
        shown(value),
        interval?.map(showNumber).join(' … '),
        shown(bound),
        count,
      ])
      parts.push(table(context, ['gate', 'verdict', 'value', 'interval', 'bound', 'rows'], rows))
    }
    return parts.join('\n\n')
  })
}

async function train(context: Context, _options: object, model?: string): Promise<void> {
  const name = qualified(context, model!)
  const run = await context.app('dispatcher').post<Run>('/v1/runs', { model: name })
  context.print(
    run,
    () =>
      `run ${String(run.run ?? run.id)} of ${name} is ${run.state ?? 'requested'}: \`cascata runs ${String(run.run ?? run.id)}\` shows how it goes`,
  )
}

async function cancel(context: Context, _options: object, id?: string): Promise<void> {
  const run = await context.app('dispatcher').post<Run>(path`/v1/runs/${id!}/cancel`)
  context.print(run ?? { run: id, state: 'cancelled' }, () => `run ${id} is cancelled`)
}

/** The trainings of one model, or of all: `pause`, `resume`. */
export async function setTrainings(
  context: Context,
  lever: 'pause' | 'resume',
  names: readonly string[],
): Promise<{ model: string; answer: unknown }[]> {
  const done: { model: string; answer: unknown }[] = []
  for (const model of names) {
    const { namespace, name } = parseName(model, context.namespace)
    done.push({
      model: `${namespace}/${name}`,
      answer: (await context.app('dispatcher').post(path`/v1/models/${namespace}/${name}/${lever}`)) ?? null,
    })
  }
  return done
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
    .addHelpText('after', examples('runs', 'runs --model flight-delay --state rejected', 'runs r-0198f0a1 --json'))
    .action(action(runs))
  program
    .command('cancel')
    .description('end a training run')
    .argument('<run>', 'id of the run')
    .addHelpText('after', examples('cancel r-0198f0a1'))
    .action(action(cancel))
}
