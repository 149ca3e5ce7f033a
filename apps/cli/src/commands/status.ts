import { type Context } from '../context.ts'
import { exitCodes } from '../errors.ts'
import { path } from '../http.ts'
import { type Name, parseName, showName } from '../names.ts'
import { list, table } from '../output/table.ts'
import { showCount, showShare, showTime } from '../output/words.ts'
import { type Health, healthOf, type ModelStatus, type Run, statusOf } from '../status/model-status.ts'
import { examples, type Registry } from './register.ts'

/** States in which nothing happens to a run any more. */
const over = new Set(['approved', 'rejected', 'failed', 'cancelled', 'refused'])

/** The stop levers that are pulled, and what else keeps a model from being trained. */
function stopped({ training }: ModelStatus): string {
  if (!training) return ''
  const { suspended, pausedBy, frozenBy } = training
  return [
    ...(suspended ? [`suspended: ${suspended.reason}`] : []),
    ...(pausedBy === null ? [] : [`paused by ${pausedBy}`]),
    ...(frozenBy.length > 0 ? [`frozen by ${[...new Set(frozenBy.map(({ type }) => type))].join(', ')}`] : []),
  ].join(', ')
}

const rolling = ({ route }: ModelStatus): string => {
  if (!route?.rollout) return ''
  const { version, state, share } = route.rollout
  return `${version} ${state}${share > 0 && share < 1 ? ` ${showShare(share)}` : ''}${route.waiting ? `, ${route.waiting.version} waits` : ''}`
}

const runningOf = ({ runs }: ModelStatus): string =>
  runs
    .filter(({ state, awaiting }) => !over.has(state) || awaiting !== null)
    .map(({ state, progress, awaiting }) =>
      awaiting ? `waits for ${awaiting}` : `${state}${state === 'training' && progress ? ` ${showShare(progress.share)}` : ''}`,
    )
    .join(', ')

function overview(context: Context, models: readonly ModelStatus[], health: readonly Health[]): string {
  const { paint } = context
  const services = health
    .map(({ app, ready, why }) => `${ready ? paint.green('●') : paint.red('●')} ${app}${ready ? '' : paint.red(` ${why}`)}`)
    .join('   ')
  const rows = models.map((model) => [
    showName(model),
    model.route?.serving ? paint.green(model.route.serving) : null,
    rolling(model),
    runningOf(model),
    showCount(model.training?.labels?.labelled),
    stopped(model) === '' ? null : paint.yellow(stopped(model)),
    model.findings.length === 0 ? null : paint.red(model.findings.map(({ type }) => type).join(', ')),
  ])
  const body =
    rows.length === 0
      ? 'No model is applied: `cascata apply -f FILE` does it.'
      : table(context, ['model', 'serves', 'rollout', 'running', 'labelled', 'stopped', 'findings'], rows)
  return `${services}\n\n${body}`
}

function detail(context: Context, model: ModelStatus): string {
  const { route, training, findings } = model
  const labels = training?.labels
  const next = training?.nextTrigger
  const parts = [
    list(context, [
      ['model', `${model.namespace}/${model.name}`],
      ['serves', route?.serving ? `version ${route.serving}` : 'nothing yet'],
      ['rollout', rolling(model)],
      ...(route?.rollout?.reason ? [['', route.rollout.reason] as const] : []),
      [
        'labels',
        labels
          ? `${showCount(labels.ripe)} ripe, ${showCount(labels.labelled)} labelled (${showCount(training?.lastDataset?.labelled)} at the last training), up to ${showTime(labels.cutoff)}`
          : null,
      ],
      ['running', runningOf(model)],
      ...(next ? [['next', `${next.trigger}, due ${showTime(next.due)}`] as const] : []),
      ['stopped', stopped(model)],
      ...Object.entries(model.silent).map(([app, why]) => [app, context.paint.red(why)] as const),
    ]),
  ]
  if (model.runs.length > 0)
    parts.push(table(context, ['run', 'state', 'because of', 'version', 'requested', 'why'], model.runs.slice(0, 8).map(runRow)))
  if (findings.length > 0) {
    const rows = findings.map(({ type, version, measure, size, threshold, openedAt }) => [
      type,
      version,
      measure,
      size,
      threshold,
      showTime(openedAt),
    ])
    parts.push(table(context, ['finding', 'version', 'measure', 'size', 'bound', 'since'], rows))
  }
  return parts.join('\n\n')
}

export const runRow = ({ run, state, awaiting, trigger, version, requestedAt, why }: Run): unknown[] => [
  run,
  awaiting ? `waits for ${awaiting}` : state,
  trigger,
  version,
  showTime(requestedAt),
  why,
]

async function status(context: Context, _options: object, name?: string) {
  if (name !== undefined) {
    const model = parseName(name, context.namespace)
    await context.app('registry').get(path`/v1/resources/Model/${model.namespace}/${model.name}`)
    const found = await statusOf(context, model)
    context.print(found, () => detail(context, found))
    return exitCodes.done
  }
  const registry = context.app('registry')
  const [models, health] = await Promise.all([
    registry.get<{ metadata: Name }[]>('/v1/resources', { kind: 'Model' }),
    healthOf(context),
  ])
  const found = await Promise.all(
    models.map(({ metadata: { namespace, name: plain } }) => statusOf(context, { namespace, name: plain })),
  )
  context.print({ apps: health, models: found }, () => overview(context, found, health))
  return health.every(({ ready }) => ready) ? exitCodes.done : exitCodes.failed
}

export function registerStatus({ program, action }: Registry): void {
  program
    .command('status')
    .description('what serves, what is running, what is wrong')
    .argument('[model]', 'name or namespace/name')
    .addHelpText('after', examples('status', 'status flight-delay'))
    .action(action(status))
}
