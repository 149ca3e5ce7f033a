import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Option } from 'commander'
import { type Context } from '../context.ts'
import { CommandError, exitCodes } from '../errors.ts'
import { path } from '../http.ts'
import { parseVersion } from '../names.ts'
import { harmless, list, table } from '../output/table.ts'
import { examples, type Registry } from './register.ts'

interface Difference {
  what: string
  recorded: unknown
  now: unknown
}

interface Reproduction {
  reproduction: string
  state: 'waiting' | 'working' | 'done' | 'failed'
  result: {
    same: 'bits' | 'predictions' | 'different'
    modelSha256: { recorded: string; now: string }
    predictions: { rows: number; worst: number; mean: number; tolerance: number } | null
    differences: Difference[]
    why: string
  } | null
  failure: { code: string; message: string } | null
}

const value = (of: unknown): string => (of === null || of === undefined ? '–' : typeof of === 'string' ? of : JSON.stringify(of))

const answers = { bits: 'the same, bit for bit', predictions: 'the same in its predictions', different: 'different' } as const

function showReproduction(context: Context, name: string, { result }: Reproduction): string {
  const { same, predictions, differences, why, modelSha256 } = result!
  const tint = same === 'different' ? context.paint.red : context.paint.green
  return [
    `${name} made again is ${tint(answers[same])}: ${why}`,
    list(context, [
      ['recorded', modelSha256.recorded],
      ['now', modelSha256.now],
      ...(predictions
        ? [
            [
              'answers',
              `at most ${predictions.worst} apart over ${predictions.rows} rows (bound ${predictions.tolerance})`,
            ] as const,
          ]
        : []),
    ]),
    ...(differences.length > 0
      ? [
          table(
            context,
            ['not as recorded', 'recorded', 'now'],
            differences.map((each) => [each.what, value(each.recorded), value(each.now)]),
          ),
        ]
      : []),
  ].join('\n\n')
}

/** Waits until a version has been made again. @throws CommandError when that fails, or is interrupted */
async function reproduced(context: Context, id: string): Promise<Reproduction> {
  for (;;) {
    const found = await context.app('dispatcher').get<Reproduction>(path`/v1/reproductions/${id}`)
    if (found.state === 'done') return found
    if (found.failure) throw new CommandError(found.failure.code, found.failure.message)
    if (context.shell.signal.aborted) throw new CommandError('CLI_INTERRUPTED', `interrupted; ${id} goes on`)
    await new Promise((done) => setTimeout(done, 500))
  }
}

async function reproduce(context: Context, _options: object, text?: string) {
  const { namespace, name, version } = parseVersion(text!, context.namespace)
  const asked = { model: `${namespace}/${name}`, version }
  const { reproduction } = await context.app('dispatcher').post<Reproduction>('/v1/reproductions', asked)
  const found = await reproduced(context, reproduction)
  context.print(found, () => showReproduction(context, `${namespace}/${name}/${version}`, found))
  return found.result?.same === 'different' ? exitCodes.failed : exitCodes.done
}

interface Pair {
  name: string
  one: unknown
  other: unknown
  same?: boolean
  change?: number | null
  intervals?: { one: (number | null)[]; other: (number | null)[]; apart: boolean }
}

interface Comparison {
  one: string
  other: string
  parameters: Pair[]
  build: Pair[]
  data: Pair[]
  metrics: Pair[]
  features: { added: string[]; removed: string[]; kept: string[] }
  importance: Pair[]
  notes: string[]
}

const short = (of: unknown): string => (typeof of === 'number' ? String(Number(of.toPrecision(5))) : value(of))
const within = (interval: (number | null)[] | undefined): string => (interval ? ` (${interval.map(short).join(' to ')})` : '')

function showComparison(context: Context, found: Comparison): string {
  const differing = (title: string, pairs: Pair[]) => {
    const rows = pairs.filter(({ same }) => same === false)
    if (rows.length === 0) return [context.paint.dim(`${title}: the same`)]
    return [
      table(
        context,
        [title, found.one, found.other],
        rows.map(({ name, one, other }) => [name, short(one), short(other)]),
      ),
    ]
  }
  const figures = (title: string, pairs: Pair[]) =>
    pairs.length === 0
      ? []
      : [
          table(
            context,
            [title, found.one, found.other, 'change'],
            pairs.map(({ name, one, other, change, intervals }) => [
              name,
              short(one) + within(intervals?.one),
              short(other) + within(intervals?.other),
              `${short(change)}${intervals?.apart ? ' beyond chance' : ''}`,
            ]),
          ),
        ]
  const { added, removed } = found.features
  return [
    ...differing('parameters', found.parameters),
    ...differing('made with', found.build),
    ...differing('data', found.data),
    ...figures('metric', found.metrics),
    ...(added.length + removed.length === 0
      ? [context.paint.dim('features: the same')]
      : [`features: ${[...added.map((each) => `+ ${each}`), ...removed.map((each) => `- ${each}`)].join(', ')}`]),
    ...figures('importance', found.importance.slice(0, 20)),
    ...found.notes.map((note) => context.paint.yellow(note)),
  ].join('\n\n')
}

async function compare(context: Context, _options: object, one?: string, other?: string): Promise<void> {
  const [a, b] = [parseVersion(one!, context.namespace), parseVersion(other!, context.namespace)]
  const found = await context.app('registry').get<Comparison>('/v1/comparison', {
    namespace: a.namespace,
    model: a.name,
    version: a.version,
    otherNamespace: b.namespace,
    otherModel: b.name,
    otherVersion: b.version,
  })
  context.print(found, () => showComparison(context, found))
}

async function card(context: Context, { format, output }: { format: string; output?: string }, text?: string): Promise<void> {
  const { namespace, name, version } = parseVersion(text!, context.namespace)
  const content = await context.app('registry').text(path`/v1/cards/${namespace}/${name}/${version}`, { format })
  if (output === undefined) return context.shell.out(harmless(content))
  await writeFile(resolve(context.shell.cwd, output), content)
  context.print({ file: output, bytes: Buffer.byteLength(content) }, () => `the card is in ${output}`)
}

const retaining =
  (word: 'delete' | 'restore' | 'purge', said: string) =>
  async (context: Context, _options: object, text?: string): Promise<void> => {
    const { namespace, name, version } = parseVersion(text!, context.namespace)
    const route = path`/v1/versions/${namespace}/${name}/${version}`
    const registry = context.app('registry')
    const answer = await (word === 'delete' ? registry.remove<object>(route) : registry.post<object>(`${route}/${word}`))
    context.print(answer, () => `${namespace}/${name}/${version} is ${said}`)
  }

/** Commands that make a version again, and put two side by side. */
export function registerVersions({ program, action }: Registry): void {
  program
    .command('reproduce')
    .description('make a version again from its record, and say whether it comes out the same; deploys nothing')
    .argument('<model/version>', 'such as flight-delay/3')
    .addHelpText('after', examples('reproduce flight-delay/3'))
    .action(action(reproduce))
  program
    .command('compare')
    .description('two versions side by side: parameters, data, metrics with intervals, features, importance')
    .argument('<model/version>', 'such as flight-delay/3')
    .argument('<other>', 'such as flight-delay/4')
    .addHelpText('after', examples('compare flight-delay/3 flight-delay/4'))
    .action(action(compare))
  program
    .command('card')
    .description('the model card of a version')
    .argument('<model/version>', 'such as flight-delay/3')
    .addOption(new Option('--format <format>').choices(['markdown', 'html']).default('markdown'))
    .option('-o, --output <file>', 'write it there')
    .addHelpText('after', examples('card flight-delay/3', 'card flight-delay/3 --format html -o card.html'))
    .action(action(card))
  const version = program.command('version').description('what is kept of a version').helpCommand(false)
  for (const [word, said, what] of [
    ['delete', 'deleted, and can be restored', 'hide a version that does not serve'],
    ['restore', 'restored', 'bring a deleted version back'],
    ['purge', 'purged: its record stays', 'take the files of a deleted version away for good'],
  ] as const)
    version
      .command(word)
      .description(what)
      .argument('<model/version>', 'such as flight-delay/3')
      .addHelpText('after', examples(`version ${word} flight-delay/3`))
      .action(action(retaining(word, said)))
}
