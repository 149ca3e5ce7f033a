import { userInfo } from 'node:os'
import { type Context } from '../context.ts'
import { CommandError, wrongUsage } from '../errors.ts'
import { path } from '../http.ts'
import { parseName, parseVersion } from '../names.ts'
import { examples, type Registry } from './register.ts'
import { type Run } from '../status/model-status.ts'
import { allModels, setTrainings, showGates } from './runs.ts'

type Lever = 'rollback' | 'promote' | 'pause' | 'resume'

const pull = (context: Context, lever: Lever, model: string, body: object = {}): Promise<Record<string, unknown> | undefined> => {
  const { namespace, name } = parseName(model, context.namespace)
  return context.app('deployer').post(path`/v1/routes/${namespace}/${name}/${lever}`, body)
}

async function rollback(context: Context, { to }: { to?: string }, model?: string): Promise<void> {
  const answer = await pull(context, 'rollback', model!, to === undefined ? {} : { to })
  context.print(
    answer ?? { model, to },
    () => `${model} goes back${to ? ` to version ${to}` : ''}: \`cascata status ${model}\` shows what serves`,
  )
}

async function promote(context: Context, _options: object, model?: string): Promise<void> {
  const answer = await pull(context, 'promote', model!)
  context.print(answer ?? { model }, () => `the candidate of ${model} is promoted`)
}

/** The running rollout as well, where there is one: a model without has nothing to stop there. */
async function rolloutToo(context: Context, lever: 'pause' | 'resume', model: string): Promise<unknown> {
  try {
    return (await pull(context, lever, model)) ?? null
  } catch (error) {
    if (error instanceof CommandError && (error.status === 404 || error.status === 409)) return null
    throw error
  }
}

/** Only the rollout was named: that there is none is an answer. */
const plainly = (context: Context, lever: 'pause' | 'resume', model: string): Promise<unknown> => pull(context, lever, model)

interface LeverOptions {
  all?: boolean
  trainings?: boolean
  rollouts?: boolean
}

const lever =
  (name: 'pause' | 'resume') =>
  async (context: Context, { all, trainings, rollouts }: LeverOptions, model?: string): Promise<void> => {
    if ((model === undefined) === (all !== true)) throw wrongUsage(`name the model to ${name}, or --all`)
    const models = all ? await allModels(context) : [model!]
    const both = trainings === rollouts
    const training = both || trainings ? await setTrainings(context, name, model) : null
    const rollout: unknown[] = []
    if (both || rollouts) for (const each of models) rollout.push(await (both || all ? rolloutToo : plainly)(context, name, each))
    context.print({ models, trainings: training, rollouts: rollout }, () =>
      models.map((each) => `${each} is ${name === 'pause' ? 'paused' : 'going on'}`).join('\n'),
    )
  }

interface Judged {
  state: string
  run: string | null
}

/** What a verdict rests on. That it cannot be read is said, and keeps nobody from a verdict. */
async function evidenceOf(context: Context, name: string, { state, run }: Judged): Promise<string> {
  if (run === null) return `${name} is ${state}; a client registered it, so no gate has seen it`
  try {
    const found = await context.app('dispatcher').find<Run>(path`/v1/runs/${run}`)
    if (!found || found.evidence.length === 0) return `${name} is ${state}; no gate has seen it`
    const failed = found.evidence.filter(({ passed }) => !passed).length
    const all = found.evidence.length
    return `${name} is ${state}; ${failed === 0 ? `all ${all} gates passed` : `${failed} of ${all} gates failed`}\n\n${showGates(context, found.evidence)}\n`
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    return `${name} is ${state}; its evidence could not be read: ${error.message}`
  }
}

const verdict =
  (word: 'approved' | 'rejected') =>
  async (context: Context, { why, by }: { why?: string; by?: string }, text?: string): Promise<void> => {
    const { namespace, name, version } = parseVersion(text!, context.namespace)
    const person = by ?? context.shell.env['USER'] ?? userInfo().username
    const registry = context.app('registry')
    const route = path`/v1/versions/${namespace}/${name}/${version}`
    if (!context.json)
      context.say(await evidenceOf(context, `${namespace}/${name}/${version}`, await registry.get<Judged>(route)))
    const answer = await registry.post(`${route}/verdict`, { verdict: word, by: person, why: why ?? null })
    context.print(
      answer ?? { model: `${namespace}/${name}`, version, verdict: word },
      () => `${namespace}/${name}/${version} is ${word}`,
    )
  }

export function registerRollouts({ program, action }: Registry): void {
  program
    .command('rollback')
    .description('take the candidate back, or return to an earlier version')
    .argument('<model>', 'name or namespace/name')
    .option('--to <version>', 'the version that shall serve')
    .addHelpText('after', examples('rollback flight-delay', 'rollback flight-delay --to 2'))
    .action(action(rollback))
  program
    .command('promote')
    .description('let the candidate serve everything now')
    .argument('<model>', 'name or namespace/name')
    .addHelpText('after', examples('promote flight-delay'))
    .action(action(promote))
  for (const name of ['pause', 'resume'] as const) {
    program
      .command(name)
      .description(
        name === 'pause'
          ? 'stop the trainings of a model, and its rollout where it stands'
          : 'let the trainings and the rollout of a model go on',
      )
      .argument('[model]', 'name or namespace/name')
      .option('--all', 'every model')
      .option('--trainings', 'only the trainings')
      .option('--rollouts', 'only the rollout')
      .addHelpText('after', examples(`${name} flight-delay`, `${name} --all`))
      .action(action(lever(name)))
  }
  for (const [name, word] of [
    ['approve', 'approved'],
    ['reject', 'rejected'],
  ] as const) {
    program
      .command(name)
      .description(`say that a version ${name === 'approve' ? 'may' : 'may not'} be rolled out`)
      .argument('<model/version>', 'such as flight-delay/3')
      .option('--why <reason>', 'kept beside the verdict')
      .option('--by <person>', 'who says so (default: the user of this machine)')
      .addHelpText('after', examples(`${name} flight-delay/3 --why "checked on the bench"`))
      .action(action(verdict(word)))
  }
}
