import { type ResourceError, type SourcedResource, topicDangers, topicSettings } from '@cascata/resources'
import { type Context } from '../context.ts'
import { CommandError, exitCodes, wrongUsage } from '../errors.ts'
import { withKafka } from '../facts/log.ts'
import { harmless, table } from '../output/table.ts'
import { decideDrift, historyOf, type Origin } from '../resources/drift.ts'
import { commitOf, invalid, joined, parseFiles, readFiles, type ResourceFile } from '../resources/files.ts'
import { type Planned, type PlannedSimilar, showPlan, type ShownPlan, summarise, type Unnamed } from '../resources/show-plan.ts'
import { examples, type Registry } from './register.ts'

interface Options {
  file?: string[]
  commit?: string
  prune?: boolean
}

interface PlanAnswer {
  changed: boolean
  documents: Omit<Planned, 'drift'>[]
  unnamed: Omit<Unnamed, 'drift'>[]
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

const asked = (prune: boolean) => (prune ? { prune: 'true' } : {})

async function askPlan(
  files: readonly ResourceFile[],
  { prune = false }: Options,
  context: Context,
): Promise<Omit<ShownPlan, 'similar'>> {
  const { text, locate } = joined(files)
  const answer = await located(() => context.app('registry').send<PlanAnswer>('POST', '/v1/plan', text, asked(prune)), locate)
  if (answer.errors.length > 0) throw invalid(answer.errors.map(locate))
  const history = historyOf(files[0]!.folder)
  const withDrift = <Each extends { applied: Origin | null }>(each: Each) => ({
    ...each,
    drift: each.applied && decideDrift(each.applied.commit, history),
  })
  const [documents, unnamed] = [answer.documents.map(withDrift), answer.unnamed.map(withDrift)]
  return summarise({ changed: answer.changed, documents, unnamed }, prune)
}

/** Features of the files that are like others. The feature store may be out of reach of whoever plans, which is then said, and no failure. */
async function similarIn(files: readonly ResourceFile[], context: Context): Promise<ShownPlan['similar']> {
  try {
    const { text: resources } = joined(files)
    return await context.app('feature-store').post<PlannedSimilar>('/v1/catalogue/similar', { resources })
  } catch (error) {
    if (error instanceof CommandError && error.code !== 'CLI_INTERRUPTED') return { unknown: error.message }
    throw error
  }
}

async function plan(context: Context, options: Options) {
  const files = await filesOf(options, context)
  const planned = await askPlan(files, options, context)
  const found: ShownPlan = { ...planned, similar: await similarIn(files, context) }
  context.print(found, () => showPlan(context, found, options.prune === true))
  if (found.refused.length > 0) return exitCodes.failed
  return found.changed ? exitCodes.changes : exitCodes.done
}

type Became = Pick<Planned, 'kind' | 'namespace' | 'name' | 'revision'> & { action: Planned['action'] | 'deleted' }

const tints = ({ paint }: Context) => ({
  created: paint.green,
  changed: paint.green,
  unchanged: (text: string) => text,
  deleted: paint.red,
})

async function apply(context: Context, options: Options) {
  const files = await filesOf(options, context)
  const { text, locate } = joined(files)
  const warnings = await topicWarnings(context, parseFiles(files))
  const commit = options.commit ?? commitOf(files[0]!.folder)
  const applied = await located(
    () => context.app('registry').send<Became[]>('PUT', '/v1/resources', text, { commit, ...asked(options.prune === true) }),
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
        tints(context)[action](action),
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
    .option('--prune', 'also delete what the files leave out of the namespaces that they name')
    .addHelpText('after', examples('plan -f examples/flights', 'plan -f resources --prune', 'plan -f model.yaml --json'))
    .action(action(plan))
  program
    .command('apply')
    .description('apply resources, all or nothing')
    .option('-f, --file <file>', 'YAML file, folder, or - for the standard input; may be repeated', collect)
    .option('--commit <commit>', 'where the revision comes from (default: the git commit of the files)')
    .option('--prune', 'also delete what the files leave out of the namespaces that they name; what is in use stays')
    .addHelpText('after', examples('apply -f examples/flights', 'cat model.yaml | cascata apply -f -'))
    .action(action(apply))
}
