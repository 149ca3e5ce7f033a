import { type Change, notYet, type ResourceError, type SourcedResource, topicDangers, topicSettings } from '@cascata/resources'
import { type Context } from '../context.ts'
import { CommandError, exitCodes, wrongUsage } from '../errors.ts'
import { withKafka } from '../facts/log.ts'
import { harmless, table } from '../output/table.ts'
import { commitOf, invalid, joined, parseFiles, readFiles, type ResourceFile } from '../resources/files.ts'
import { examples, type Registry } from './register.ts'

interface Options {
  file?: string[]
  commit?: string
}

/** One document of a plan, as the registry tells it. */
export interface Planned {
  kind: string
  namespace: string
  name: string
  revision: number
  action: 'created' | 'changed' | 'unchanged'
  changes: Change[]
  affects: string[]
}

interface Plan {
  changed: boolean
  documents: Planned[]
  errors: ResourceError[]
}

async function filesOf({ file }: Options, context: Context): Promise<ResourceFile[]> {
  if (!file || file.length === 0) throw wrongUsage('name what to read with -f FILE|DIR', '-f - reads the standard input')
  const files = await readFiles(file, context.shell)
  if (parseFiles(files).length === 0) throw new CommandError('CLI_NOTHING', `no resource is in ${file.join(', ')}`)
  return files
}

/** What the registry refuses names lines of the joined stream; people want those of their files. */
async function located<T>(ask: () => Promise<T>, locate: (error: ResourceError) => ResourceError): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    const errors = error instanceof CommandError ? (error.details as { errors?: ResourceError[] } | undefined)?.errors : undefined
    throw errors && errors.length > 0 ? invalid(errors.map(locate)) : error
  }
}

async function askPlan(files: readonly ResourceFile[], context: Context): Promise<Plan> {
  const { text, locate } = joined(files)
  const plan = await located(() => context.app('registry').send<Plan>('POST', '/v1/plan', text), locate)
  if (plan.errors.length > 0) throw invalid(plan.errors.map(locate))
  return plan
}

const signs = { created: '+', changed: '~', unchanged: '=' } as const

const short = (value: unknown): string => {
  const text = value === undefined ? '(not there)' : JSON.stringify(value)
  return harmless(text.length > 60 ? `${text.slice(0, 57)}…` : text)
}

function showDocument({ paint }: Context, { kind, namespace, name, action, revision, changes, affects }: Planned): string {
  const tint = { created: paint.green, changed: paint.yellow, unchanged: paint.dim }[action]
  const lines = changes.map(
    ({ path, from, to, effect, why }) =>
      `    ${path}: ${short(from)} → ${short(to)}\n      ${effect === 'retrain' ? paint.yellow(effect) : paint.dim(effect)} ${paint.dim(why)}`,
  )
  const readers = affects.length > 0 ? [`    read by ${affects.join(', ')}`] : []
  return [
    tint(`${signs[action]} ${kind} ${namespace}/${name}  ${action}${action === 'unchanged' ? '' : `, revision ${revision}`}`),
    ...lines,
    ...readers,
  ].join('\n')
}

/** What the documents have a place for, is off, and stays off: nobody should wait for it. */
const off = (kinds: ReadonlySet<string>): string[] => [
  ...new Set(notYet.filter(({ kind }) => kinds.has(kind)).map(({ what }) => what)),
]

async function plan(context: Context, options: Options) {
  const answer = await askPlan(await filesOf(options, context), context)
  const missing = off(new Set(answer.documents.map(({ kind }) => kind)))
  context.print({ changed: answer.changed, documents: answer.documents, notYet: missing }, () => {
    const counts = Object.entries(Object.groupBy(answer.documents, ({ action }) => action)).map(
      ([action, all]) => `${all.length} ${action}`,
    )
    return [
      ...answer.documents.map((each) => showDocument(context, each)),
      '',
      counts.join(', '),
      context.paint.dim(`off, as not supported yet: ${missing.join('; ')}`),
    ].join('\n')
  })
  return answer.changed ? exitCodes.changes : exitCodes.done
}

async function apply(context: Context, options: Options) {
  const files = await filesOf(options, context)
  const { text, locate } = joined(files)
  const warnings = await topicWarnings(context, parseFiles(files))
  const commit = options.commit ?? commitOf(files[0]!.folder)
  const applied = await located(
    () => context.app('registry').send<Omit<Planned, 'changes' | 'affects'>[]>('PUT', '/v1/resources', text, { commit }),
    locate,
  )
  for (const warning of warnings) context.shell.err(`cascata: ${harmless(warning)}\n`)
  context.print(applied, () =>
    table(
      context,
      ['kind', 'namespace', 'name', 'revision', 'action'],
      applied.map(({ kind, namespace, name, revision, action }) => [
        kind,
        namespace,
        name,
        revision,
        action === 'unchanged' ? action : context.paint.green(action),
      ]),
    ),
  )
}

/**
 * What existing topics would do to the rows of views. Those that don't exist are created as they have to be.
 * Kafka may be out of reach of whoever applies, a pipeline for example: then nothing is said.
 */
async function topicWarnings(context: Context, read: readonly SourcedResource[]): Promise<string[]> {
  const named = new Set(read.flatMap(({ resource }) => (resource.kind === 'FeatureView' ? [resource.spec.source.topic] : [])))
  if (named.size === 0) return []
  try {
    return await withKafka(context, async ({ messaging, kafka }) => {
      const topics = messaging.openTopics(kafka)
      try {
        const existing = new Set(await topics.list())
        const warnings: string[] = []
        for (const topic of named) {
          if (existing.has(topic))
            for (const danger of topicDangers(await topics.config(topic, Object.keys(topicSettings))))
              warnings.push(`topic ${topic}: ${danger}`)
        }
        return warnings
      } finally {
        await topics.close()
      }
    })
  } catch (error) {
    if (error instanceof CommandError) return []
    throw error
  }
}

const collect = (value: string, before: string[] = []): string[] => [...before, value]

export function registerApply({ program, action }: Registry): void {
  program
    .command('plan')
    .description('say what applying resources would change, and what that brings about; changes nothing')
    .option('-f, --file <file>', 'YAML file, folder, or - for the standard input; may be repeated', collect)
    .addHelpText('after', examples('plan -f examples/flights', 'plan -f model.yaml --json'))
    .action(action(plan))
  program
    .command('apply')
    .description('apply resources, all or nothing')
    .option('-f, --file <file>', 'YAML file, folder, or - for the standard input; may be repeated', collect)
    .option('--commit <commit>', 'where the revision comes from (default: the git commit of the files)')
    .addHelpText('after', examples('apply -f examples/flights', 'cat model.yaml | cascata apply -f -'))
    .action(action(apply))
}
