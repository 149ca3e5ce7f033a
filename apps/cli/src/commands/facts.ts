import { type CloudEvent } from '@cascata/events'
import { InvalidArgumentError } from 'commander'
import { type Context } from '../context.ts'
import { CommandError } from '../errors.ts'
import { type Branch, explain, type Explanation } from '../facts/cascade.ts'
import { describeFact } from '../facts/describe-fact.ts'
import { type Lineage, lineageOf } from '../facts/lineage.ts'
import { allFacts, type Fact, nameOf, readFacts } from '../facts/log.ts'
import { parseName, parsePlace, parseVersion } from '../names.ts'
import { harmless, table } from '../output/table.ts'
import { showCount, showSpan, showTime } from '../output/words.ts'
import { examples, type Registry } from './register.ts'

const bad = /rejected|refused|failed|rolledback|halted|frozen|suspended|opened/
const good = /approved|completed|closed|unfrozen|resumed/

function line({ paint }: Context, event: CloudEvent): string {
  const name = nameOf(event)
  const tinted =
    bad.test(name) && name !== 'training.unfrozen' ? paint.red(name) : good.test(name) ? paint.green(name) : paint.cyan(name)
  return `${tinted}  ${harmless(describeFact(event))}`
}

function tree(context: Context, { fact, count, followed }: Branch, began: number, indent = '', branch = ''): string[] {
  const after = showSpan(Math.max(0, Date.parse(fact.event.time) - began))
  const times = count > 1 ? context.paint.dim(` (${count} times)`) : ''
  const own = `${context.paint.dim(`+${after}`.padStart(9))}  ${indent}${branch}${line(context, fact.event)}${times}`
  const below = indent + (branch === '' ? '' : branch.startsWith('└') ? '   ' : '│  ')
  return [
    own,
    ...followed.flatMap((each, index) => tree(context, each, began, below, index === followed.length - 1 ? '└─ ' : '├─ ')),
  ]
}

function showExplanation(context: Context, { causes, cascade }: Explanation): string {
  const lines: string[] = []
  for (const { trigger, summary, chain } of causes) {
    lines.push(`${context.paint.bold(trigger)}${summary ? `: ${harmless(summary)}` : ''}`)
    for (const [index, fact] of chain.entries())
      lines.push(`  ${'  '.repeat(index)}${showTime(fact.event.time)}  ${line(context, fact.event)}`)
  }
  if (causes.length === 0) lines.push(context.paint.dim('asked for by hand, or its causes are not in the log'))
  return [
    ...lines,
    '',
    `${context.paint.bold('what followed')}, from ${showTime(cascade.fact.event.time)}`,
    ...tree(context, cascade, Date.parse(cascade.fact.event.time)),
  ].join('\n')
}

const plainFact = ({ offset, event }: Fact) => ({ offset, ...event })
const plainBranch = ({ fact, count, followed }: Branch): unknown => ({
  ...plainFact(fact),
  count,
  followed: followed.map(plainBranch),
})

async function why(context: Context, _options: object, text?: string): Promise<void> {
  const { namespace, name, version } = parseVersion(text!, context.namespace)
  const found = explain(await allFacts(context), `${namespace}/${name}`, version)
  if (!found)
    throw new CommandError('CLI_NOT_FOUND', `the log of facts knows no ${namespace}/${name}/${version}`, {
      hint: `\`cascata get versions ${name}\` lists the versions, \`cascata runs --model ${name}\` the runs`,
    })
  const data = {
    about: plainFact(found.about),
    causes: found.causes.map(({ chain, ...cause }) => ({ ...cause, chain: chain.map(plainFact) })),
    cascade: plainBranch(found.cascade),
  }
  context.print(data, () => showExplanation(context, found))
}

function showLineage(context: Context, { place, segments, rejected, datasets }: Lineage): string {
  const { paint } = context
  const row = `${place.topic}/${place.partition}/${place.offset}`
  const parts: string[] = []
  for (const { view, code, field, message, at } of rejected)
    parts.push(
      paint.red(
        `${row} was refused by ${view} at ${showTime(at)}: ${code}${field ? ` (${field})` : ''}${message ? `, ${harmless(message)}` : ''}`,
      ),
    )
  if (segments.length > 0) {
    parts.push(
      `${paint.bold(row)} is in\n${table(
        context,
        ['view', 'segment', 'epoch', 'ingested'],
        segments.map(({ view, segment, epoch, at }) => [view, segment ?? '(no row of it was kept)', epoch, showTime(at)]),
      )}`,
    )
  }
  if (datasets.length > 0) {
    const rows = datasets.map((each) => [
      each.dataset,
      showCount(each.rows),
      showTime(each.at),
      each.run,
      each.version ? `${each.model}/${each.version}` : null,
      each.verdict,
      each.rollout?.state,
    ])
    parts.push(
      `${paint.bold('datasets that could read it')}\n${table(context, ['dataset', 'rows', 'built', 'run', 'version', 'verdict', 'rollout'], rows)}`,
    )
  } else parts.push(paint.dim('no dataset was built since'))
  return parts.join('\n\n')
}

async function trace(context: Context, _options: object, text?: string): Promise<void> {
  const place = parsePlace(text!)
  const lineage = lineageOf(await allFacts(context), place)
  if (lineage.segments.length === 0 && lineage.rejected.length === 0) {
    throw new CommandError('CLI_NOT_FOUND', `no view has read ${text}`, {
      hint: '`cascata get view NAME` shows how far each partition is read',
    })
  }
  context.print(lineage, () => showLineage(context, lineage))
}

async function tail(
  context: Context,
  { model, view, last, follow }: { model?: string; view?: string; last: number; follow: boolean },
): Promise<void> {
  const named = [model, view].filter((each) => each !== undefined).map((each) => parseName(each, context.namespace))
  const subjects = new Set(named.map(({ namespace, name }) => `${namespace}/${name}`))
  const wanted = ({ event }: Fact) => subjects.size === 0 || subjects.has(event.subject)
  const show = (fact: Fact): void => {
    if (!wanted(fact)) return
    if (context.json) return context.shell.out(`${JSON.stringify(plainFact(fact))}\n`)
    context.shell.out(`${context.paint.dim(showTime(fact.event.time))}  ${fact.event.subject}  ${line(context, fact.event)}\n`)
  }
  // With a filter, the last facts of that model can lie far back.
  if (subjects.size === 0) return readFacts(context, { from: { last }, follow, onFact: show })
  const kept: Fact[] = []
  await readFacts(context, { onFact: (fact) => void (wanted(fact) && kept.push(fact)) })
  kept.slice(-last || kept.length).forEach(show)
  const seen = kept.at(-1)?.offset ?? -1
  if (follow)
    await readFacts(context, { from: { last: 100 }, follow, onFact: (fact) => (fact.offset > seen ? show(fact) : undefined) })
}

const whole = (text: string): number => {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('expected a number')
  return Number(text)
}

export function registerFacts({ program, action }: Registry): void {
  program
    .command('why')
    .description('why a version is there: what asked for its training, and everything that followed')
    .argument('<model/version>', 'such as flight-delay/3; a run instead of the version for one that was refused')
    .addHelpText('after', examples('why flight-delay/3', 'why other/flight-delay/1 --json'))
    .action(action(why))
  program
    .command('trace')
    .description('where a row went: segments, datasets, runs, versions, rollouts')
    .argument('<topic/partition/offset>', 'the place of the row in Kafka')
    .addHelpText('after', examples('trace flight-plans/0/4711'))
    .action(action(trace))
  program
    .command('tail')
    .description('facts as they happen; with --json one object a line')
    .option('--model <name>', 'only of this model')
    .option('--view <name>', 'only of this view')
    .option('--last <number>', 'begin with so many facts of the past', whole, 10)
    .option('--no-follow', 'end after the facts of the past')
    .addHelpText('after', examples('tail', 'tail --model flight-delay', 'tail --last 100 --no-follow --json'))
    .action(action(tail))
}
