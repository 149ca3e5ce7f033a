import { type Context } from '../context.ts'
import { wrongUsage } from '../errors.ts'
import { parseVersion } from '../names.ts'
import { type Graph, showGraph } from '../output/graph.ts'
import { harmless, table } from '../output/table.ts'
import { showTime } from '../output/words.ts'
import { examples, type Registry } from './register.ts'

/** What a graph is asked for by: a place, a version, a dataset or a run. @throws CommandError (usage) */
function startOf(text: string, context: Context): Record<string, string> {
  const place = /^([A-Za-z0-9._-]{1,249})\/(\d{1,9})\/(\d{1,15})$/.exec(text)
  if (place) return { topic: place[1]!, partition: place[2]!, offset: place[3]! }
  if (/^d-[A-Za-z0-9-]+$/.test(text)) return { dataset: text }
  if (/^[A-Za-z0-9][A-Za-z0-9-]{0,199}$/.test(text)) return { run: text }
  if (!text.includes('/'))
    throw wrongUsage(
      `${text} names nothing that has lineage`,
      'expected model/version, a run, a dataset, or topic/partition/offset',
    )
  const { namespace, name, version } = parseVersion(text, context.namespace)
  return { namespace, model: name, version }
}

async function lineage(context: Context, { dot }: { dot?: boolean }, text?: string): Promise<void> {
  const start = startOf(text!, context)
  if (dot)
    return context.shell.out(harmless(await context.app('registry').text('/v1/lineage/graph', { ...start, format: 'dot' })))
  const graph = await context.app('registry').get<Graph>('/v1/lineage/graph', start)
  context.print(graph, () => showGraph(context, graph))
}

interface AuditEntry {
  id: string
  at: string
  who: string
  action: string
  namespace: string
  subject: string
  details: Record<string, unknown>
}

interface AuditOptions {
  subject?: string
  who?: string
  action?: string
  since?: string
  last: string
}

/** Pages of the record until there are enough, or it ends. */
async function auditEntries(context: Context, { last, ...filter }: AuditOptions): Promise<AuditEntry[]> {
  const wanted = last === 'all' ? Infinity : Number(last)
  if (!(wanted === Infinity || (Number.isSafeInteger(wanted) && wanted > 0)))
    throw wrongUsage(`${last} is no number of entries`, 'expected a number, or all')
  const found: AuditEntry[] = []
  while (found.length < wanted) {
    const limit = Math.min(1_000, wanted - found.length)
    const page = await context.app('registry').get<AuditEntry[]>('/v1/audit', { ...filter, limit, before: found.at(-1)?.id })
    found.push(...page)
    if (page.length === 0) break
  }
  return found
}

async function audit(context: Context, options: AuditOptions): Promise<void> {
  const { subject, who, action, since, last } = options
  const entries = await auditEntries(context, {
    ...(subject && { subject }),
    ...(who && { who }),
    ...(action && { action }),
    ...(since && { since }),
    last,
  })
  if (context.json) return context.shell.out(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
  const rows = entries.map(({ at, who: by, action: what, subject: about, details }) => [
    showTime(at),
    by,
    what,
    about,
    JSON.stringify(details),
  ])
  context.say(table(context, ['at', 'who', 'action', 'subject', 'details'], rows))
}

/** Commands that look: where things come from, and who did what. */
export function registerLineage({ program, action }: Registry): void {
  program
    .command('lineage')
    .description('from rows to predictions and back: offsets, dataset, run, version, route, predictions')
    .argument('<what>', 'model/version, a run, a dataset, or topic/partition/offset')
    .option('--dot', 'for Graphviz')
    .addHelpText('after', examples('lineage flight-delay/3', 'lineage flights/0/4711 --dot | dot -Tsvg'))
    .action(action(lineage))
  program
    .command('audit')
    .description('who did what, newest first; with --json one object a line')
    .option('--subject <subject>', 'what it was done to, such as default/flight-delay/3')
    .option('--who <who>', 'who did it')
    .option('--action <action>', 'what was done, such as version.approved')
    .option('--since <time>', 'not older than this, ISO 8601')
    .option('--last <number>', 'so many entries, or all', '50')
    .addHelpText('after', examples('audit --subject default/flight-delay/3', 'audit --last all --json > audit.jsonl'))
    .action(action(audit))
}
